"""Signed relevance on anatomy: the same subjects and cuts in every arm, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from biasaudit.records import FloatArray
from biasaudit.report.grids import Cell, Grid, GridPicture, Row, Scale, named
from biasaudit.report.marks import records_of
from biasaudit.report.tiles import PLANES, Tile, beside, overlay
from biasaudit.report.words import signed

__all__ = ["Reading", "overlay_grids", "overlay_tile"]

_ROLES = ("typical", "most pathological", "least pathological")
_LARGEST_GROUP = 6


@dataclass(frozen=True)
class Reading:
    """How the maps of a run are read.

    Attributes
    ----------
    positive : str
        The pathology class.
    ends : (str, str)
        What blue and red say.
    untested : tuple of str
        Arms of which nobody tested whether the maps are faithful.
    arms : tuple of str
        All arms of the run, which number the files.
    """

    positive: str
    ends: tuple[str, str]
    untested: tuple[str, ...]
    arms: tuple[str, ...]

    @property
    def scale(self) -> Scale:
        """What the colours say."""
        return Scale(*self.ends)


def overlay_grids(table: pd.DataFrame, pictures: Mapping[str, FloatArray], reading: Reading) -> Iterator[GridPicture]:
    """Plan one grid for all arms, or one for each where an older run drew other subjects in each.

    Parameters
    ----------
    table : DataFrame
        key, arm, subject, label, origin, logit, role, limit, and of a run that cuts all arms alike cut.
    pictures : mapping of str to float (height, width)
        ``{key}__{plane}__anatomy``, ``__relevance`` and ``__mask``.
    reading : Reading
    """
    drawable = table["key"].map(lambda key: any(name.startswith(f"{key}__") for name in pictures)).astype(bool)
    table = table[drawable].groupby(["arm", "label"], sort=False).head(_LARGEST_GROUP)
    if table.empty:
        return
    table = _ordered(table, reading)
    arms = [arm for arm in reading.arms if (table["arm"] == arm).any()]
    if "cut" in table and len(arms) > 1:
        yield _together(table, pictures, reading)
        return
    for arm in arms:
        own = table[table["arm"] == arm]
        rows, words = tuple(_rows_by_class(own, pictures)), _said(own, reading)
        grid, alt = Grid(rows, _kind(pictures), reading.scale, words), f"Signed relevance on anatomy, {arm} arm"
        yield GridPicture("overlays", f"overlays_arm-{reading.arms.index(arm) + 1}", grid, alt, arm)


def overlay_tile(pictures: Mapping[str, FloatArray], key: str, limit: float) -> Tile:
    """Draw the cuts of one map next to each other."""
    return beside([
        overlay(
            pictures[f"{key}__{plane}__anatomy"],
            pictures.get(f"{key}__{plane}__relevance"),
            pictures.get(f"{key}__{plane}__mask"),
            limit,
        )
        for plane in PLANES
        if f"{key}__{plane}__anatomy" in pictures
    ])  # fmt: skip


def _together(table: pd.DataFrame, pictures: Mapping[str, FloatArray], reading: Reading) -> GridPicture:
    """One row a subject, the arms side by side."""
    rows: dict[bool, list[Row]] = {True: [], False: []}
    for _, members in table.groupby(["label", "role"], sort=False):
        own = records_of(members)
        cells = tuple(_cell(record, pictures, named("{arm}", arm=record["arm"])) for record in own)
        rows[own[0]["role"] == _ROLES[0]].append(Row(_title(own[0]), cells))
    grid = Grid(
        rows=tuple(rows[True]),
        kind=_kind(pictures),
        scale=reading.scale,
        words=_said(table, reading),
        folded=tuple(rows[False]),
        summary="the most and the least pathological score of each class",
    )
    return GridPicture(
        "overlays", "overlays", grid, "Signed relevance on anatomy, the same subjects and cuts in all arms"
    )


def _rows_by_class(table: pd.DataFrame, pictures: Mapping[str, FloatArray]) -> Iterator[Row]:
    """Yield one row a class, its subjects side by side."""
    for label, members in table.groupby("label", sort=False):
        cells = (_cell(record, pictures, _who(record)) for record in records_of(members))
        yield Row(named("{label}", label=label), tuple(cells))


def _cell(record: Mapping[str, Any], pictures: Mapping[str, FloatArray], words: Markup) -> Cell:
    logit = f"logit {signed(record['logit'])}"
    alt = f"Signed relevance: {record['subject']}, {record['label']}, {record['role']}, {record['arm']} arm, {logit}"
    tile = overlay_tile(pictures, str(record["key"]), float(record["limit"]))
    return Cell(tile, alt, Markup("{}, {}").format(words, logit))


def _title(record: Mapping[str, Any]) -> Markup:
    keys = ("label", "role", "subject", "origin")
    return named("{label}, {role}: {subject} from {origin}", **{key: record[key] for key in keys})


def _who(record: Mapping[str, Any]) -> Markup:
    return named("{role}: {subject} from {origin}", **{key: record[key] for key in ("role", "subject", "origin")})


def _said(table: pd.DataFrame, reading: Reading) -> Markup:
    """Say once per arm what full colour is, how subjects were chosen, and whose maps were not put to the test."""
    limits = table.groupby("arm", sort=False)["limit"].max()
    each = [named("{arm} ±", arm=arm) + f"{limit:.2g}" for arm, limit in limits.items()]
    words = Markup("Full colour: {}.").format(Markup(", ").join(each))
    if "cut" in table:
        chosen = " Subjects were chosen by their scores in the {arm} arm, among those that have maps."
        words += named(chosen, arm=reading.arms[0])
    own = [named("{arm}", arm=arm) for arm in limits.index if arm in reading.untested]
    if own:
        words += Markup(
            " <strong>Not tested:</strong> whether the maps of {} show what the network does was not put to the test "
            "(G2); read nothing from them alone."
        ).format(Markup(", ").join(own))
    return words


def _kind(pictures: Mapping[str, FloatArray]) -> str:
    return "small" if any("__picture__" in name for name in pictures) else "wide"


def _ordered(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Healthy first, then by role; arms as the run has them."""
    roles = table["role"].map(lambda role: _ROLES.index(role) if role in _ROLES else len(_ROLES))
    arms = {arm: place for place, arm in enumerate(reading.arms)}
    order = table.assign(last=table["label"] == reading.positive, rank=roles, arm_rank=table["arm"].map(arms))
    return order.sort_values(["last", "label", "rank", "subject", "arm_rank", "key"], kind="stable")
