"""Permutation tests against explicit formulas and full enumeration."""

import itertools

import numpy as np
import pytest
from scipy.stats import kruskal, mannwhitneyu, rankdata
from scipy.stats import norm as normal

from biasaudit.stats import fold_auc, rank_tests
from biasaudit.stats.strata import integer_codes


def van_elteren(scores, in_first, strata):
    """Standardised van Elteren statistic without ties, strata weighted by 1 / sd of the ranks."""
    total, variance = 0.0, 0.0
    for stratum in np.unique(strata):
        inside = strata == stratum
        n, first = inside.sum(), (inside & in_first).sum()
        weight = 1 / np.sqrt((n**2 - 1) / 12)
        rank_sum = rankdata(scores[inside])[in_first[inside]].sum()
        total += weight * (rank_sum - first * (n + 1) / 2)
        variance += weight**2 * first * (n - first) * (n + 1) / 12
    return total / np.sqrt(variance)


def ranks_within(scores, strata):
    """Midranks inside strata, of mean 0 and variance 1 there."""
    ranks = np.empty(scores.size)
    for stratum in np.unique(strata):
        inside = strata == stratum
        own = rankdata(scores[inside])
        ranks[inside] = (own - own.mean()) / own.std()
    return ranks


def statistic_of(design, scores, origin, strata):
    """The statistic of the shipped test for ranks in place of scores."""
    codes = integer_codes(strata)
    columns = design(integer_codes(origin), codes)
    return rank_tests.linear_rank_test(
        ranks_within(scores, strata), columns, codes, 1, np.random.default_rng(0)
    ).statistic


@pytest.fixture
def cohort():
    generator = np.random.default_rng(11)
    strata = np.repeat(["a", "b", "c"], [14, 9, 20])
    origin = generator.integers(0, 2, 43)
    return generator.standard_normal(43) + 0.5 * origin, origin, strata


def test_two_origins_are_van_elteren(cohort):
    scores, origin, strata = cohort
    statistic = statistic_of(rank_tests.pooled_design, scores, origin, strata)
    assert statistic == pytest.approx(2 * van_elteren(scores, origin == 0, strata) ** 2)


def test_one_stratum_is_mann_whitney_without_continuity(cohort):
    scores, origin, _ = cohort
    one = np.zeros(scores.size)
    statistic = statistic_of(rank_tests.pooled_design, scores, origin, one)
    p = mannwhitneyu(scores[origin == 0], scores[origin == 1], use_continuity=False, method="asymptotic").pvalue
    assert 2 * normal.sf(np.sqrt(statistic / 2)) == pytest.approx(p)


def test_per_stratum_is_a_sum_of_kruskal_wallis(cohort):
    scores, origin, strata = cohort
    statistic = statistic_of(rank_tests.per_stratum_design, scores, origin, strata)
    expected = 0.0
    for stratum in np.unique(strata):
        inside = strata == stratum
        groups = [scores[inside & (origin == k)] for k in (0, 1)]
        expected += 2 * kruskal(*groups).statistic  # two origins mirror each other
    assert statistic == pytest.approx(expected)


def statistic_by_loops(scores, origin, strata):
    """Sum over origins of (sum of scores)^2 / permutation variance, normal scores in strata."""
    total = 0.0
    for k in np.unique(origin):
        deviation, variance = 0.0, 0.0
        for stratum in np.unique(strata):
            inside = np.flatnonzero(strata == stratum)
            n = inside.size
            z = normal.ppf(rankdata(scores[inside]) / (n + 1))
            z = z - z.mean()
            z = z / np.sqrt((z**2).mean())
            count = (origin[inside] == k).sum()
            deviation += sum(z[i] for i in range(n) if origin[inside[i]] == k)
            variance += count * (n - count) / (n - 1)
        total += deviation**2 / variance if variance > 0 else 0.0
    return total


def test_exhaustive_permutation_of_a_tiny_cohort():
    scores = np.array([0.1, 0.9, 0.4, 2.0, 30.0, 3.0, 2.5, 0.3, 0.9])
    origin = np.array([0, 1, 2, 1, 0, 1, 1, 0, 0])
    strata = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(
        rank_tests.shift_scores(scores, strata), rank_tests.normal_scores_within(scores, strata)
    )
    observed = statistic_by_loops(scores, origin, strata)
    null = [
        statistic_by_loops(scores, np.concatenate([origin[list(a)], origin[list(b)]]), strata)
        for a in itertools.permutations(range(5))
        for b in itertools.permutations(range(5, 9))
    ]
    exact = np.mean(np.array(null) >= observed - 1e-9)
    result = rank_tests.origin_dependence_test(scores, origin, strata, 20_000, np.random.default_rng(1))
    assert result.statistic == pytest.approx(observed)
    assert result.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_cross_validated_auc_by_loops():
    generator = np.random.default_rng(12)
    scores, folds = generator.standard_normal((40, 3)).round(1), generator.integers(0, 4, 40)
    origin = generator.integers(0, 3, 40)
    by_fold = []
    for fold in range(4):
        inside = folds == fold
        areas = []
        for k in range(3):
            first, rest = scores[inside & (origin == k), k], scores[inside & (origin != k), k]
            if first.size and rest.size:
                pairs = [(a > b) + 0.5 * (a == b) for a in first for b in rest]
                areas.append(np.mean(pairs))
        by_fold.append(np.mean(areas))
    result = fold_auc.cross_validated_auc_test(scores, origin, folds, 50, generator)
    assert result.statistic == pytest.approx(np.mean(by_fold))


def test_cross_validated_null_by_loops():
    """Exhaustive null of one tiny fold, and the widening for overlapping training sets."""
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]] * 2)
    origin, folds = np.array([1, 0, 1, 0, 0, 1, 0, 1]), np.repeat([0, 1], 4)
    plain = fold_auc.cross_validated_auc_test(scores, origin, folds, 4000, np.random.default_rng(3), corrected=False)
    wide = fold_auc.cross_validated_auc_test(scores, origin, folds, 4000, np.random.default_rng(3))
    areas = []
    for chosen in itertools.combinations(range(4), 2):
        others = [i for i in range(4) if i not in chosen]
        areas.append(np.mean([(scores[a, 1] > scores[b, 1]) for a in chosen for b in others]))
    exact = {round((a + b) / 2, 9) for a in areas for b in areas}
    assert {round(value, 9) for value in plain.null} == exact
    factor = np.sqrt(1 + 2 * np.mean([4 / 4, 4 / 4]))
    np.testing.assert_allclose(wide.null - 0.5, factor * (plain.null - 0.5))
