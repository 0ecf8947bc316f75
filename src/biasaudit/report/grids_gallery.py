"""What drives the units of a network: preferred images, and the subjects that drive each most and least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from biasaudit.records import FloatArray, grey_ends
from biasaudit.report.grids import Cell, Grid, GridPicture, Row, Scale, named
from biasaudit.report.marks import records_of
from biasaudit.report.tiles import Tile, grey, overlay, tint

__all__ = ["gallery_grids"]

_FURTHEST = 3.0  # standard deviations of the healthy, the ends of the colours of a change
_SHOWN = {
    "preferred": "preferred",
    "change": "change",
    "most1": "most",
    "most2": "most",
    "least1": "least",
    "least2": "least",
}
_MADE = ("preferred", "change")
_NO_CHANGE = (
    "No change within 3 standard deviations drives it further than the healthy mean does: it has no preferred image."
)


def gallery_grids(
    table: pd.DataFrame, pictures: Mapping[str, FloatArray], arms: Sequence[str], knows: str
) -> Iterator[GridPicture]:
    """Plan one grid for every arm.

    Parameters
    ----------
    table : DataFrame
        key, arm, layer, unit, label, origin_share, pathology_share.
    pictures : mapping of str to float (height, width)
        ``{key}__mean``, ``__preferred``, ``__change`` (standard deviations), ``__most1`` ... ``__least2``.
    arms : sequence of str
        All arms of the run, which number the files.
    knows : str
        What the units know beside the origin.
    """
    table = table[table["key"].map(lambda key: f"{key}__preferred" in pictures).astype(bool)]
    scale = Scale("−3 SD, darker", "brighter, +3 SD")
    for arm, own in table.groupby("arm", sort=False):
        rows = tuple(_row(record, pictures, knows) for record in records_of(own))
        alt = f"Preferred images of the classes and of the units that know most, {arm} arm."
        name = f"gallery_arm-{arms.index(str(arm)) + 1}"
        yield GridPicture("gallery", name, Grid(rows, "small", scale), alt, str(arm), knows)


def _row(record: Mapping[str, Any], pictures: Mapping[str, FloatArray], knows: str) -> Row:
    title, key = _title(record, knows), str(record["key"])
    still = not np.any(pictures.get(f"{key}__change", np.ones(1)))
    names = [name for name in _SHOWN if f"{key}__{name}" in pictures and not (still and name in _MADE)]
    if still:  # an older run cut these where nothing is
        names = [name for name in names if np.ptp(pictures[f"{key}__{name}"]) > 0]
    cells = tuple(_cell(record, pictures, name, title.striptags()) for name in names)
    return Row(title, cells, Markup("{}").format(_NO_CHANGE) if still else Markup())


def _cell(record: Mapping[str, Any], pictures: Mapping[str, FloatArray], name: str, of: str) -> Cell:
    key, shown = str(record["key"]), _SHOWN[name]
    rank = int(name[-1]) - 1 if name[-1].isdigit() else 0
    subjects = [part.strip() for part in str(record.get(shown, "")).split(";")]
    who = subjects[rank] if name not in _MADE and rank < len(subjects) else ""
    words = named("{shown}: {who}", shown=shown, who=who) if who else Markup("{}").format(shown)
    tile = _tile(pictures[f"{key}__mean"], pictures[f"{key}__{name}"], signed=name == "change")
    return Cell(tile, f"{of}: {shown} {who}".strip(), words)


def _tile(mean: FloatArray, shown: FloatArray, *, signed: bool) -> Tile:
    low, high = grey_ends(mean)
    reach = 0.25 * (high - low)  # lesions and preferred images are brighter than the healthy mean
    if not signed:
        # One scale for all channels, so that colours keep their hue.
        return overlay(grey(shown, (low - reach, high + reach)))
    under = grey(mean.mean(axis=-1) if mean.ndim == 3 else mean, (low, high + 3 * reach))
    coloured = tint(shown, _FURTHEST)
    return overlay(under * (1 - coloured[..., 3:]) + coloured[..., :3] * coloured[..., 3:])


def _title(record: Mapping[str, Any], knows: str) -> Markup:
    if not record["layer"] or pd.isna(record["layer"]):
        return named("class {label} (the network's answer)", label=record["label"])
    shares = [
        f"{name} {record[column]:.2f}".replace("-", "−")
        for name, column in (("origin", "origin_share"), (knows, "pathology_share"))
        if pd.notna(record[column])
    ]
    return named("{layer}, unit ", layer=record["layer"]) + f"{record['unit']:.0f}: {', '.join(shares)}"
