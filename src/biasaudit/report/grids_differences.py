"""Voxelwise comparisons of attribution maps (U8): where something is significant, and in one line all the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from biasaudit.records import FloatArray
from biasaudit.report.grids import Cell, Grid, GridPicture, Row, Scale, named
from biasaudit.report.marks import records_of
from biasaudit.report.tiles import PLANES, Tile, beside, overlay
from biasaudit.report.words import count

__all__ = ["difference_grids"]


def difference_grids(table: pd.DataFrame, pictures: Mapping[str, FloatArray]) -> Iterator[GridPicture]:
    """Plan one grid of what differs; without any, only its words.

    Parameters
    ----------
    table : DataFrame
        key, arm, compared, p_value, significant_voxels, critical.
    pictures : mapping of str to float (height, width)
        ``{key}__{plane}__anatomy``, ``__statistic`` and ``__significant``.
    """
    stored = {name.split("__")[0] for name in pictures}
    table = table[table["key"].isin(stored)]
    if table.empty:
        return
    differing = records_of(table[table["significant_voxels"] > 0])
    cells = tuple(_cell(record, pictures) for record in differing)
    rows = (Row(Markup(), cells),) if cells else ()
    scale = Scale("negative", "positive") if rows else None
    alt = "Voxelwise comparisons of attribution maps: " + (
        "; ".join(f"{record['arm']} arm, {record['compared']}" for record in differing) or "nothing was significant"
    )
    kind = "small" if any("__picture__" in name for name in pictures) else "wide"
    note = "" if rows else "nothing was significant"
    yield GridPicture("differences", "differences", Grid(rows, kind, scale, _tested(table)), alt, note=note)


def _cell(record: Mapping[str, Any], pictures: Mapping[str, FloatArray]) -> Cell:
    layers = {plane: _layers(pictures, str(record["key"]), plane) for plane in PLANES}
    there = {plane: own for plane, own in layers.items() if own}
    peak = max(float(np.nanmax(np.abs(statistic))) for _, statistic, _ in there.values())
    # Full colour is kept for what is significant, so that noise stays faint.
    limit = max(peak, float(record["critical"])) if np.isfinite(record["critical"]) else peak
    tile: Tile = beside([overlay(*own, limit) for own in there.values()])
    places = int(record["significant_voxels"])
    words = (
        f"peak {peak:.1f}, significant above {record['critical']:.1f}: {places} {'voxel' if places == 1 else 'voxels'}"
    )
    alt = f"Statistic of {record['compared']}, {record['arm']} arm, on the mean image: {words}"
    title = named("{arm}: {compared}; ", arm=record["arm"], compared=record["compared"])
    return Cell(tile, alt, title + words)


def _layers(
    pictures: Mapping[str, FloatArray], key: str, plane: str
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    names = [f"{key}__{plane}__{layer}" for layer in ("anatomy", "statistic", "significant")]
    if not all(name in pictures for name in names):
        return None
    anatomy, statistic, significant = (pictures[name] for name in names)
    return anatomy, statistic, significant


def _tested(table: pd.DataFrame) -> Markup:
    """Say how many comparisons there were, and in which nothing was significant."""
    nothing = table[~(table["significant_voxels"] > 0)]
    said = Markup("U8 tested {} of attribution maps.").format(count(len(table), "comparison"))
    if nothing.empty:
        return said
    parts = []
    for arm, own in nothing.groupby("arm", sort=False):
        which = Markup("; ").join(named("{compared}", compared=text) for text in own["compared"])
        parts.append(named("{arm} (", arm=arm) + which + ")")
    return said + Markup(" Nothing was significant in: {}.").format(Markup(", ").join(parts))
