"""Size and power of the feature and map tests (generators of FIELD.md, Features)."""

import numpy as np
import pytest
from calibration.simulation import feature_cohort, plausible_rates, rejection_rate

from biasaudit.stats.feature_tests import feature_difference_test
from biasaudit.stats.multiplicity import minimum_p


def p_values(kind, n_runs, n=100, d=64):
    generator = np.random.default_rng(200)
    blocks, results = np.zeros(n), []
    for _ in range(n_runs):
        features, origin = feature_cohort(kind, n, d, generator)
        results.append(feature_difference_test(features, origin, blocks, 199, generator).p_value)
    return results


def test_size_of_the_feature_test():
    low, high = plausible_rates(0.05, 300)
    assert low <= rejection_rate(p_values("none", 300)) <= high


MEASURED_POWER = {"dense": 0.78, "sparse": 0.81, "scale": 0.44, "covariance": 0.83}


@pytest.mark.parametrize("kind", MEASURED_POWER)
def test_power_of_the_feature_test(kind):
    assert rejection_rate(p_values(kind, 100)) >= plausible_rates(MEASURED_POWER[kind], 100)[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", MEASURED_POWER)
def test_documented_power_of_the_feature_test(kind):
    low, high = plausible_rates(MEASURED_POWER[kind], 1000)
    assert low <= rejection_rate(p_values(kind, 1000)) <= high


@pytest.mark.slow
def test_documented_size_of_the_feature_test():
    low, high = plausible_rates(0.05, 2000)
    assert low <= rejection_rate(p_values("none", 2000)) <= high


def test_size_with_blocks_and_three_unequal_origins():
    generator = np.random.default_rng(201)
    blocks, results = np.repeat([0, 1, 2], 20), []
    for _ in range(300):
        origin = generator.choice(["a", "b", "c"], 60, p=[0.6, 0.3, 0.1])
        features = generator.standard_exponential((60, 10)) * (1 + blocks[:, None])
        results.append(feature_difference_test(features, origin, blocks, 99, generator).p_value)
    low, high = plausible_rates(0.05, 300)
    assert low <= rejection_rate(results) <= high


def test_minimum_p_of_dependent_statistics_has_nominal_size():
    """Without the tie-break the size would be about .04; Fisher's combination had .16."""
    generator = np.random.default_rng(202)
    results = []
    for _ in range(1500):
        common = generator.standard_normal((200, 1))
        statistics = 0.7 * common + 0.7 * generator.standard_normal((200, 4))
        results.append(minimum_p(statistics[0], statistics[1:])[0])
    low, high = plausible_rates(0.05, 1500)
    assert low <= rejection_rate(results) <= high
