import numpy as np
import pytest

from biasaudit.stats.map_columns import equal_gain, region_means
from biasaudit.stats.tfce import neighbours
from biasaudit.stats.voxelwise import Places, critical_value, map_difference_test, map_statistics


def cohort(seed, n=24, v=30, n_groups=2):
    generator = np.random.default_rng(seed)
    blocks = np.arange(n) % 3
    return generator.standard_normal((n, v)) + blocks[:, None], generator.integers(0, n_groups, n), blocks, generator


def test_a_planted_voxel_is_found_with_its_sign_and_nothing_else():
    maps, groups, blocks, generator = cohort(1, n=60)
    maps[groups == 1, 7] -= 2.5
    maps[groups == 1, 20] += 2.5
    family = map_difference_test(maps, groups, blocks, 199, generator).families["voxels"]
    assert set(np.flatnonzero(family.p_value <= 0.05)) == {7, 20}
    assert family.statistic[7] < 0 < family.statistic[20]


def test_names_of_groups_in_sorted_order_give_the_sign():
    maps, groups, blocks, generator = cohort(2)
    named = np.array(["b", "a"])[groups]
    one = map_difference_test(maps, groups, blocks, 19, generator).families["voxels"].statistic
    other = map_difference_test(maps, named, blocks, 19, generator).families["voxels"].statistic
    np.testing.assert_allclose(one, -other, rtol=1e-5)


def test_p_values_are_never_0_and_count_the_observed_arrangement():
    maps, groups, blocks, generator = cohort(3)
    maps[groups == 1, 0] += 100
    result = map_difference_test(maps, groups, blocks, 99, generator)
    assert result.families["voxels"].p_value.min() == pytest.approx(0.01)
    assert result.p_value == pytest.approx(0.01)


def test_an_arrangement_that_equals_the_observed_one_counts():
    """Two against two in one block: 4 of 6 arrangements exist apart from sign, 2 have the observed size."""
    maps = np.array([[0.0], [0.1], [5.0], [5.2]])
    result = map_difference_test(maps, [0, 0, 1, 1], np.zeros(4), 3000, np.random.default_rng(4))
    assert result.families["voxels"].p_value[0] == pytest.approx(1 / 3, abs=0.04)
    assert result.p_value == pytest.approx(1 / 3, abs=0.04)


def test_block_means_and_gains_of_voxels_change_nothing():
    maps, groups, blocks, _ = cohort(5)
    shifted = maps * 7 + 50 * blocks[:, None]
    one, other = (map_difference_test(m, groups, blocks, 99, np.random.default_rng(6)) for m in (maps, shifted))
    np.testing.assert_allclose(one.families["voxels"].statistic, other.families["voxels"].statistic, rtol=1e-4)
    np.testing.assert_array_equal(one.families["voxels"].p_value, other.families["voxels"].p_value)


def test_families_share_permutations_and_are_combined():
    maps, groups, blocks, generator = cohort(7, v=24)
    places = Places(neighbours(np.ones((2, 3, 4), dtype=bool)), np.repeat([0, 1, 2, 5], 6))
    result = map_difference_test(maps, groups, blocks, 49, generator, places)
    assert set(result.families) == {"voxels", "tfce", "regions"}
    assert result.families["regions"].statistic.shape == (3,)
    assert result.p_value >= min(family.p_value.min() for family in result.families.values())


def test_memory_blocks_do_not_change_the_null_beyond_its_draws(monkeypatch):
    maps, groups, blocks, _ = cohort(8)
    monkeypatch.setattr("biasaudit.stats.permutation.CELLS_PER_BLOCK", 200)
    monkeypatch.setattr("biasaudit.stats.map_columns.CELLS_PER_BLOCK", 200)
    result = map_difference_test(maps, groups, blocks, 99, np.random.default_rng(9))
    assert result.families["voxels"].null.shape == (99,)


def test_more_than_two_groups():
    maps, groups, blocks, generator = cohort(10, n=60, n_groups=4)
    maps[groups == 2, 3] += 3
    family = map_difference_test(maps, groups, blocks, 199, generator).families["voxels"]
    assert np.flatnonzero(family.p_value <= 0.05).tolist() == [3]
    assert (family.statistic >= 0).all()


def test_voxels_that_do_not_vary_are_never_significant():
    maps, groups, blocks, generator = cohort(11)
    maps[:, 0], maps[:, 1] = 1e6, 1e6 + 3 * blocks
    family = map_difference_test(maps, groups, blocks, 99, generator).families["voxels"]
    assert (family.p_value[:2] == 1).all()
    assert (family.statistic[:2] == 0).all()


def test_maps_that_are_all_the_same_have_p_1():
    _, groups, blocks, generator = cohort(12)
    places = Places(neighbours(np.ones(5, dtype=bool)), np.ones(5, dtype=int))
    result = map_difference_test(np.ones((24, 5)), groups, blocks, 99, generator, places)
    assert result.p_value == 1


def test_blocks_of_one_group_or_one_subject_take_no_part():
    maps, groups, blocks, generator = cohort(13)
    blocks = np.where(groups == 0, blocks, 9)
    assert np.isnan(map_difference_test(maps, groups, blocks, 9, generator).p_value)
    blocks = np.append(np.zeros(23), 1)
    groups[-1] = 1
    assert map_difference_test(maps, groups, blocks, 9, generator).n == 23


def test_too_few_subjects_for_their_blocks():
    result = map_difference_test(np.eye(4), [0, 1, 0, 1], [0, 0, 1, 2], 9, np.random.default_rng(0))
    assert np.isnan(result.p_value)
    assert "too few" in result.reason


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_maps_that_are_not_finite_are_refused(value):
    maps, groups, blocks, generator = cohort(14)
    maps[3, 4] = value
    with pytest.raises(ValueError, match="finite"):
        map_difference_test(maps, groups, blocks, 9, generator)


def test_equal_gain_takes_the_gain_of_networks_away():
    maps, _, blocks, _ = cohort(15)
    loud = maps * np.array([1.0, 50.0, 0.1])[blocks][:, None]
    np.testing.assert_allclose(equal_gain(loud, blocks, blocks), equal_gain(maps, blocks, blocks))
    np.testing.assert_array_equal(equal_gain(np.ones((4, 2)), [0, 0, 1, 1], [0, 0, 1, 1]), np.ones((4, 2)))


def test_region_means_leave_out_what_has_no_region():
    maps = np.array([[1.0, 2.0, 3.0, 10.0]])
    np.testing.assert_allclose(region_means(maps, np.array([4, 4, 0, 2])), [[10.0, 1.5]])


def test_what_exceeds_the_critical_value_is_significant():
    maps, groups, blocks, generator = cohort(16, n=60)
    maps[groups == 1, :4] += [0.4, 0.8, 1.2, 2.5]
    family = map_difference_test(maps, groups, blocks, 199, generator).families["voxels"]
    significant = np.abs(family.statistic) > critical_value(family, 0.05)
    np.testing.assert_array_equal(significant, family.p_value <= 0.05)
    assert 0 < significant.sum() < 30
    assert critical_value(family, 0.001) == np.inf


@pytest.mark.parametrize("n_groups", [2, 3])
def test_the_statistic_alone_is_that_of_the_test(n_groups):
    maps, groups, blocks, generator = cohort(17, n_groups=n_groups)
    family = map_difference_test(maps, groups, blocks, 9, generator).families["voxels"]
    np.testing.assert_allclose(map_statistics(maps, groups, blocks), family.statistic, rtol=1e-5)
    with pytest.raises(ValueError, match="two groups"):
        map_statistics(maps, groups, groups)
