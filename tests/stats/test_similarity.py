"""Similarity of maps: values, what is permuted, size, power, and the edges."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from biasaudit.stats.similarity import cosines, difference_weights, following_test, sign_flip_test, smoothed


def test_cosines_are_signed_and_zero_for_empty_maps():
    first = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    second = np.array([[2.0, 0.0], [-1.0, -1.0], [1.0, 0.0]])
    assert cosines(first, second).tolist() == pytest.approx([1.0, -1.0, 0.0])
    assert float(cosines(first[1], second[0])) == pytest.approx(np.sqrt(0.5))


def test_sign_flips_are_one_sided_and_never_zero():
    generator = np.random.default_rng(1)
    values = generator.normal(2.0, 1.0, size=20)
    assert sign_flip_test(values, 199, generator) == 1 / 200
    assert sign_flip_test(-values, 199, generator) > 0.9
    assert sign_flip_test([], 199, generator) == 1


def test_smoothing_acts_on_the_grid_and_not_on_the_columns():
    inside = np.zeros((6, 6), dtype=bool)
    inside[1:5, 1:5] = True
    volume = np.zeros((6, 6))
    volume[2, 2] = 1.0
    found = smoothed(volume[inside][None], inside, 1.0)
    assert found[0] == pytest.approx(gaussian_filter(volume, 1.0, mode="constant")[inside])
    assert smoothed(volume[inside][None], inside, 0.0)[0] == pytest.approx(volume[inside])


class TestDifferenceWeights:
    def test_they_give_the_mean_difference_inside_strata(self):
        generator = np.random.default_rng(2)
        group, strata = generator.random(40) < 0.3, np.arange(40) % 3
        values = 5.0 * strata + 2.0 * group
        assert difference_weights(group, strata) @ values == pytest.approx(2.0)

    def test_a_stratum_without_one_side_has_no_weight(self):
        weights = difference_weights([True, False, True, True], ["a", "a", "b", "b"])
        assert weights.tolist() == [1.0, -1.0, 0.0, 0.0]

    def test_nothing_to_compare_weighs_nothing(self):
        assert not difference_weights([True, True], [0, 0]).any()


def smooth_noise(generator, n, side=8, width=1.5):
    return gaussian_filter(generator.standard_normal((n, side, side, side)), (0, width, width, width)).reshape(n, -1)


def pair_of_networks(generator, n=36, target=0.0, origin=0.0, images=0.0):
    """Maps by three folds of two networks, each with a common map; `images` is what a subject's maps share."""
    folds, group = np.arange(n) % 3, generator.permutation(np.arange(n) % 2) == 1
    pattern, shared = smooth_noise(generator, 1), images * smooth_noise(generator, n)

    def maps(effect):
        common = 2 * smooth_noise(generator, 3)[folds]
        return np.stack([
            smooth_noise(generator, n) + shared + common + effect * group[:, None] * pattern for _ in range(2)
        ])  # fmt: skip

    return (maps(target), maps(origin)[None]), group[None], folds


class TestFollowing:
    def test_a_target_that_changes_as_the_origin_classifier_is_found(self):
        generator = np.random.default_rng(3)
        maps, group, folds = pair_of_networks(generator, target=1.5, origin=3.0)
        found = following_test(*maps, group, folds, 199, generator)
        assert found.p_value == 1 / 200
        assert found.cosine[0] > 0.5

    def test_the_change_is_in_the_unit_of_the_targets_maps(self):
        generator = np.random.default_rng(4)
        maps, group, folds = pair_of_networks(generator, target=1.5, origin=3.0)
        found, larger = (
            following_test(scale * maps[0], maps[1], group, folds, 99, np.random.default_rng(5)) for scale in (1, 10)
        )
        assert larger.change == pytest.approx(10 * found.change)
        assert larger.p_value == found.p_value
        assert following_test(maps[0], 7 * maps[1], group, folds, 99, generator).change == pytest.approx(found.change)

    def test_turning_the_contrast_changes_nothing(self):
        generator = np.random.default_rng(6)
        maps, group, folds = pair_of_networks(generator, target=1.5, origin=3.0)
        found = following_test(*maps, group, folds, 99, np.random.default_rng(7))
        turned = following_test(maps[0], -maps[1], group, folds, 99, np.random.default_rng(7))
        other = following_test(*maps, ~group, folds, 99, np.random.default_rng(7))
        assert found.change == pytest.approx(turned.change)
        assert found.change == pytest.approx(other.change)
        assert found.cosine == pytest.approx(-turned.cosine)

    def test_the_largest_contrast_counts(self):
        generator = np.random.default_rng(8)
        maps, group, folds = pair_of_networks(generator, target=1.5, origin=3.0)
        unrelated = np.stack([smooth_noise(generator, 36) for _ in range(2)])
        both = np.stack([unrelated, maps[1][0]])
        groups = np.stack([generator.permutation(group[0]), group[0]])
        found = following_test(maps[0], both, groups, folds, 199, generator)
        assert found.change[1] > found.change[0]
        assert found.p_value == 1 / 200

    def test_a_direction_never_comes_from_the_subjects_it_measures(self):
        """Two networks that say the same of every subject, and nothing of origin: only their images agree."""
        p_values = []
        for seed in range(60):
            generator = np.random.default_rng(seed)
            maps, group, folds = pair_of_networks(generator, images=5.0, origin=1.0)
            p_values.append(following_test(*maps, group, folds, 99, generator).p_value)
        assert np.mean(np.array(p_values) <= 0.05) <= 0.12

    @pytest.mark.slow
    @pytest.mark.parametrize("images", [0.0, 2.0])
    @pytest.mark.parametrize(("origin", "largest"), [(0.0, 0.072), (1.0, 0.1), (3.0, 0.09)])
    def test_size_on_smooth_maps_that_the_target_makes_without_origin(self, images, origin, largest):
        """Exact where neither network's maps know the origin; 400 cohorts, two standard errors are .022."""
        p_values = []
        for seed in range(400):
            generator = np.random.default_rng([seed, 9])
            maps, group, folds = pair_of_networks(generator, n=24, images=images, origin=origin)
            p_values.append(following_test(*maps, group, folds, 199, generator).p_value)
        assert np.mean(np.array(p_values) <= 0.05) <= largest
