from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.spectral import coarse_maps, map_strategies_test, spectral_clusters


@pytest.fixture
def generator():
    return np.random.default_rng(12)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_as_many_clusters_as_were_planted(count, generator):
    truth = np.repeat(np.arange(count), 12)
    points = 6 * generator.normal(size=(count, 20))[truth] + 0.5 * generator.normal(size=(truth.size, 20))
    found = spectral_clusters(points).labels
    tables = np.array([[np.sum((truth == a) & (found == b)) for b in np.unique(found)] for a in range(count)])
    assert tables.shape == (count, count)
    assert (tables.max(axis=1) == 12).all()


def test_clusters_do_not_depend_on_the_order_of_the_subjects(generator):
    points = generator.normal(size=(30, 5)) + 8 * (np.arange(30) % 2)[:, None]
    order = generator.permutation(30)
    first, second = spectral_clusters(points).labels, spectral_clusters(points[order]).labels
    same = first[order][:, None] == first[order]
    np.testing.assert_array_equal(same, second[:, None] == second)


def test_coarse_maps_keep_the_sum_of_every_block_and_have_length_one(generator):
    inside = generator.random((20, 20)) > 0.3
    maps = generator.normal(size=(3, int(inside.sum())))
    whole = np.zeros((3, 20, 20))
    whole[:, inside] = maps
    blocks = whole.reshape(3, 10, 2, 10, 2).sum((2, 4)).reshape(3, -1)
    filled = inside.reshape(10, 2, 10, 2).any((1, 3)).ravel()
    expected = blocks[:, filled] / np.linalg.norm(blocks, axis=1, keepdims=True)
    np.testing.assert_allclose(coarse_maps(maps, inside), expected)


def test_a_zero_map_stays_zero():
    assert not coarse_maps(np.zeros((2, 9)), np.ones((3, 3), dtype=bool)).any()


def test_two_strategies_of_two_origins_are_found(generator):
    origin, folds = np.arange(36) % 2, np.arange(36) // 12
    maps = generator.normal(size=(36, 50)) + 4 * origin[:, None] * (np.arange(50) < 10)
    result, clusters = map_strategies_test(maps, origin, folds, 199, generator)
    assert result.p_value == 1 / 200
    assert result.statistic > 0.9
    assert len(np.unique(clusters.labels)) == 2


def test_strategies_are_found_beyond_the_networks_of_the_folds(generator):
    origin, folds = np.arange(36) % 2, np.arange(36) // 12
    maps = generator.normal(size=(36, 50)) + 4 * origin[:, None] * (np.arange(50) < 10)
    maps += 30 * generator.normal(size=(3, 50))[folds]
    assert map_strategies_test(maps, origin, folds, 199, generator)[0].p_value == 1 / 200


def test_origins_are_exchanged_inside_folds_only(generator):
    folds = np.arange(24) // 12
    maps = generator.normal(size=(24, 50))
    assert map_strategies_test(maps, folds, folds, 199, generator)[0].p_value == 1.0


@pytest.mark.parametrize(
    ("maps", "origin"),
    [(np.eye(6), np.arange(6) % 2), (np.eye(12), np.zeros(12)), (np.ones((12, 3)), np.arange(12) % 2)],
)
def test_nothing_to_compare(maps, origin, generator):
    result, clusters = map_strategies_test(maps, origin, np.zeros(len(maps)), 99, generator)
    assert np.isnan(result.p_value)
    assert result.reason
    assert clusters is None
