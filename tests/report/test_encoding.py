from __future__ import annotations

import gc
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from biasaudit.report.encoding import data_uri, drawing, png_bytes, svg_bytes


@pytest.fixture
def figure():
    figure = Figure((2.0, 1.0))
    figure.add_axes((0, 0, 1, 1)).imshow(np.eye(4), aspect="auto")
    return figure


def test_a_picture_keeps_its_pixels():
    drawn = Image.fromarray(np.random.default_rng(0).integers(0, 256, (14, 28, 3), dtype=np.uint8))
    again = Image.open(io.BytesIO(png_bytes(drawn)))
    assert again.format == "PNG"
    np.testing.assert_array_equal(np.asarray(again), np.asarray(drawn))


def test_the_same_bytes_every_time(figure):
    with drawing():
        assert svg_bytes(figure) == svg_bytes(figure)


def test_a_page_needs_no_file():
    assert data_uri(b"abc", "png") == "data:image/png;base64,YWJj"


@pytest.mark.parametrize("on", [True, False])
def test_cycles_are_collected_again_after_an_error(on):
    (gc.enable if on else gc.disable)()
    try:
        with pytest.raises(KeyError, match="off"), drawing():
            raise KeyError("on" if gc.isenabled() else "off")
        assert gc.isenabled() is on
    finally:
        gc.enable()
