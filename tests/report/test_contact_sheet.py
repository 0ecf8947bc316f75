from __future__ import annotations

import io

import numpy as np
import pytest
from markupsafe import Markup
from PIL import Image

from biasaudit.report.contact_sheet import contact_sheet
from biasaudit.report.grids import Cell, Grid, Row, Scale, named
from biasaudit.report.tiles import Tile, overlay


def drawn(grid: Grid) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(contact_sheet(grid))).convert("RGB")).astype(int)


def black(height: int = 40, width: int = 40, lines: tuple = ()) -> Tile:
    return Tile(np.zeros((height, width, 3), dtype=np.uint8), lines)


def cells(count: int, tile: Tile, words: str = "") -> tuple[Cell, ...]:
    return tuple(Cell(tile, "", Markup("{}").format(words)) for _ in range(count))


@pytest.mark.parametrize("kind", ["wide", "small", "thumb"])
def test_every_cell_is_on_the_sheet_and_none_over_another(kind):
    sheet = drawn(Grid((Row(Markup(), cells(30, black())),), kind))
    blocks = (sheet.sum(axis=2) == 0).sum()
    one = (drawn(Grid((Row(Markup(), cells(30, black())[:1]),), kind)).sum(axis=2) == 0).sum()
    if kind == "thumb":
        assert blocks == 30 * one
    else:
        assert blocks % 30 == 0
    assert sheet[:, -10:].min() == 255


def test_words_and_folded_rows_take_room():
    rows = (Row(named("{who}", who="a<b"), cells(2, black(), "some words that are said")),)
    plain = drawn(Grid((Row(Markup(), cells(2, black())),)))
    spoken = drawn(Grid(rows, "wide", Scale("opposes", "supports"), Markup("above all")))
    folded = drawn(Grid(rows, "wide", Scale("opposes", "supports"), Markup("above all"), rows, "more"))
    assert plain.shape[0] < spoken.shape[0] < folded.shape[0]
    assert (np.ptp(spoken[:120], axis=2) > 100).any()  # the scale is red and blue


def test_the_lines_of_a_mask_are_yellow():
    square = np.array([[10.0, 10], [30, 10], [30, 30], [10, 30], [10, 10]])
    assert ((drawn(Grid((Row(Markup(), cells(1, black(lines=(square,)))),))) == [255, 228, 92]).all(axis=2)).any()


def test_marked_thumbnails_have_frames_of_their_own():
    tile = black()
    frames = [Cell(tile, "", mark=mark) for mark in ("", "worst", "highest", "lowest")]
    shown = [drawn(Grid((Row(Markup(), (cell,)),), "thumb")) for cell in frames]
    coloured = [int((np.ptp(sheet, axis=2) > 60).sum()) for sheet in shown]
    assert coloured[0] == 0
    assert min(coloured[1:]) > 0
    assert coloured[2] > coloured[3]  # dotted


def test_names_in_any_script_and_without_spaces_fit():
    name = "x" * 300 + "\n病院"
    assert drawn(Grid((Row(named("{who}", who=name), cells(1, black(), name)),))).shape[1] == 1200


def test_the_same_bytes_every_time():
    grid = Grid((Row(Markup("one"), cells(3, overlay(np.eye(9)))),))
    assert contact_sheet(grid) == contact_sheet(grid)
