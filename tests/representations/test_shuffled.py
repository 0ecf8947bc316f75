from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.records import Grid, Volume
from biasaudit.representations.shuffled import ShuffledRepresentation

GRID = Grid((12, 13, 14))


def shuffled(volume: Volume) -> np.ndarray:
    return ShuffledRepresentation().transform(volume, None, GRID)


def histogram(values: np.ndarray) -> np.ndarray:
    return np.histogram(values, bins=np.linspace(-4, 4, 17))[0] / values.size


@pytest.mark.parametrize("background", [0.0, 0.3], ids=["stripped", "whole head"])
def test_the_histogram_of_the_foreground_stays(random_volume, background):
    volume = random_volume(background)
    inside = volume.image[:, volume.foreground]
    scaled = (inside - inside.mean(axis=1, keepdims=True)) / inside.std(axis=1, keepdims=True)
    for channel, own in zip(shuffled(volume), scaled, strict=True):
        assert np.abs(histogram(channel) - histogram(own)).max() < 0.02


def test_nothing_of_the_outline_is_left(random_volume):
    volume = random_volume()
    small = replace(volume, foreground=volume.foreground & (np.indices(volume.foreground.shape)[0] < 6))
    for own in (volume, small):
        found = shuffled(own)[0]
        assert abs(found[own.foreground].mean() - found[~own.foreground].mean()) < 0.2
        assert found.std() == pytest.approx(1.0, abs=0.05)


def test_no_two_images_share_an_order():
    ramp = np.arange(64, dtype=np.float32).reshape(1, 8, 8)
    whole, none = np.ones((8, 8), dtype=bool), np.zeros((8, 8), dtype=bool)
    first, other = (shuffled(Volume(image, whole, none)).ravel() for image in (ramp, ramp**2))
    assert sorted(first.argsort()) == list(range(64))
    assert not np.array_equal(first.argsort(), other.argsort())


def test_the_channels_of_a_pixel_stay_together():
    chance = np.random.default_rng(3)
    grey = chance.uniform(50, 200, (10, 10)).astype(np.float32)
    image = np.stack([grey, grey + 20, grey * 0.5, 255 - grey])
    whole, none = np.ones((10, 10), dtype=bool), np.zeros((10, 10), dtype=bool)
    red, green, blue, other = (c.ravel() for c in shuffled(Volume(image, whole, none, colour=(0,))))
    for channel, sign in ((green, 1), (blue, 1), (other, -1)):
        assert sign * np.corrcoef(red, channel)[0, 1] == pytest.approx(1.0, abs=1e-4)
    assert green.mean() > red.mean() > blue.mean()
