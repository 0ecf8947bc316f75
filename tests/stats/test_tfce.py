import numpy as np
import pytest

from biasaudit.stats.tfce import enhanced, enhanced_peaks, neighbours


def line(*values):
    return np.array(values, dtype=float), neighbours(np.ones(len(values), dtype=bool))


def test_a_single_voxel_is_a_third_of_its_cube():
    values, grid = line(0.0, 3.0, 0.0)
    np.testing.assert_allclose(enhanced(values, grid), [0, 9, 0])


def test_a_plateau_is_weighted_by_the_root_of_its_extent():
    values, grid = line(2.0, 2.0, 2.0, 2.0)
    np.testing.assert_allclose(enhanced(values, grid), 2 * 8 / 3)


def test_two_summits_share_what_lies_below_their_saddle():
    values, grid = line(3.0, 1.0, 2.0)
    shared = np.sqrt(3) / 3
    np.testing.assert_allclose(enhanced(values, grid), [shared + 26 / 3, shared, shared + 7 / 3])


def test_opposite_signs_never_share_a_cluster():
    values, grid = line(2.0, 2.0, -2.0, -2.0)
    np.testing.assert_allclose(enhanced(values, grid), np.array([1, 1, -1, -1]) * np.sqrt(2) * 8 / 3)
    np.testing.assert_allclose(enhanced(-values, grid), -enhanced(values, grid))


def test_voxels_that_touch_at_an_edge_or_across_the_border_are_apart():
    inside = np.ones((2, 3), dtype=bool)
    values = np.array([[0, 0, 1], [1, 1, 0]], dtype=float).ravel()
    expected = np.array([0, 0, 1, np.sqrt(2), np.sqrt(2), 0]) / 3
    np.testing.assert_allclose(enhanced(values, neighbours(inside)), expected)


def test_the_largest_values_of_many_maps():
    generator = np.random.default_rng(3)
    grid = neighbours(generator.random((6, 7, 8)) < 0.8)
    maps = generator.standard_normal((5, grid.slots.size))
    maps[4] = 0
    expected = [np.abs(enhanced(values, grid)).max() for values in maps]
    np.testing.assert_allclose(enhanced_peaks(maps, grid), expected)
    assert expected[4] == 0


@pytest.mark.parametrize("shape", [(1,), (1, 1, 1), (4, 1), (40, 41, 42)])
def test_any_grid(shape):
    grid = neighbours(np.ones(shape, dtype=bool))
    values = np.random.default_rng(4).standard_normal(int(np.prod(shape)))
    result = enhanced(values, grid)
    assert np.isfinite(result).all()
    assert (result * values >= 0).all()
