"""Size and power of the test of strategies (U12) on smooth maps with strategies that ignore the origin."""

from __future__ import annotations

import numpy as np
import pytest
from calibration.simulation import plausible_rates, rejection_rate, smooth_noise

from biasaudit.stats.spectral import coarse_maps, map_strategies_test

SHAPE = (12, 12, 12)


def p_value(generator, effect=0.0, n=30):
    """Maps with a pattern of the class and one of each of two strategies; `effect` ties strategy and origin."""
    origin, folds = np.arange(n) % 2, np.arange(n) // 2 % 3
    chosen = np.where(generator.random(n) < effect, origin, generator.integers(0, 2, n))
    patterns = smooth_noise(6, SHAPE, generator).reshape(6, -1)
    maps = smooth_noise(n, SHAPE, generator).reshape(n, -1)
    maps += patterns[0] + patterns[1 + chosen] + patterns[3 + folds]
    result, _ = map_strategies_test(coarse_maps(maps, np.ones(SHAPE, dtype=bool)), origin, folds, 199, generator)
    return result.p_value


def test_size_with_strategies_that_ignore_the_origin():
    generator = np.random.default_rng(0)
    rate = rejection_rate([p_value(generator) for _ in range(120)])
    assert rate <= plausible_rates(0.05, 120)[1]


@pytest.mark.slow
def test_size_within_two_standard_errors():
    generator = np.random.default_rng(1)
    rate = rejection_rate([p_value(generator) for _ in range(1000)])
    assert rate <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)


def test_power_when_strategy_follows_origin():
    generator = np.random.default_rng(2)
    assert rejection_rate([p_value(generator, effect=0.9) for _ in range(20)]) >= 0.8
