from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from biasaudit.stats.units import rank_share


def test_one_block_is_the_effect_size_of_kruskal_and_wallis():
    chance = np.random.default_rng(1)
    groups = np.repeat(["a", "b", "c"], [9, 14, 11])
    features = chance.normal(size=(34, 4)).round(1) + (groups == "b")[:, None] * [0, 1, 2, 3]  # with ties
    found = rank_share(features, groups, np.zeros(34, dtype=int))
    for unit, share in zip(features.T, found, strict=True):
        # Midranks: H without the correction for ties is n - 1 times the explained share of the ranks' variance.
        h = stats.kruskal(*(unit[groups == name] for name in "abc")).statistic
        assert share == pytest.approx((h - 2) / (34 - 3))


def test_noise_has_nothing_on_average():
    chance = np.random.default_rng(2)
    groups, blocks = chance.integers(0, 3, 40), chance.integers(0, 4, 40)
    found = rank_share(chance.normal(size=(40, 4000)), groups, blocks)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(4000)


def test_what_blocks_hold_fixed_does_not_count():
    chance = np.random.default_rng(3)
    blocks = np.repeat([0, 1], 30)
    groups = np.where(chance.random(60) < 0.8, blocks, 1 - blocks)  # mostly what the block says
    features = np.stack([10.0 * blocks + chance.normal(size=60), 10.0 * groups + chance.normal(size=60)], axis=1)
    of_block, of_group = rank_share(features, groups, blocks)
    assert abs(of_block) < 0.15
    assert of_group > 0.3


def test_scale_and_monotone_changes_do_not_matter():
    chance = np.random.default_rng(4)
    groups, features = chance.integers(0, 2, 30), chance.normal(size=(30, 3))
    plain = rank_share(features, groups, np.zeros(30))
    assert np.allclose(rank_share(np.exp(5 * features), groups, np.zeros(30)), plain)


def test_a_perfect_unit_a_dead_unit_and_nothing_to_compare():
    groups = np.repeat([0, 1], 500)
    features = np.stack([groups + 0.001 * np.arange(1000), np.zeros(1000)], axis=1)
    perfect, dead = rank_share(features, groups, np.zeros(1000))
    assert 0.74 < perfect < 0.76  # two separate groups of equal size leave a quarter of the ranks' variance inside
    assert dead == 0
    assert np.isnan(rank_share(features, groups, groups)).all()
