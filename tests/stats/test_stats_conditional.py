import numpy as np
import pytest

from biasaudit.stats.conditional import covariate_adjusted_test, residual_ranks


@pytest.fixture
def generator():
    return np.random.default_rng(9)


def test_linear_severity_is_removed_stratum_by_stratum(generator):
    strata, severity = np.repeat([0, 1], 15), generator.standard_normal(30)
    scores = 4 * strata + np.where(strata == 1, 2, -3) * severity
    np.testing.assert_allclose(residual_ranks(scores, severity, strata), 0, atol=1e-12)


def test_missing_covariates_take_the_mean_of_their_stratum(generator):
    strata, severity = np.repeat([0, 1], 10), generator.standard_normal(20)
    missing, imputed = severity.copy(), severity.copy()
    missing[[2, 13]] = np.nan
    for s in (0, 1):
        inside = strata == s
        imputed[inside & np.isnan(missing)] = np.nanmean(missing[inside])
    scores = generator.standard_normal(20)
    np.testing.assert_allclose(residual_ranks(scores, missing, strata), residual_ranks(scores, imputed, strata))


def test_useless_covariates_only_centre(generator):
    scores = generator.standard_normal(12)
    for covariates in (np.full(12, np.nan), np.full(12, 0.1), np.empty((12, 0))):
        np.testing.assert_allclose(residual_ranks(scores, covariates, np.zeros(12)), scores - scores.mean())


def test_small_strata_are_only_centred(generator):
    scores, severity = generator.standard_normal(9), generator.standard_normal((9, 1))
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    residuals = residual_ranks(scores, severity, strata)
    np.testing.assert_allclose(residuals[:4], scores[:4] - scores[:4].mean())
    assert abs(residuals[4:] @ severity[4:, 0]) < 1e-12


def test_severity_that_differs_between_origins_is_no_dependence(generator):
    origin, label = np.arange(200) % 2, np.repeat([0, 1], 100)
    severity = label * (generator.standard_normal(200) + 1.5 * origin)
    scores = 2 * severity + generator.standard_normal(200)
    result = covariate_adjusted_test(scores, origin, label, severity, 499, generator)
    assert result.p_value > 0.05
    shifted = covariate_adjusted_test(scores + 1.5 * origin, origin, label, severity, 499, generator)
    assert shifted.p_value < 0.01


def test_covariates_that_determine_the_origin(generator):
    origin = np.arange(20) % 2
    result = covariate_adjusted_test(
        generator.standard_normal(20), origin, np.zeros(20), 3.0 * origin + 1, 99, generator
    )
    assert np.isnan(result.p_value)
    assert result.reason == "the covariates determine the origin"


def test_nothing_to_compare_says_why(generator):
    result = covariate_adjusted_test(np.arange(4.0), list("aabb"), [0, 0, 1, 1], np.arange(4.0), 9, generator)
    assert np.isnan(result.p_value)
    assert result.reason == "no stratum holds two origins"


def test_faults_are_named(generator):
    with pytest.raises(ValueError, match="finite"):
        residual_ranks([0.0, np.inf], [1.0, 2.0], [0, 0])
    with pytest.raises(ValueError, match="none infinite"):
        residual_ranks([0.0, 1.0], [1.0, np.inf], [0, 0])
    with pytest.raises(ValueError, match="covariates: 3"):
        residual_ranks([0.0, 1.0], [1.0, 2.0, 3.0], [0, 0])
