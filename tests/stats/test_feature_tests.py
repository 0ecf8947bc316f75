"""The test of features between origins: what every statistic sees, and the edges."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats import kernels, permutation
from biasaudit.stats.feature_tests import feature_difference_test


@pytest.fixture
def generator():
    return np.random.default_rng(6)


def test_a_planted_shift_is_found_by_every_statistic(generator):
    origin = np.array(["a", "b", "c"])[np.arange(90) % 3]
    features = generator.standard_normal((90, 6))
    features[origin == "b"] += 1.5
    result = feature_difference_test(features, origin, np.zeros(90), 199, generator)
    assert result.p_value == pytest.approx(1 / 200)
    assert set(result.p_each) == set(result.statistics) == {"linear", "rbf", "sparse", "mmd"}
    assert max(result.p_each.values()) == pytest.approx(1 / 200)
    assert result.n == 90


def test_networks_of_different_folds_are_not_compared(generator):
    """Features of each fold have another scale and offset, and origins are unequal across folds."""
    blocks = np.repeat([0, 1], 60)
    origin = (generator.random(120) < np.where(blocks == 0, 0.3, 0.7)).astype(str)
    features = generator.standard_normal((120, 5)) * (1 + 50 * blocks[:, None]) + 100 * blocks[:, None]
    split = feature_difference_test(features, origin, blocks, 199, np.random.default_rng(1))
    pooled = feature_difference_test(features, origin, np.zeros(120), 199, np.random.default_rng(1))
    assert split.p_value > 0.05
    assert pooled.p_value < 0.05


def test_scale_and_offset_of_a_block_do_not_matter(generator):
    blocks, origin = np.repeat([0, 1], 20), (np.arange(40) % 2).astype(str)
    features = generator.standard_normal((40, 5))
    moved = features * (1 + blocks[:, None]) + 7 * blocks[:, None]
    first, second = (
        feature_difference_test(x, origin, blocks, 49, np.random.default_rng(1)) for x in (features, moved)
    )
    assert first.p_each == second.p_each


def test_chunks_of_permutations_do_not_change_the_null_size(generator, monkeypatch):
    monkeypatch.setattr(permutation, "CELLS_PER_BLOCK", 500)
    origin = np.arange(20) % 2
    result = feature_difference_test(
        generator.standard_normal((20, 4)) + 4 * origin[:, None], origin, np.zeros(20), 99, generator
    )
    assert result.p_value == pytest.approx(1 / 100)


def test_constant_and_duplicated_features(generator):
    origin = np.arange(12) % 2
    constant = feature_difference_test(np.full((12, 3), 0.1), origin, np.zeros(12), 19, generator)
    assert constant.p_value == 1.0
    assert constant.reason == "all features are constant"
    sparse = np.zeros((12, 4))
    sparse[0, 1] = 1.0
    result = feature_difference_test(sparse, origin, np.zeros(12), 19, generator)
    assert 0 < result.p_value <= 1
    mixed = np.column_stack([np.ones(12), generator.standard_normal(12)])
    assert kernels.standardised_columns(mixed).shape == (12, 1)


def test_rare_origins_are_left_out_of_their_block(generator):
    features = generator.standard_normal((21, 3))
    origin = np.array(["a", "b"] * 10 + ["c"])
    blocks = np.array([0] * 10 + [1] * 11)
    with_rare = feature_difference_test(features, origin, blocks, 49, np.random.default_rng(1))
    without = feature_difference_test(features[:-1], origin[:-1], blocks[:-1], 49, np.random.default_rng(1))
    assert with_rare == without
    assert with_rare.n == 20


@pytest.mark.parametrize("origin", [["a"] * 6, ["a", "b", "c", "d", "e", "f"], ["a"] * 5 + ["b"]])
def test_nothing_to_compare_says_why(origin, generator):
    result = feature_difference_test(np.ones((6, 2)), origin, np.zeros(6), 9, generator)
    assert np.isnan(result.p_value)
    assert np.isnan(list(result.p_each.values())).all()
    assert "two origins" in result.reason


def test_feature_faults_are_named(generator):
    bad = np.ones((4, 2))
    bad[2, 1] = np.inf
    with pytest.raises(ValueError, match=r"1 values that are not finite"):
        feature_difference_test(bad, ["a", "b"] * 2, np.zeros(4), 9, generator)
    with pytest.raises(ValueError, match=r"shape \(n, d\)"):
        feature_difference_test(np.ones(4), ["a", "b"] * 2, np.zeros(4), 9, generator)
    with pytest.raises(ValueError, match="blocks: 3"):
        feature_difference_test(np.ones((4, 2)), ["a", "b"] * 2, np.zeros(3), 9, generator)


def test_more_features_than_subjects_and_one_feature(generator):
    origin = np.arange(10) % 2
    for width in (1, 200):
        features = generator.standard_normal((10, width))
        result = feature_difference_test(features, origin, np.zeros(10), 19, generator)
        assert 0 < result.p_value <= 1
