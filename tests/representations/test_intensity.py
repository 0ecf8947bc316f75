from __future__ import annotations

import numpy as np
import pytest

from biasaudit.records import Grid, Volume
from biasaudit.representations.intensity import IntensityRepresentation, standardise

GRID = Grid((12, 13, 14))


def transform(volume):
    return IntensityRepresentation().transform(volume, None, GRID)


@pytest.mark.parametrize("background", [0.0, 0.3])
def test_mean_0_and_sd_1_inside(random_volume, background):
    volume = random_volume(background)
    for channel in transform(volume):
        assert channel[volume.foreground].mean() == pytest.approx(0.0, abs=1e-4)
        assert channel[volume.foreground].std() == pytest.approx(1.0, abs=1e-4)


def test_zeros_stay_zero_outside_a_stripped_brain(random_volume):
    volume = random_volume()
    assert (transform(volume)[:, ~volume.foreground] == 0).all()


def test_the_background_is_kept_where_the_head_is_whole(random_volume):
    volume = random_volume(0.3)
    found = transform(volume)
    outside = ~volume.foreground
    for channel, image in zip(found, volume.image, strict=True):
        inside = image[volume.foreground]
        np.testing.assert_allclose(
            channel[outside], (image[outside] - inside.mean()) / inside.std(), rtol=1e-3, atol=1e-3
        )


def test_zeros_inside_are_scaled_like_the_rest(random_volume):
    volume = random_volume()
    volume.image[:, 5, 5, 5] = 0.0
    assert (transform(volume)[:, 5, 5, 5] < -3).all()


def test_channels_are_scaled_apart(random_volume):
    volume = random_volume()
    before = transform(volume)
    volume.image[1] *= 10
    after = transform(volume)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_allclose(before[1], after[1], atol=1e-3)


def test_scale_and_shift_of_the_scanner_do_not_matter(random_volume):
    volume = random_volume(0.3)
    image, inside = volume.image[0], volume.foreground
    np.testing.assert_allclose(standardise(3 * image + 100, inside), standardise(image, inside), atol=1e-3)


def test_a_constant_channel_becomes_zero(random_volume):
    volume = random_volume()
    assert (standardise(np.full_like(volume.image[0], 4.0), volume.foreground) == 0).all()


def test_red_green_and_blue_share_one_scale():
    chance = np.random.default_rng(0)
    image = np.concatenate(
        [chance.random((3, 8, 9)) * np.array([1.0, 0.6, 0.3])[:, None, None], chance.random((1, 8, 9))]
    )
    inside = np.ones((8, 9), dtype=bool)
    picture = Volume(image.astype(np.float32), inside, ~inside, colour=(0,))
    found = IntensityRepresentation().transform(picture, None, Grid((8, 9)))
    np.testing.assert_allclose(found[:3], (image[:3] - image[:3].mean()) / image[:3].std(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[3], (image[3] - image[3].mean()) / image[3].std(), rtol=1e-4, atol=1e-4)
    assert found[0].mean() > found[1].mean() > found[2].mean()
