"""The studentised statistic against Welch's, a Wald statistic by loops, and full enumeration."""

import itertools

import numpy as np
import pytest
from scipy.stats import ttest_ind

from biasaudit.stats import studentised
from biasaudit.stats.conditional import covariate_adjusted_test
from biasaudit.stats.rank_tests import per_stratum_design, pooled_design
from biasaudit.stats.strata import HeldFixed, joint_codes


def standardised(scores, strata):
    ranks = np.array(scores, dtype=float)
    for s in np.unique(strata):
        ranks[strata == s] -= ranks[strata == s].mean()
        ranks[strata == s] /= ranks[strata == s].std()
    return ranks


def variance_of(own, pooled, mean_size):
    weight = max(studentised.POOLED_WEIGHT, studentised.SMALL_CELLS / mean_size)
    squares = sum((value - np.mean(own)) ** 2 for value in own)
    return (squares + weight * pooled) / (len(own) - 1 + weight)


def wald_by_loops(ranks, design, cells):
    """u' V+ u, with V the sum over subjects of the variance of their cell times the square of their row."""
    groups = [ranks[cells == c] for c in np.unique(cells)]
    pooled = sum(((own - own.mean()) ** 2).sum() for own in groups) / sum(own.size - 1 for own in groups)
    covariance = sum(
        variance_of(ranks[cells == cells[i]], pooled, ranks.size / len(groups)) * np.outer(design[i], design[i])
        for i in range(ranks.size)
    )
    u = ranks @ design
    return u @ np.linalg.pinv(covariance, rcond=1e-10) @ u


def of(ranks, design, cells, strata, m=1):
    return studentised.studentised_test(ranks, design, cells, strata, (m, np.random.default_rng(0)))


def test_two_origins_are_welch(monkeypatch):
    monkeypatch.setattr(studentised, "POOLED_WEIGHT", 0.0)
    monkeypatch.setattr(studentised, "SMALL_CELLS", 0.0)
    generator = np.random.default_rng(41)
    origin = np.repeat([0, 1], [12, 25])
    scores = generator.standard_normal(37) * np.where(origin == 1, 0.4, 2.0) + origin
    strata = np.zeros(37, dtype=np.intp)
    found = of(standardised(scores, strata), pooled_design(origin, strata), origin, strata).statistic
    assert found == pytest.approx(ttest_ind(scores[origin == 0], scores[origin == 1], equal_var=False).statistic ** 2)


@pytest.mark.parametrize("design_of", [pooled_design, per_stratum_design])
def test_strata_and_origins_by_loops(design_of):
    generator = np.random.default_rng(42)
    strata, origin = np.repeat([0, 1], [20, 31]), generator.integers(0, 3, 51)
    ranks = standardised(generator.standard_normal(51) * (1 + origin), strata)
    design, cells = design_of(origin, strata), joint_codes(strata, origin)
    assert of(ranks, design, cells, strata).statistic == pytest.approx(wald_by_loops(ranks, design, cells))


def test_exhaustive_permutation_of_a_tiny_cohort():
    scores = np.array([0.1, 0.9, 0.4, 2.0, 1.1, 3.0, 2.5, 2.2, 0.9])
    origin, strata = np.array([0, 1, 2, 1, 0, 1, 1, 0, 0]), np.repeat([0, 1], [5, 4])
    ranks, design, cells = standardised(scores, strata), pooled_design(origin, strata), joint_codes(strata, origin)
    observed = wald_by_loops(ranks, design, cells)
    null = [
        wald_by_loops(ranks[[*a, *b]], design, cells)
        for a in itertools.permutations(range(5))
        for b in itertools.permutations(range(5, 9))
    ]
    exact = np.mean(np.array(null) >= observed - 1e-9)
    result = of(ranks, design, cells, strata, 20_000)
    assert result.statistic == pytest.approx(observed)
    assert result.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_beside_covariates_it_is_the_partial_coefficient_over_its_robust_error(monkeypatch):
    """Two origins: (r'd)^2 / sum s^2 d^2, the spread widened by what the covariates used up."""
    monkeypatch.setattr(studentised, "POOLED_WEIGHT", 0.0)
    monkeypatch.setattr(studentised, "SMALL_CELLS", 0.0)
    generator = np.random.default_rng(43)
    origin, covariates = np.arange(40) % 2, generator.standard_normal((40, 2))
    scores = covariates @ [1.0, -0.5] + generator.standard_normal(40)
    known = np.column_stack([np.ones(40), covariates])
    projector = np.eye(40) - known @ np.linalg.pinv(known)
    left, design = projector @ scores, projector @ origin
    ranks = left / left.std()
    spread = ranks * np.sqrt(39 / 37)
    variance = np.array([spread[origin == k].var(ddof=1) for k in (0, 1)])[origin]
    result = covariate_adjusted_test(scores, origin, HeldFixed(np.zeros(40), covariates), 9, generator)
    assert result.statistic == pytest.approx((ranks @ design) ** 2 / (variance @ design**2))
