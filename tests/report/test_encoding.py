from __future__ import annotations

import gc
import io

import numpy as np
import pytest
from PIL import Image

from biasaudit.report.encoding import data_uri, png_bytes, uncollected


def test_a_picture_keeps_its_pixels_and_has_the_same_bytes_every_time():
    drawn = Image.fromarray(np.random.default_rng(0).integers(0, 256, (14, 28, 3), dtype=np.uint8))
    again = Image.open(io.BytesIO(png_bytes(drawn)))
    assert again.format == "PNG"
    np.testing.assert_array_equal(np.asarray(again), np.asarray(drawn))
    assert png_bytes(drawn) == png_bytes(drawn)


def test_a_page_needs_no_file():
    assert data_uri(b"abc", "png") == "data:image/png;base64,YWJj"


@pytest.mark.parametrize("on", [True, False])
def test_cycles_are_collected_again_after_an_error(on):
    (gc.enable if on else gc.disable)()
    try:
        with pytest.raises(KeyError, match="off"), uncollected():
            raise KeyError("on" if gc.isenabled() else "off")
        assert gc.isenabled() is on
    finally:
        gc.enable()
