import numpy as np
import pytest

from biasaudit.stats.conditional import centred_covariates, covariate_adjusted_test, residuals, smooth_columns
from biasaudit.stats.rank_tests import per_stratum_design, pooled_design, shift_scores
from biasaudit.stats.strata import HeldFixed, joint_codes
from biasaudit.stats.studentised import studentised_test


@pytest.fixture
def generator():
    return np.random.default_rng(9)


def adjusted(scores, covariates, strata):
    """Residuals with slopes of their own in every stratum."""
    codes = np.asarray(strata, dtype=np.intp)
    return residuals(np.asarray(scores), centred_covariates(covariates, codes), codes, codes)


def test_linear_severity_is_removed_stratum_by_stratum(generator):
    strata, severity = np.repeat([0, 1], 15), generator.standard_normal(30)
    scores = 4 * strata + np.where(strata == 1, 2, -3) * severity
    np.testing.assert_allclose(adjusted(scores, severity, strata), 0, atol=1e-12)


def test_missing_covariates_take_the_mean_of_their_stratum(generator):
    strata, severity = np.repeat([0, 1], 10), generator.standard_normal(20)
    missing, imputed = severity.copy(), severity.copy()
    missing[[2, 13]] = np.nan
    for s in (0, 1):
        inside = strata == s
        imputed[inside & np.isnan(missing)] = np.nanmean(missing[inside])
    scores = generator.standard_normal(20)
    np.testing.assert_allclose(adjusted(scores, missing, strata), adjusted(scores, imputed, strata))


def test_useless_covariates_only_centre(generator):
    scores = generator.standard_normal(12)
    for covariates in (np.full(12, np.nan), np.full(12, 0.1), np.empty((12, 0))):
        np.testing.assert_allclose(adjusted(scores, covariates, np.zeros(12)), scores - scores.mean())


def test_small_strata_are_only_centred(generator):
    scores, severity = generator.standard_normal(9), generator.standard_normal((9, 1))
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    left = adjusted(scores, severity, strata)
    np.testing.assert_allclose(left[:4], scores[:4] - scores[:4].mean())
    assert abs(left[4:] @ severity[4:, 0]) < 1e-12


def test_severity_that_differs_between_origins_is_no_dependence(generator):
    origin, label = np.arange(200) % 2, np.repeat([0, 1], 100)
    severity = label * (generator.standard_normal(200) + 1.5 * origin)
    scores = 2 * severity + generator.standard_normal(200)
    result = covariate_adjusted_test(scores, origin, HeldFixed(label, severity), 499, generator)
    assert result.p_value > 0.05
    shifted = covariate_adjusted_test(scores + 1.5 * origin, origin, HeldFixed(label, severity), 499, generator)
    assert shifted.p_value < 0.01


def test_covariates_that_determine_the_origin(generator):
    origin = np.arange(20) % 2
    result = covariate_adjusted_test(
        generator.standard_normal(20), origin, HeldFixed(np.zeros(20), 3.0 * origin + 1), 99, generator
    )
    assert np.isnan(result.p_value)
    assert result.reason == "the covariates determine the origin"


def test_nothing_to_compare_says_why(generator):
    result = covariate_adjusted_test(
        np.arange(4.0), list("aabb"), HeldFixed([0, 0, 1, 1], np.arange(4.0)), 9, generator
    )
    assert np.isnan(result.p_value)
    assert result.reason == "no stratum holds two origins"


def test_faults_are_named(generator):
    with pytest.raises(ValueError, match="finite"):
        covariate_adjusted_test([0.0, np.inf], [0, 1], HeldFixed([0, 0], [1.0, 2.0]), 9, generator)
    with pytest.raises(ValueError, match="none infinite"):
        covariate_adjusted_test([0.0, 1.0], [0, 1], HeldFixed([0, 0], [1.0, np.inf]), 9, generator)
    with pytest.raises(ValueError, match="covariates: 3"):
        covariate_adjusted_test([0.0, 1.0], [0, 1], HeldFixed([0, 0], [1.0, 2.0, 3.0]), 9, generator)
    with pytest.raises(ValueError, match="covariates: 3"):
        adjusted([0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [0, 0])


def test_smooth_columns_are_powers_inside_groups_and_mark_the_missing(generator):
    groups, values = np.repeat([0, 1], 50), np.repeat([20.0, 60.0], 50) + generator.standard_normal(100)
    columns = smooth_columns(values, groups)
    assert columns.shape == (100, 3)
    np.testing.assert_allclose(columns[:, 0] ** 3, columns[:, 2])
    assert abs(columns[:50, 0].mean()) < 1e-12
    assert np.abs(columns[:, 0]).max() <= 3
    values[4] = np.nan
    with_missing = smooth_columns(values, groups)
    assert with_missing[4].tolist() == [0, 0, 0, 1]
    assert with_missing[:, 3].sum() == 1


def test_curved_effects_need_curved_columns(generator):
    label, age = np.repeat([0, 1], 100), generator.standard_normal(200)
    origin = (generator.random(200) < np.where(np.abs(age) > 0.7, 0.9, 0.1)).astype(int)
    scores = 2 * age**2 + 0.5 * generator.standard_normal(200)
    straight = covariate_adjusted_test(scores, origin, HeldFixed(label, age), 199, generator)
    curved = covariate_adjusted_test(scores, origin, HeldFixed(label, smooth_columns(age, label)), 199, generator)
    assert straight.p_value < 0.01 < 0.05 < curved.p_value


def test_groups_share_the_slopes_of_their_strata(generator):
    groups, strata = np.repeat([0, 1], 20), np.arange(40) // 10
    severity = generator.standard_normal(40) + strata
    scores, origin = 3 * severity + 5 * strata, np.arange(40) % 2
    result = covariate_adjusted_test(scores, origin, HeldFixed(strata, severity, groups), 99, generator)
    assert result.statistic == pytest.approx(0, abs=1e-9)
    assert result.p_value == 1.0


def test_covariates_that_use_up_a_group_are_refused(generator):
    columns = generator.standard_normal((8, 5))
    result = covariate_adjusted_test(
        generator.standard_normal(8), np.arange(8) % 2, HeldFixed(np.zeros(8), columns), 99, generator
    )
    assert np.isnan(result.p_value)
    assert result.reason == "8 subjects are too few to hold 5 covariate columns fixed"
    with pytest.raises(ValueError, match="per_stratum"):
        covariate_adjusted_test(
            np.arange(4.0), [0, 1] * 2, HeldFixed(np.zeros(4), np.empty((4, 0))), 9, generator, "both"
        )


def test_without_covariates_it_is_the_studentised_test(generator):
    scores, origin, strata = generator.standard_exponential(60), np.arange(60) % 3, np.repeat([0, 1], 30)
    designs = {"pooled": pooled_design, "per_stratum": per_stratum_design}
    for kind, design in designs.items():
        ranks, cells = shift_scores(scores, strata), joint_codes(strata, origin)
        plain = studentised_test(ranks, design(origin, strata), cells, strata, (99, np.random.default_rng(1)))
        adjusted = covariate_adjusted_test(
            scores, origin, HeldFixed(strata, np.empty((60, 0))), 99, np.random.default_rng(1), kind
        )
        assert adjusted.statistic == pytest.approx(plain.statistic)
        assert adjusted.p_value == plain.p_value
