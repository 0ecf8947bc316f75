from __future__ import annotations

import numpy as np
import pytest

from biasaudit.records import Grid, Volume
from biasaudit.representations.imagenet import ImagenetRepresentation

GRID = Grid((5, 6))
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def transform(image, colour=()):
    blank = np.zeros(GRID.shape, dtype=bool)
    volume = Volume(np.asarray(image, dtype=np.float32), ~blank, blank, colour=colour)
    return ImagenetRepresentation().transform(volume, None, GRID)


def test_less_the_mean_over_the_spread_of_photographs():
    image = np.random.default_rng(0).random((3, *GRID.shape))
    found = transform(image, (0,))
    for channel in range(3):
        expected = (image[channel] - MEAN[channel]) / SPREAD[channel]
        np.testing.assert_allclose(found[channel], expected, rtol=1e-5, atol=1e-5)


def test_a_grey_picture_becomes_three_equal_channels():
    image = np.random.default_rng(0).random((1, *GRID.shape))
    assert ImagenetRepresentation().channels(1) == 3
    np.testing.assert_array_equal(transform(image), transform(np.repeat(image, 3, axis=0), (0,)))


@pytest.mark.parametrize("full", [255, 65535])
def test_whole_numbers_go_over_the_largest_of_their_bits(full):
    image = np.random.default_rng(0).integers(0, full + 1, (3, *GRID.shape))
    image[0, 0, 0] = full
    np.testing.assert_allclose(transform(image), transform(image / full), rtol=1e-4, atol=1e-4)


def test_brightness_stays():
    image = 0.5 * np.random.default_rng(0).random((3, *GRID.shape))
    assert transform(image + 0.3).mean() > transform(image).mean() + 1
