from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from biasaudit.report.marks import Frame, as_seen, draw_overlay, sheet


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_a_picture_is_drawn_as_it_is(full):
    picture = np.random.default_rng(0).random((6, 7, 3))
    picture[0, 0, 0] = 1.0
    np.testing.assert_allclose(as_seen(full * picture), picture, rtol=1e-6)


def test_the_map_lies_over_the_colours():
    picture = np.random.default_rng(0).random((6, 7, 3)).astype(np.float32)
    axes = Figure().subplots()
    draw_overlay(axes, Frame(0, 0, 7, 6), (picture, np.ones((6, 7)), np.eye(6, 7)), 1.0)
    below, above = axes.get_images()
    np.testing.assert_array_equal(below.get_array(), picture)
    assert above.get_array().shape == (6, 7, 4)


def test_a_grey_picture_is_drawn_between_its_percentiles():
    grey = np.random.default_rng(0).random((6, 7))
    axes = Figure().subplots()
    draw_overlay(axes, Frame(0, 0, 7, 6), (grey, None, None), 1.0)
    (only,) = axes.get_images()
    assert only.get_clim() == pytest.approx(tuple(np.percentile(grey, [1, 99.5])))


@pytest.mark.parametrize(
    ("shape", "centred", "extent"),
    [
        ((2, 4), True, (1.0, 5.0, 3.0, 5.0)),
        ((2, 4), False, (1.0, 5.0, 4.0, 6.0)),
        ((8, 4, 3), True, (2.0, 4.0, 2.0, 6.0)),
        ((8, 4, 3), False, (1.0, 3.0, 2.0, 6.0)),
    ],
)
def test_a_picture_fills_its_frame_and_keeps_square_pixels(shape, centred, extent):
    assert Frame(1.0, 2.0, 4.0, 4.0).around(shape, centred=centred) == pytest.approx(extent)


def test_a_sheet_is_in_inches_whatever_is_put_on_it():
    figure = Figure((5.0, 3.0))
    axes = sheet(figure)
    draw_overlay(axes, Frame(1.0, 1.0, 2.0, 1.0), (np.zeros((4, 4)), None, np.eye(4)), 1.0)
    assert axes.get_xlim() == (0, 5)
    assert axes.get_ylim() == (0, 3)
    np.testing.assert_allclose(axes.transData.transform((1.0, 2.0)), (figure.dpi, 2 * figure.dpi))
