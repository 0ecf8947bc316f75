"""Covariate adjustment against ordinary least squares and Freedman and Lane's model."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from biasaudit.stats.conditional import centred_covariates, covariate_adjusted_test, residuals
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


def test_the_covariates_degrees_of_freedom_widen_the_observed_spread():
    """Under the null the statistic has mean (n - 2) / (n - 4) or so per origin, and so has its permutation null."""
    generator = np.random.default_rng(32)
    origin = np.arange(24) % 2
    observed, null = [], []
    for _ in range(400):
        covariates, scores = generator.standard_normal((24, 8)), generator.standard_normal(24)
        result = covariate_adjusted_test(scores, origin, HeldFixed(np.zeros(24), covariates), 49, generator)
        observed.append(result.statistic)
        null.append(result.null.mean())
    assert np.mean(observed) == pytest.approx(np.mean(null), rel=0.2)
