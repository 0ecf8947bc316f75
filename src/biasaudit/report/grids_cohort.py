"""The cohort in pictures: a mosaic of all subjects, and what the networks see of some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from biasaudit.records import FloatArray, grey_ends
from biasaudit.report.grids import Cell, Grid, GridPicture, Row, named
from biasaudit.report.marks import records_of
from biasaudit.report.tiles import Tile, grey, overlay
from biasaudit.report.words import count, signed

__all__ = ["input_grids", "mosaic_grids"]

_MARKS = {
    "alignment": ("least like the cohort's mean image", "worst", "dashed"),
    "highest": ("highest score of its class", "highest", "solid"),
    "lowest": ("lowest score of its class", "lowest", "dotted"),
}
"""What a mark says, its class in the style sheet, and how its frame is drawn."""


def mosaic_grids(
    table: pd.DataFrame, thumbnails: FloatArray | None, positive: str, total: int
) -> Iterator[GridPicture]:
    """Plan the mosaic: one thumbnail a subject, by class and origin.

    Parameters
    ----------
    table : DataFrame
        place, subject, label, origin, score, correlation, marks.
    thumbnails : float (n, height, width) or (n, height, width, 3), or None
        From 0 to 255.
    positive : str
        The pathology class, drawn last.
    total : int
        Images of the cohort, of which the thumbnails may be a sample.
    """
    if thumbnails is None or table.empty:
        return
    table = table[table["place"] < len(thumbnails)]
    labels = sorted(table["label"].unique(), key=lambda label: (label == positive, label))
    rows = []
    for label in labels:
        for origin, own in table[table["label"] == label].groupby("origin", sort=True):
            title = named("{label}, {origin}: ", label=label, origin=origin) + str(len(own))
            rows.append(Row(title, tuple(_thumbnail(record, thumbnails) for record in records_of(own))))
    alt = f"Mosaic of {count(len(table), 'image')} by class and origin."
    yield GridPicture("mosaic", "mosaic", Grid(tuple(rows), "thumb", words=_legend(table, total)), alt)


def input_grids(table: pd.DataFrame, pictures: Mapping[str, FloatArray]) -> Iterator[GridPicture]:
    """Plan the inputs: one row a subject, and in it every channel of every arm.

    Parameters
    ----------
    table : DataFrame
        key, arm, subject, label, origin, channel, low, high.
    pictures : mapping of str to float (height, width)
        By key, upright.
    """
    table = table[table["key"].isin(list(pictures))]
    if table.empty:
        return
    table = table.assign(channels=table.groupby("arm")["channel"].transform("nunique"))
    scales = {
        channel: grey_ends(np.concatenate([pictures[key].ravel() for key in own["key"]]))
        for channel, own in table.groupby(["arm", "channel"], sort=False)
    }
    rows = [
        Row(_of_whom(records_of(own)[0]), tuple(_channel(record, pictures, scales) for record in records_of(own)))
        for _, own in table.groupby(["label", "subject"], sort=False)
    ]
    first = set(table.drop_duplicates("label").index)
    open_rows = [bool(first & set(own.index)) for _, own in table.groupby(["label", "subject"], sort=False)]
    grid = Grid(
        rows=tuple(row for row, is_open in zip(rows, open_rows, strict=True) if is_open),
        kind="small",
        folded=tuple(row for row, is_open in zip(rows, open_rows, strict=True) if not is_open),
        summary="subjects of other origins",
    )
    alt = "What the networks see: the same cut of the same subjects in every arm, channel by channel."
    yield GridPicture("inputs", "inputs", grid, alt)


def _thumbnail(record: Mapping[str, Any], thumbnails: FloatArray) -> Cell:
    pixels = thumbnails[int(record["place"])].astype(np.uint8)
    marks = [_MARKS[mark] for mark in str(record.get("marks") or "").split("; ") if mark in _MARKS]
    parts = [str(record["subject"])]
    if pd.notna(record.get("score")):
        parts.append(f"score {signed(record['score'])}")
    if pd.notna(record.get("correlation")):
        parts.append(f"correlation with the mean image {record['correlation']:.2f}".replace("-", "−"))
    tip = ", ".join([*parts, *(words for words, _, _ in marks)])
    return Cell(Tile(pixels), str(record["subject"]), tip=tip, mark=" ".join(style for _, style, _ in marks))


def _legend(table: pd.DataFrame, total: int) -> Markup:
    """Say what is framed and how, and whether all images are there."""
    found = {mark for marks in table.get("marks", pd.Series(dtype=str)) for mark in str(marks).split("; ")}
    each = [
        Markup('<span class="tiles-key {}">{} frame: {}</span>').format(style, frame, words)
        for mark, (words, style, frame) in _MARKS.items()
        if mark in found
    ]
    shown = "" if len(table) >= total else f"{len(table)} of {total} images, sampled in every group. "
    return Markup("{}{}").format(shown, Markup(" ").join(each))


def _of_whom(record: Mapping[str, Any]) -> Markup:
    return named("{label}: {subject} from {origin}", **{key: record[key] for key in ("label", "subject", "origin")})


def _channel(
    record: Mapping[str, Any], pictures: Mapping[str, FloatArray], scales: Mapping[Any, tuple[float, float]]
) -> Cell:
    # Tiles take slices as they are stored elsewhere, the first row at the bottom.
    shown = grey(pictures[str(record["key"])][::-1], scales[record["arm"], record["channel"]])
    ends = f"{record['low']:.2g} to {record['high']:.2g}".replace("-", "−")
    which = "{arm}, {channel}: " if record["channels"] > 1 else "{arm}: "
    words = named(which, arm=record["arm"], channel=record["channel"]) + ends
    alt = f"Input of the {record['arm']} arm, {record['channel']}, {record['subject']}: values from {ends}"
    return Cell(overlay(shown), alt, words)
