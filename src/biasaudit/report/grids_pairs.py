"""Pairs that may be one subject twice, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from markupsafe import Markup

from biasaudit.records import FloatArray
from biasaudit.report.grids import Cell, Grid, GridPicture, Row, named
from biasaudit.report.tiles import beside, overlay

__all__ = ["pair_grids"]


def pair_grids(names: Sequence[tuple[str, str, str]], pictures: Mapping[str, FloatArray]) -> Iterator[GridPicture]:
    """Plan one grid of all pairs.

    Parameters
    ----------
    names : sequence of (str, str, str)
        The two subjects, and how alike they are.
    pictures : mapping of str to float (height, width)
        ``{pair}__0`` and ``{pair}__1``, upright.
    """
    cells = tuple(_cell(place, pair, pictures) for place, pair in enumerate(names) if f"{place}__0" in pictures)
    if cells:
        alt = (
            f"Pairs that may be one subject twice: {'; '.join(f'{first} and {second}' for first, second, _ in names)}."
        )
        yield GridPicture("pairs", "pairs", Grid((Row(Markup(), cells),), "wide"), alt)


def _cell(place: int, pair: tuple[str, str, str], pictures: Mapping[str, FloatArray]) -> Cell:
    first, second, how = pair
    sides = [overlay(np.asarray(pictures[f"{place}__{side}"], dtype=float)[::-1]) for side in range(2)]
    words = named("{first} and {second}: ", first=first, second=second) + how
    return Cell(beside(sides), f"{first} beside {second}, {how}", words)
