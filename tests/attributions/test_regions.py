from __future__ import annotations

import numpy as np
import pytest

from biasaudit.attributions.regions import supervoxels


@pytest.mark.parametrize("shape", [(20, 31), (9, 16, 12)], ids=["2-D", "3-D"])
def test_regions_cover_everything_and_have_about_the_size_asked_for(shape):
    image = np.random.default_rng(0).normal(size=shape)
    found = supervoxels(image, 4)
    assert found.shape == shape
    assert set(np.unique(found)) == set(range(1, int(found.max()) + 1))
    expected = np.prod(shape) / 4 ** len(shape)
    assert 0.4 * expected < found.max() < 2.5 * expected


def test_borders_follow_the_image():
    image = np.zeros((24, 24))
    image[:, 11:] = 10.0
    found = supervoxels(image, 8)
    assert not set(np.unique(found[:, :11])) & set(np.unique(found[:, 11:]))


def test_a_constant_image_is_divided_by_place_alone():
    assert supervoxels(np.ones((16, 16)), 8).max() == 4
