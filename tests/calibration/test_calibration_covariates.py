"""Size and power of U1's test when folds and covariates are held fixed."""

import numpy as np
import pytest
from calibration.simulation import covariate_cohort, fold_deal, plausible_rates, rejection_rate, score_cohort

from biasaudit.stats.conditional import covariate_adjusted_test, smooth_columns
from biasaudit.stats.fold_scales import fold_columns, standardised_logits
from biasaudit.stats.rank_tests import origin_dependence_test
from biasaudit.stats.strata import HeldFixed

SHAPES = ("linear", "quadratic", "saturating")


def covariate_p_values(n_runs, n, shape, difference=1.0, shift=0.0):
    generator, results = np.random.default_rng(300), []
    for _ in range(n_runs):
        scores, label, origin, covariate = covariate_cohort(n, shape, difference, shift, generator)
        columns = smooth_columns(covariate, label)
        adjusted = covariate_adjusted_test(scores, origin, HeldFixed(label, columns), 199, generator)
        plain = origin_dependence_test(scores, origin, label, 199, generator)
        results.append((adjusted.p_value, plain.p_value))
    return np.array(results).T


@pytest.mark.parametrize("shape", SHAPES)
def test_a_covariate_that_differs_between_origins_is_no_dependence(shape):
    adjusted, plain = covariate_p_values(300, 100, shape)
    low, high = plausible_rates(0.05, 300)
    assert low <= rejection_rate(adjusted) <= high
    assert rejection_rate(plain) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 200])
@pytest.mark.parametrize("shape", SHAPES)
def test_documented_size_beside_a_covariate(shape, n):
    """A straight column would have .08 for the saturating shape at 200 subjects."""
    low, high = plausible_rates(0.05, 1500)
    assert low <= rejection_rate(covariate_p_values(1500, n, shape)[0]) <= high


def test_an_irrelevant_covariate_costs_little_power():
    adjusted = covariate_p_values(300, 100, "irrelevant", difference=0.0, shift=0.5)[0]
    assert rejection_rate(adjusted) >= plausible_rates(0.64, 300)[0]


def fold_p_values(n_runs, bias, spread=0.0):
    """U1 on five networks of different offset and scale, folds dealt evenly over class and origin."""
    generator, results = np.random.default_rng(301), []
    for _ in range(n_runs):
        scores, label, origin = score_cohort(100, bias, 0, generator)
        folds = fold_deal(label, origin, 5, generator)
        scores = np.exp(spread * generator.standard_normal(5))[folds] * scores + generator.standard_normal(5)[folds]
        standardised = standardised_logits(scores, label == 1, folds)
        columns = fold_columns(label == 1, folds)
        held = covariate_adjusted_test(standardised, origin, HeldFixed(label, columns), 199, generator)
        ignored = origin_dependence_test(standardised, origin, label, 199, generator)
        results.append((held.p_value, ignored.p_value))
    return np.array(results).T


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_size_when_folds_are_dealt_over_origins(spread):
    low, high = plausible_rates(0.05, 400)
    assert low <= rejection_rate(fold_p_values(400, 0.0, spread)[0]) <= high


@pytest.mark.slow
def test_folds_must_be_held_fixed():
    """Scores centred in folds vary less under permutation than they did when the folds were dealt."""
    held, ignored = fold_p_values(5000, 0.0)
    low, high = plausible_rates(0.05, 5000)
    assert low <= rejection_rate(held) <= high
    assert rejection_rate(ignored) > rejection_rate(held) + 0.005


def test_power_on_folds_is_nearly_that_of_one_network():
    assert rejection_rate(fold_p_values(400, 0.25)[0]) >= plausible_rates(0.665, 400)[0]
