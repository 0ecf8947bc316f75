from __future__ import annotations

import numpy as np
import pytest

from biasaudit.records import Grid
from biasaudit.representations.background import BackgroundRepresentation

GRID = Grid((12, 13, 14))


def test_zero_inside(random_volume):
    volume = random_volume(0.3)
    assert (BackgroundRepresentation().transform(volume, None, GRID)[:, volume.foreground] == 0).all()


def test_standardised_by_the_background_itself(random_volume):
    volume = random_volume(0.3)
    for channel in BackgroundRepresentation().transform(volume, None, GRID):
        assert channel[~volume.foreground].mean() == pytest.approx(0.0, abs=1e-4)
        assert channel[~volume.foreground].std() == pytest.approx(1.0, abs=1e-4)


def test_what_is_inside_does_not_matter(random_volume):
    volume = random_volume(0.3)
    before = BackgroundRepresentation().transform(volume, None, GRID)
    volume.image[:, volume.foreground] = 1e6
    np.testing.assert_array_equal(BackgroundRepresentation().transform(volume, None, GRID), before)


def test_a_stripped_image_has_nothing_left(random_volume):
    assert (BackgroundRepresentation().transform(random_volume(), None, GRID) == 0).all()
