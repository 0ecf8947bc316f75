from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from biasaudit.report.tiles import Tile, as_seen, beside, overlay, thumb_uri, tile_uri


def decoded(uri: str) -> np.ndarray:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_a_picture_is_drawn_as_it_is(full):
    picture = np.random.default_rng(0).random((6, 7, 3))
    picture[0, 0, 0] = 1.0
    np.testing.assert_allclose(as_seen(full * picture), picture, rtol=1e-6)
    np.testing.assert_allclose(overlay(full * picture).pixels[::-1] / 255, picture, atol=0.003)


def test_grey_lies_between_the_percentiles_of_the_cut_and_its_first_row_below():
    anatomy = np.tile(np.arange(100.0), (5, 1))
    anatomy[0] = 1e-3
    drawn = overlay(anatomy).pixels
    assert drawn[-1].max() == 0
    assert drawn[0, 99].tolist() == [255, 255, 255]
    assert drawn[0, 50].tolist() == pytest.approx([128] * 3, abs=3)


def test_red_supports_and_blue_opposes_and_little_lets_the_anatomy_through():
    anatomy = np.tile([0.0, 1.0, 0.5, 0.5, 0.5], (4, 1))
    signed = np.tile([0.0, 0.0, 2.0, -2.0, 0.01], (4, 1))
    red, blue, faint = overlay(anatomy, signed, limit=1.0).pixels[0, 2:].astype(int)
    assert red[0] > red[2] + 100
    assert blue[2] > blue[0] + 100
    assert np.ptp(faint) == 0


def test_the_lines_lie_around_the_mask_and_none_around_everything():
    mask = np.zeros((6, 8))
    mask[0, 2:5] = 1  # the lowest row
    (line,) = overlay(np.zeros((6, 8)), mask=mask).lines
    assert line.min(axis=0).tolist() == [2.0, 5.0]
    assert line.max(axis=0).tolist() == [5.0, 6.0]
    assert overlay(np.zeros((6, 8)), mask=np.ones((6, 8))).lines == ()
    assert overlay(np.zeros((6, 8)), mask=np.zeros((6, 8))).lines == ()


def test_tiles_beside_each_other_keep_their_lines_in_place():
    mask = np.zeros((4, 4))
    mask[1:3, 1:3] = 1
    one, tall = overlay(np.zeros((4, 4)), mask=mask), overlay(np.ones((8, 3)))
    both = beside([tall, one])
    assert (both.height, both.width) == (8, 7)
    assert both.lines[0].min(axis=0).tolist() == [one.lines[0][:, 0].min() + 3, one.lines[0][:, 1].min() + 2]
    assert both.pixels[:2, 3:].max() == 0


def test_a_path_goes_in_half_pixels_from_place_to_place():
    assert Tile(np.zeros((2, 2, 3)), (np.array([[0.5, 1.0], [1.0, 0.5], [0.5, 1.0]]),)).path == "M1 2l1 -1l-1 1"
    assert Tile(np.zeros((2, 2, 3))).path == ""


@pytest.mark.parametrize(
    ("shape", "size"), [((50, 136), (150, 408)), ((512, 600), (260, 305)), ((200, 200), (200, 200))]
)
def test_small_tiles_are_enlarged_and_large_ones_made_smaller(shape, size):
    assert decoded(tile_uri(overlay(np.random.default_rng(0).random(shape)))).shape == (*size, 3)


@pytest.mark.parametrize("shape", [(40, 56), (40, 56, 3)])
def test_a_thumbnail_keeps_its_pixels(shape):
    pixels = np.full(shape, 200, dtype=np.uint8)
    shown = decoded(thumb_uri(pixels))
    assert shown.shape == (40, 56, 3)
    np.testing.assert_allclose(shown, 200, atol=3)
