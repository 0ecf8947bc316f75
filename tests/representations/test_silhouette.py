from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.records import Grid
from biasaudit.representations.silhouette import SilhouetteRepresentation

GRID = Grid((12, 13, 14))


@pytest.mark.parametrize("background", [0.0, 0.3], ids=["stripped", "whole head"])
def test_binary_and_the_foreground(random_volume, background):
    volume = random_volume(background)
    found = SilhouetteRepresentation().transform(volume, None, GRID)
    assert set(np.unique(found)) == {0.0, 1.0}
    np.testing.assert_array_equal(found[0].astype(bool), volume.foreground)


def test_intensities_do_not_matter(random_volume):
    volume = random_volume(background=0.3)
    loud = replace(volume, image=volume.image * 5)
    first, second = (SilhouetteRepresentation().transform(v, None, GRID) for v in (volume, loud))
    np.testing.assert_array_equal(first, second)
