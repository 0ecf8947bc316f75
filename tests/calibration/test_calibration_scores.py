"""Size and power of the origin tests on scores (generator of FIELD.md, Scores)."""

import numpy as np
import pytest
from calibration.simulation import plausible_rates, rejection_rate, score_cohort

from biasaudit.stats.conditional import covariate_adjusted_test
from biasaudit.stats.fold_auc import cross_validated_auc_test
from biasaudit.stats.rank_tests import origin_dependence_test
from biasaudit.stats.strata import HeldFixed, indicator_matrix


def p_values(n_runs, n, bias, association, statistic="pooled", saturated=False):
    generator = np.random.default_rng(100)
    results = []
    for _ in range(n_runs):
        scores, label, origin = score_cohort(n, bias, association, generator, saturated)
        result = origin_dependence_test(scores, origin, label, 199, generator, statistic)
        results.append(result.p_value)
    return results


@pytest.mark.parametrize("statistic", ["pooled", "per_stratum"])
@pytest.mark.parametrize(("association", "saturated"), [(0, False), (0.5, True), (0.9, False)])
def test_size_is_nominal(statistic, association, saturated):
    low, high = plausible_rates(0.05, 500)
    assert low <= rejection_rate(p_values(500, 100, 0, association, statistic, saturated)) <= high


def test_power_is_that_of_the_difference_of_means():
    """That of the t test, .690 at 100 subjects in 8 000 runs, less what 199 permutations cost."""
    assert rejection_rate(p_values(600, 100, 0.25, 0)) >= plausible_rates(0.68, 600)[0]
    assert rejection_rate(p_values(300, 200, 0.25, 0)) >= plausible_rates(0.93, 300)[0]


def test_saturated_scores_have_the_power_of_their_ranks():
    assert rejection_rate(p_values(400, 100, 0.25, 0, saturated=True)) >= plausible_rates(0.67, 400)[0]


def test_size_with_many_unequal_origins():
    generator = np.random.default_rng(101)
    results = []
    for _ in range(400):
        origin = generator.choice(12, 80, p=np.arange(12, 0, -1) / 78)
        label = generator.integers(0, 2, 80)
        scores = 2 * label + generator.standard_exponential(80)
        results.append(origin_dependence_test(scores, origin, label, 199, generator).p_value)
    low, high = plausible_rates(0.05, 400)
    assert low <= rejection_rate(results) <= high


def unequal_spread_p_values(n_runs, sizes, spreads, shift=0.0):
    """The plain and the studentised test of origins whose means differ by `shift`, and whose spreads differ."""
    generator, results = np.random.default_rng(104), []
    origin = np.repeat(np.arange(len(sizes)), sizes)
    nothing = HeldFixed(np.zeros(origin.size), np.empty((origin.size, 0)))
    for _ in range(n_runs):
        scores = generator.standard_normal(origin.size) * np.take(spreads, origin) + shift * origin
        plain = origin_dependence_test(scores, origin, nothing.strata, 99, generator)
        own = covariate_adjusted_test(scores, origin, nothing, 99, generator)
        results.append((plain.p_value, own.p_value))
    return np.array(results).T


@pytest.mark.parametrize(("sizes", "spreads"), [((20, 80), (3, 1)), ((15, 25, 35, 45), (4, 3, 2, 1))])
def test_origins_that_differ_in_spread_alone_are_no_dependence(sizes, spreads):
    """The plain test flags more than one such cohort in ten."""
    plain, own = unequal_spread_p_values(400, sizes, spreads)
    low, high = plausible_rates(0.05, 400)
    assert low <= rejection_rate(own) <= high
    assert rejection_rate(plain) > 0.08


def test_studentising_costs_little_power_where_spreads_are_equal():
    plain, own = unequal_spread_p_values(300, (50, 50), (1, 1), 0.56)
    assert rejection_rate(own) >= rejection_rate(plain) - 0.01


def severity_p_values(n_runs, n, difference, shift):
    generator = np.random.default_rng(102)
    label, results = np.repeat([0, 1], n // 2), []
    for _ in range(n_runs):
        origin = generator.integers(0, 2, n)
        severity = generator.standard_normal(n) + difference * origin
        scores = 2 * label + severity * label + shift * origin + generator.standard_normal(n)
        adjusted = covariate_adjusted_test(scores, origin, HeldFixed(label, severity), 199, generator)
        plain = origin_dependence_test(scores, origin, label, 199, generator)
        results.append((adjusted.p_value, plain.p_value))
    return np.array(results).T


@pytest.mark.parametrize(("n", "difference"), [(40, 1.0), (100, 2.0)])
def test_size_when_severity_differs_between_origins(n, difference):
    """The plain test takes severity for origin; the adjusted one must not (true size .043-.059)."""
    adjusted, plain = severity_p_values(500, n, difference, 0.0)
    low, high = plausible_rates(0.05, 500)
    assert low <= rejection_rate(adjusted) <= high
    assert rejection_rate(plain) > 0.1


def test_power_beside_severity():
    assert rejection_rate(severity_p_values(200, 100, 1.0, 0.5)[0]) >= plausible_rates(0.56, 200)[0]


def ridge_scores(features, origin, folds):
    """Held-out scores (n, k) of ridge classifiers trained without the fold."""
    labels, scores = indicator_matrix(origin), np.empty((origin.size, origin.max() + 1))
    for fold in np.unique(folds):
        kept = folds != fold
        mean = features[kept].mean(axis=0)
        centred = features[kept] - mean
        penalty = features.shape[1] * np.eye(features.shape[1])
        weights = np.linalg.solve(centred.T @ centred + penalty, centred.T @ labels[kept])
        scores[~kept] = (features[~kept] - mean) @ weights
    return scores


def cross_validated_p_values(n_runs, n, d, k, n_folds):
    generator = np.random.default_rng(103)
    origin, results = np.arange(n) % k, []
    for _ in range(n_runs):
        folds = np.empty(n, dtype=int)
        for member in range(k):
            inside = generator.permutation(np.flatnonzero(origin == member))
            folds[inside] = np.arange(inside.size) % n_folds
        scores = ridge_scores(generator.standard_normal((n, d)), origin, folds)
        results.append(
            [
                cross_validated_auc_test(scores, origin, folds, 199, generator, corrected).p_value
                for corrected in (False, True)
            ]
        )
    return np.array(results).T


def test_size_of_the_cross_validated_auc():
    """Permuting origins without training again is liberal, as documented; the correction holds."""
    naive, corrected = cross_validated_p_values(400, 60, 20, 2, 5)
    assert rejection_rate(naive) > plausible_rates(0.05, 400)[1]
    assert rejection_rate(corrected) <= plausible_rates(0.05, 400)[1]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d", "k", "n_folds"), [(100, 50, 2, 5), (100, 50, 3, 5), (100, 5, 2, 10)])
def test_documented_sizes_of_the_cross_validated_auc(n, d, k, n_folds):
    naive, corrected = cross_validated_p_values(2000, n, d, k, n_folds)
    assert 0.09 <= rejection_rate(naive) <= 0.14
    assert 0.02 <= rejection_rate(corrected) <= 0.05
