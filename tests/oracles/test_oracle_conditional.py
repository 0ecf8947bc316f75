"""Covariate adjustment against ordinary least squares and Freedman and Lane's model."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from biasaudit.stats.conditional import centred_covariates, covariate_adjusted_test, residuals
from biasaudit.stats.rank_tests import shift_scores
from biasaudit.stats.strata import HeldFixed


@pytest.fixture
def cohort():
    generator = np.random.default_rng(31)
    strata, origin = np.repeat([0, 1], [20, 26]), generator.integers(0, 2, 46)
    covariates = generator.standard_normal((46, 2)) + origin[:, None]
    scores = strata + covariates @ [1.0, -0.5] + generator.standard_normal(46)
    return scores, origin, strata, covariates


def residuals_by_regression(values, covariates, strata):
    residuals = np.empty(values.size)
    for s in np.unique(strata):
        inside = strata == s
        model = LinearRegression().fit(covariates[inside], values[inside])
        residuals[inside] = values[inside] - model.predict(covariates[inside])
    return residuals


def test_residuals_equal_regression_in_each_stratum(cohort):
    scores, _, strata, covariates = cohort
    expected = residuals_by_regression(scores, covariates, strata)
    np.testing.assert_allclose(
        residuals(scores, centred_covariates(covariates, strata), strata, strata), expected, atol=1e-12
    )


def test_statistic_is_the_squared_partial_association(cohort):
    scores, origin, strata, covariates = cohort
    ranks = shift_scores(residuals_by_regression(scores, covariates, strata), strata)
    expected = 0.0
    for k in (0, 1):
        design = residuals_by_regression((origin == k) * 1.0, covariates, strata)
        variance = sum(
            (strata == s).sum() / ((strata == s).sum() - 1) * (design[strata == s] ** 2).sum() for s in (0, 1)
        )
        expected += (ranks @ design) ** 2 / variance
    result = covariate_adjusted_test(scores, origin, HeldFixed(strata, covariates), 99, np.random.default_rng(1))
    assert result.statistic == pytest.approx(expected)


def test_null_is_widened_by_the_degrees_of_freedom_of_the_covariates():
    """A permuted sum of unit variance has mean square 1 per origin, here times (n - 1) / (n - 1 - c)."""
    generator = np.random.default_rng(32)
    origin, covariates = np.arange(12) % 2, generator.standard_normal((12, 3))
    scores = generator.standard_normal(12)
    result = covariate_adjusted_test(scores, origin, HeldFixed(np.zeros(12), covariates), 40_000, generator)
    assert result.null.mean() == pytest.approx(2 * 11 / 8, rel=0.03)
