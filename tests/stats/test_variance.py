from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.variance import variance_partition

N = 120
POSITIVE, ORIGIN, BLOCKS = np.arange(N) % 2, np.arange(N) // 2 % 2, np.arange(N) // 4 % 3


def test_noise_owns_nothing_on_average():
    generator = np.random.default_rng(0)
    found = [variance_partition(generator.standard_normal((N, 6)), POSITIVE, ORIGIN, BLOCKS) for _ in range(200)]
    assert np.mean([each.disease for each in found]) == pytest.approx(0, abs=0.004)
    assert np.mean([each.origin for each in found]) == pytest.approx(0, abs=0.004)


def test_shares_are_those_of_the_planted_shifts():
    generator = np.random.default_rng(1)
    features = generator.standard_normal((4 * N, 2)) + np.tile(np.column_stack([POSITIVE, 3 * ORIGIN]), (4, 1))
    found = variance_partition(features, np.tile(POSITIVE, 4), np.tile(ORIGIN, 4), np.tile(BLOCKS, 4))
    assert found.disease == pytest.approx(np.mean([0.25 / 1.25, 0]), abs=0.04)
    assert found.origin == pytest.approx(np.mean([0, 2.25 / 3.25]), abs=0.04)


def test_what_cannot_be_parted_is_nan():
    features = np.random.default_rng(2).standard_normal((N, 3))
    aliased = variance_partition(features, POSITIVE, POSITIVE, BLOCKS)
    assert np.isnan(aliased.disease)
    assert np.isnan(aliased.origin)
    nested = variance_partition(features, POSITIVE, POSITIVE * 2 + ORIGIN, BLOCKS)
    assert np.isnan(nested.disease)
    assert np.isfinite(nested.origin)
    constant = variance_partition(np.ones((N, 3)), POSITIVE, ORIGIN, BLOCKS)
    assert np.isnan(constant.origin)
