from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from biasaudit.report.marks import as_seen, draw_overlay


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_a_picture_is_drawn_as_it_is(full):
    picture = np.random.default_rng(0).random((6, 7, 3))
    picture[0, 0, 0] = 1.0
    np.testing.assert_allclose(as_seen(full * picture), picture, rtol=1e-6)


def test_the_map_lies_over_the_colours():
    picture = np.random.default_rng(0).random((6, 7, 3)).astype(np.float32)
    axes = Figure().subplots()
    draw_overlay(axes, (picture, np.ones((6, 7)), np.eye(6, 7)), 1.0)
    below, above = axes.get_images()
    np.testing.assert_array_equal(below.get_array(), picture)
    assert above.get_array().shape == (6, 7, 4)


def test_a_grey_picture_is_drawn_between_its_percentiles():
    grey = np.random.default_rng(0).random((6, 7))
    axes = Figure().subplots()
    draw_overlay(axes, (grey, None, None), 1.0)
    (only,) = axes.get_images()
    assert only.get_clim() == pytest.approx(tuple(np.percentile(grey, [1, 99.5])))
