"""Grids of small pictures with their words: as markup for the page, and as one sheet for the run folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from biasaudit.report.tiles import Tile, thumb_uri, tile_uri

__all__ = ["Cell", "Grid", "GridPicture", "Row", "Scale", "grid_markup", "named"]


@dataclass(frozen=True)
class Cell:
    """A tile with the words under it.

    Attributes
    ----------
    tile : Tile or None
        None where words stand in its place.
    alt : str
        What a reader who cannot see it should know.
    words : Markup
        Shown under it.
    tip : str
        Shown when a pointer rests on it; may be empty.
    mark : str
        Why it is framed, as a class of the style sheet; empty if it is not.
    """

    tile: Tile | None
    alt: str
    words: Markup = field(default_factory=Markup)
    tip: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Row:
    """Cells that belong together: those of one subject, one comparison, one unit.

    Attributes
    ----------
    title : Markup
    cells : tuple of Cell
    words : Markup
        Said under the title; may be empty.
    """

    title: Markup
    cells: tuple[Cell, ...]
    words: Markup = field(default_factory=Markup)


@dataclass(frozen=True)
class Scale:
    """What the colours say: words at the blue and at the red end."""

    blue: str
    red: str


@dataclass(frozen=True)
class Grid:
    """Rows of tiles.

    Attributes
    ----------
    rows : tuple of Row
    kind : str
        ``wide`` cells of several cuts, ``small`` ones, or ``thumb``: thumbnails, whose rows stand beside each other.
    scale : Scale or None
    words : Markup
        Said once above all; may be empty.
    folded : tuple of Row
        Rows that the page shows when asked.
    summary : str
        What is folded.
    """

    rows: tuple[Row, ...]
    kind: str = "wide"
    scale: Scale | None = None
    words: Markup = field(default_factory=Markup)
    folded: tuple[Row, ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class GridPicture:
    """A grid where the page shows it.

    Attributes
    ----------
    section : str
        Of the page.
    name : str
        Of the file, without ending.
    grid : Grid
    alt : str
        What all of it shows.
    arm : str
        Arm shown, or empty.
    note : str
        For the caption; may be empty.
    """

    section: str
    name: str
    grid: Grid
    alt: str
    arm: str = ""
    note: str = ""


def named(text: str, **names: Any) -> Markup:
    """Fill names that others gave into a text: escaped, and kept apart from the direction of what is around them."""
    isolated = {key: Markup("<bdi>{}</bdi>").format(value) for key, value in names.items()}
    return Markup(text).format(**isolated)


def grid_markup(grid: Grid) -> Markup:
    """Write a grid for the page; every tile is an image of its own with an alternative text."""
    parts = [Markup('<p class="tiles-words">{}</p>').format(grid.words)] if grid.words else []
    parts += [_scale(grid.scale)] if grid.scale else []
    parts += [_rows(grid.rows, grid.kind)] if grid.rows else []
    if grid.folded:
        rows = _rows(grid.folded, grid.kind)
        parts.append(Markup("<details><summary>{}</summary>{}</details>").format(grid.summary, rows))
    return Markup('<div class="tiles-grid">{}</div>').format(Markup("\n").join(parts))


def _rows(rows: tuple[Row, ...], kind: str) -> Markup:
    written = Markup("\n").join(_row(row, kind) for row in rows)
    return Markup('<div class="tiles-rows {}">{}</div>').format(kind, written)


def _row(row: Row, kind: str) -> Markup:
    words = Markup('<div class="tiles-note">{}</div>').format(row.words) if row.words else Markup()
    cells = Markup().join((_thumb if kind == "thumb" else _cell)(cell) for cell in row.cells)
    tiles = Markup('<div class="tiles {}">{}</div>').format(kind, cells) if row.cells else Markup()
    title = Markup('<div class="tiles-title">{}</div>').format(row.title) if row.title else Markup()
    # A class and no inline width, which a page's own rules might forbid.
    return Markup('<div class="tiles-row of-{}">{}{}{}</div>').format(len(row.cells), title, words, tiles)


def _cell(cell: Cell) -> Markup:
    words = Markup("<span>{}</span>").format(cell.words) if cell.words else Markup()
    if cell.tile is None:
        return Markup('<div class="tile blank">{}</div>').format(words)
    return Markup('<div class="tile">{}{}</div>').format(_picture(cell.tile, cell.alt), words)


def _thumb(cell: Cell) -> Markup:
    assert cell.tile is not None
    tile = cell.tile
    return Markup('<img class="{}" src="{}" width="{}" height="{}" alt="{}" title="{}">').format(
        cell.mark or "plain", thumb_uri(tile.pixels), tile.width, tile.height, cell.alt, cell.tip
    )


def _picture(tile: Tile, alt: str) -> Markup:
    image = Markup('<img src="{}" width="{}" height="{}" alt="{}">').format(
        tile_uri(tile), tile.width, tile.height, alt
    )
    path = tile.path
    if not path:
        return image
    lines = Markup('<svg viewBox="0 0 {} {}" aria-hidden="true"><path d="{}"/></svg>').format(
        2 * tile.width, 2 * tile.height, path
    )
    return Markup('<span class="outlined">{}{}</span>').format(image, lines)


def _scale(scale: Scale) -> Markup:
    return Markup(
        '<p class="tiles-scale"><span>{}</span><span class="ramp" aria-hidden="true"></span><span>{}</span></p>'
    ).format(scale.blue, scale.red)
