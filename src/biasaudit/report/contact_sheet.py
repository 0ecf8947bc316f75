"""A grid of small pictures as one PNG for the run folder, with its words in the font that travels with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from biasaudit.report.encoding import png_bytes
from biasaudit.report.grids import Cell, Grid, Row
from biasaudit.report.tiles import Tile, tint

__all__ = ["contact_sheet"]

_WIDTH, _MARGIN, _GAP = 1200, 16, 8
_LARGEST = {"wide": 280, "small": 150}  # pixels of the width of one cell, per cut that a wide one holds
_THUMB = 60  # pixels from one thumbnail to the next
_MARKS = {"worst": ((194, 65, 12), 8), "highest": ((109, 40, 217), 0), "lowest": ((109, 40, 217), 3)}
"""Colour of the frame, and pixels of its dashes."""
_INK, _SOFT, _OUTLINE = (23, 32, 42), (82, 96, 109), (255, 228, 92)
_TEXT = 17
_LETTER = 0.58  # width of a letter, of the size of the text


@dataclass(frozen=True)
class _Placed:
    """Something on the sheet: its top left corner, and a picture or a line of text."""

    left: int
    top: int
    picture: Image.Image | None = None
    text: str = ""
    soft: bool = False


def contact_sheet(grid: Grid) -> bytes:
    """Draw a grid on white.

    Parameters
    ----------
    grid : Grid

    Returns
    -------
    bytes
        PNG, 1200 pixels wide.
    """
    placed: list[_Placed] = []
    top = _MARGIN
    if grid.words:
        top = _lines(placed, _plain(grid.words), (_MARGIN, top, _WIDTH - 2 * _MARGIN), soft=False)
    if grid.scale:
        top = _ramp(placed, grid.scale.blue, grid.scale.red, top)
    if grid.kind == "thumb":
        top = _place_groups(placed, grid.rows, top)
    else:
        for row in (*grid.rows, *grid.folded):
            top = _place_row(placed, row, grid.kind, top)
    return png_bytes(_drawn(placed, top + _MARGIN))


def _place_row(placed: list[_Placed], row: Row, kind: str, top: int) -> int:
    """Put title and cells of a row on the sheet; return where the next begins."""
    top = _lines(placed, _plain(row.title), (_MARGIN, top, _WIDTH - 2 * _MARGIN), soft=False)
    if row.words:
        top = _lines(placed, _plain(row.words), (_MARGIN, top, _WIDTH - 2 * _MARGIN), soft=True)
    left, lowest = _MARGIN, top
    width = _cell_width(row, kind)
    for cell in row.cells:
        if left > _MARGIN and left + width > _WIDTH - _MARGIN:
            left, top = _MARGIN, lowest + _GAP
        lowest = max(lowest, _place_cell(placed, cell, (left, top, width)))
        left += width + _GAP
    return lowest + 2 * _GAP


def _place_groups(placed: list[_Placed], rows: Sequence[Row], top: int) -> int:
    """Put groups of thumbnails beside each other as long as they fit; return where the next thing begins."""
    left, lowest = _MARGIN, top
    for row in rows:
        title = _plain(row.title)
        across = max(1, min(len(row.cells), (_WIDTH - 2 * _MARGIN) // _THUMB))
        width = max(across * _THUMB, round(_font().getlength(title)) + 2 * _GAP)
        if left > _MARGIN and left + width > _WIDTH - _MARGIN:
            left, top = _MARGIN, lowest + _GAP
        placed.append(_Placed(left, top, text=title, soft=True))
        for place, cell in enumerate(row.cells):
            line, column = divmod(place, across)
            at = left + column * _THUMB, top + _TEXT + _GAP + line * _THUMB
            placed.append(_Placed(*at, _thumbnail(cell)))
        lowest = max(lowest, top + _TEXT + _GAP + -(-len(row.cells) // across) * _THUMB)
        left += width + _GAP
    return lowest + _GAP


def _thumbnail(cell: Cell) -> Image.Image:
    """Draw a thumbnail, with a frame where it has a mark."""
    assert cell.tile is not None
    picture = Image.fromarray(cell.tile.pixels).convert("RGB")
    picture.thumbnail((_THUMB - 4, _THUMB - 4))
    for mark in cell.mark.split():
        _frame(picture, *_MARKS[mark])
    return picture


def _frame(picture: Image.Image, colour: tuple[int, int, int], dash: int) -> None:
    """Draw a frame three pixels wide, dashed unless its dashes have no length."""
    pixels = np.zeros((picture.height, picture.width), dtype=bool)
    pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:] = True, True, True, True
    if dash:
        rows, columns = np.indices(pixels.shape)
        pixels &= (rows + columns) // dash % 2 == 0
    picture.paste(colour, mask=Image.fromarray(pixels))


def _cell_width(row: Row, kind: str) -> int:
    """Width of the cells of a row: as large as fits, up to a limit."""
    count = max(1, len(row.cells))
    ratio = max((cell.tile.width / cell.tile.height for cell in row.cells if cell.tile), default=1.0)
    most = round(_LARGEST[kind] * max(1.0, ratio if kind == "wide" else 1.0))
    return min(most, max(round(0.5 * most), (_WIDTH - 2 * _MARGIN - (count - 1) * _GAP) // count))


def _place_cell(placed: list[_Placed], cell: Cell, box: tuple[int, int, int]) -> int:
    left, top, width = box
    if cell.tile is not None:
        picture = _enlarged(cell.tile, width)
        placed.append(_Placed(left, top, picture))
        top += picture.height + 2
    return _lines(placed, _plain(cell.words), (left, top, width), soft=True)


def _enlarged(tile: Tile, width: int) -> Image.Image:
    """Scale a tile to a width and draw the lines around its mask."""
    scale = width / tile.width
    picture = Image.fromarray(tile.pixels).resize((width, round(scale * tile.height)), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for line in tile.lines:
        pen.line((scale * line).ravel().tolist(), fill=_OUTLINE, width=2)
    return picture


def _lines(placed: list[_Placed], text: str, box: tuple[int, int, int], *, soft: bool) -> int:
    """Break a text into lines that fit; return where the next may begin."""
    left, top, width = box
    letters = max(6, int(width / (_LETTER * _TEXT)))
    line = ""
    for word in [*text.split(), ""]:
        if line and (not word or len(line) + 1 + len(word) > letters):
            placed.append(_Placed(left, top, text=line[:letters], soft=soft))
            top, line = top + _TEXT + 5, ""
        line = f"{line} {word}".strip()
    return top


def _ramp(placed: list[_Placed], blue: str, red: str, top: int) -> int:
    colours = tint(np.linspace(-1, 1, 240)[None, :], 1.0)
    shown = 0.45 * (1 - colours[..., 3:]) + colours[..., :3] * colours[..., 3:]
    ramp = Image.fromarray(np.round(255 * np.repeat(shown, 14, axis=0)).astype(np.uint8))
    at = _MARGIN + round(_font().getlength(blue)) + _GAP
    placed.append(_Placed(_MARGIN, top, text=blue, soft=True))
    placed.append(_Placed(at, top + 4, ramp))
    placed.append(_Placed(at + ramp.width + _GAP, top, text=red, soft=True))
    return top + _TEXT + 2 * _GAP


def _drawn(placed: list[_Placed], height: int) -> Image.Image:
    sheet = Image.new("RGB", (_WIDTH, height), "white")
    pen = ImageDraw.Draw(sheet)
    for one in placed:
        if one.picture is None:
            pen.text((one.left, one.top), one.text, fill=_SOFT if one.soft else _INK, font=_font())
        else:
            sheet.paste(one.picture, (one.left, one.top))
    return sheet


def _plain(markup: object) -> str:
    """Text of markup; what cannot be printed becomes a space."""
    from_markup = getattr(markup, "striptags", None)
    text = from_markup() if from_markup else str(markup)
    return "".join(letter if letter.isprintable() else " " for letter in text)


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), _TEXT)
