"""Frames: where they lie, what is measured of them, and what an edit does and leaves alone, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from biasaudit.cohort.images.foreground import central_field
from biasaudit.edits import frame as frames
from biasaudit.edits.frame import Donor, composed, frame_of, frame_share, patch_size, retoned, swapped, traits


def everywhere(shape):
    return np.ones(shape, dtype=bool)


def central(shape, size=None):
    field = central_field(shape)
    return frame_of(field, everywhere(shape), (1.0,) * len(shape), size or patch_size(~field))


def noise(shape, seed=0, channels=2):
    return np.random.default_rng(seed).normal(10.0, 2.0, (channels, *shape))


def donor(image, frame):
    return Donor(image, frame.support, traits(image, frame))


@pytest.mark.parametrize(
    ("shape", "size", "count"), [((64, 64), 8, 28), ((48, 48), 6, 28), ((40, 40, 40), 4, 64), ((64, 64, 64), 8, 64)]
)
def test_patches_fill_the_frame_and_do_not_overlap(shape, size, count):
    frame = central(shape)
    assert frame.size == size
    assert len(frame.corners) == count
    covered = np.zeros(shape, dtype=int)
    for corner in frame.corners:
        covered[tuple(slice(place, place + size) for place in corner)] += 1
    assert covered.max() == 1
    assert not covered[~frame.inside].any()


def test_a_thin_frame_has_no_patches_and_gives_its_tones_alone():
    field = everywhere((32, 32))
    field[:2] = False
    assert patch_size(~field) == 0
    frame, image = frame_of(field, everywhere((32, 32)), (1.0, 1.0), 0), noise((32, 32))
    assert np.isnan(traits(image, frame).power).all()
    edited = composed(image, frame, donor(image + 5.0, frame))
    assert np.allclose(edited, image + 5.0, atol=1e-4)


def test_the_share_of_the_frame_is_of_what_is_shown():
    support = everywhere((10, 10))
    support[5:] = False
    field = everywhere((10, 10))
    field[0, :5] = False
    assert frame_share(field, support) == pytest.approx(0.1)
    assert frame_share(field, ~everywhere((10, 10))) == 0.0


def test_weights_are_one_deep_in_the_frame_and_keep_out_of_what_is_not_shown():
    support = everywhere((64, 64))
    support[:, :5] = False
    frame = frame_of(central_field((64, 64)), support, (1.0, 1.0), 8)
    assert frame.weight[0, 60] == pytest.approx(1.0)
    assert frame.weight[32, 32] == pytest.approx(0.0, abs=1e-12)
    assert not frame.weight[:, :5].any()
    edge = frame.weight[32]
    assert edge[7] + edge[8] == pytest.approx(1.0)


def test_smoothing_is_as_wide_in_millimetres_along_every_axis():
    field = central_field((64, 64))
    thin = frame_of(field, everywhere((64, 64)), (3.0, 1.0), 8)
    down, across = np.abs(np.diff(thin.weight[:, 32])).max(), np.abs(np.diff(thin.weight[32])).max()
    assert down > 2 * across


@pytest.mark.parametrize("shape", [(64, 64), (40, 40, 40)])
def test_an_image_with_its_own_frame_is_itself(shape):
    frame, image = central(shape), noise(shape)
    assert np.allclose(composed(image, frame, donor(image, frame)), image, atol=1e-5)


@pytest.mark.parametrize("shape", [(64, 64), (40, 40, 40)])
def test_the_frame_is_the_donors_and_the_middle_is_not(shape):
    frame, image, other = central(shape), noise(shape), noise(shape, 1)
    edited = composed(image, frame, donor(other, frame))
    corner, middle = (slice(None), *(0,) * len(shape)), (slice(None), *(size // 2 for size in shape))
    assert np.allclose(edited[corner], other[corner], atol=1e-3)
    assert not np.allclose(edited[middle], other[middle], atol=1e-2)


def test_tones_of_a_shifted_and_stretched_donor_are_taken_over():
    frame, image = central((64, 64)), noise((64, 64))
    edited = composed(image, frame, donor(image * 1.5 - 3.0, frame))
    inside = (slice(None), slice(20, 44), slice(20, 44))
    within = np.abs(image[inside] - 10) < 3
    assert np.allclose(edited[inside][within], (image * 1.5 - 3.0)[inside][within], atol=0.15)


def test_channels_are_edited_apart():
    frame, image = central((64, 64)), noise((64, 64))
    other = image.copy()
    other[1] = other[1] * 2
    edited = composed(image, frame, donor(other, frame))
    assert np.allclose(edited[0], image[0], atol=1e-5)
    assert np.abs(edited[1] - image[1]).max() > 1


def test_the_sharpness_of_a_blurred_donor_is_taken_over():
    frame = central((64, 64))
    image = ndimage.gaussian_filter(noise((64, 64)), (0, 0.8, 0.8))
    blurred = ndimage.gaussian_filter(noise((64, 64), 1), (0, 1.6, 1.6)) * 2
    edited = composed(image, frame, donor(blurred, frame))
    rough = [
        np.diff(own[:, 16:48, 16:48], axis=1).std() / own[:, 16:48, 16:48].std() for own in (image, blurred, edited)
    ]
    assert abs(rough[2] - rough[1]) < 0.7 * abs(rough[0] - rough[1])


def test_the_mean_is_no_sharpness():
    frame, image = central((64, 64)), noise((64, 64))
    ratio = np.full((2, 4), 2.0)
    assert np.allclose(frames._sharpened(image, frame, ratio).mean((1, 2)), image.mean((1, 2)))


def test_the_power_of_white_noise_is_the_same_in_every_band():
    frame, image = central((64, 64)), noise((64, 64))
    power = traits(image, frame).power
    assert np.ptp(power, axis=1).max() < 1.0
    assert np.allclose(traits(image * 3, frame).power - power, 2 * np.log(3), atol=1e-6)


def test_bands_that_small_patches_lack_are_unknown_and_do_no_harm():
    frame, image = central((40, 40, 40)), noise((40, 40, 40))
    assert np.isnan(traits(image, frame).power[:, 0]).all()
    assert np.isfinite(composed(image, frame, donor(noise((40, 40, 40), 1), frame))).all()


def test_what_is_not_shown_stays_as_it_is():
    support = np.zeros((32, 32, 32), dtype=bool)
    support[3:-3, 3:-3, 3:-3] = True
    field = np.zeros_like(support)
    field[10:-10, 10:-10, 10:-10] = True
    frame = frame_of(field, support, (1.0, 1.0, 1.0), patch_size(support & ~field))
    image, other = (noise(support.shape, seed) * support for seed in (0, 1))
    edited = composed(image, frame, donor(other, frame))
    assert not edited[:, ~support].any()
    assert np.isfinite(edited).all()


def test_where_the_donor_shows_nothing_the_image_keeps_its_own():
    frame, image, other = central((64, 64)), noise((64, 64)), noise((64, 64), 1)
    shown = everywhere((64, 64))
    shown[:4] = False
    edited = swapped(image, frame, other, shown)
    assert np.array_equal(edited[:, :4], image[:, :4].astype(np.float32))
    assert np.allclose(edited[:, 60:], other[:, 60:], atol=1e-2)


def test_a_pattern_gives_its_tones_to_another_image():
    frame, image = central((64, 64)), noise((64, 64))
    assert np.allclose(retoned(image, image + 4.0, frame), image + 4.0)


def test_equal_tones_do_not_break_the_curve():
    frame, image = central((64, 64)), noise((64, 64))
    image[:, :8] = 0.0
    edited = composed(image, frame, donor(noise((64, 64), 1), frame))
    assert np.isfinite(edited).all()
