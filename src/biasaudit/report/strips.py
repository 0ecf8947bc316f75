"""Rows of dots with their medians, one row per origin, region or feature."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import seaborn.objects as so
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from biasaudit.records import FloatArray
from biasaudit.report.inks import CLASS_INKS, INKS
from biasaudit.report.names import fitted, whole
from biasaudit.report.panels import Key, Margins, captioned, gridlines, panel, titled
from biasaudit.report.svg import text_width

__all__ = [
    "DOT_COLUMNS",
    "MEDIAN",
    "OriginRows",
    "Row",
    "Strip",
    "class_inks",
    "coloured_dots",
    "ends_of",
    "labelled_rows",
    "left_of",
    "named_row",
    "ordered_labels",
    "origin_rows",
    "spread_dots",
    "strip_panel",
    "titles",
]

DOT_COLUMNS = ("value", "place", "ink", "filled", "title")
"""Of the table that `strip_panel` draws: a number, its row, the name of its colour, ring or dot, and its words."""
MEDIAN = Key("bar", "middle", "median")

_MOST_ORIGINS = 10
_LONGEST_LABEL, _BOLD = 112.0, 1.16  # pixels, and how much wider bold letters are
_ROOM = 0.05
_SPREAD, _REACH = 0.3, 0.36  # of the height of a row: of the dots, and of the median
_SIZE, _EDGE, _OPACITY = 4.8, 1.0, 0.68


class Row(NamedTuple):
    """A row's label, in full where it was shortened, and whether it is set in bold."""

    words: str
    full: str = ""
    marked: bool = False


@dataclass(frozen=True)
class Strip:
    """What stands around a strip: its title, the words under its axis, both ends, and a level to compare with."""

    title: str
    label: str = ""
    ends: tuple[float, float] | None = None
    guide: float | None = None
    row_height: float = 24


@dataclass(frozen=True)
class OriginRows:
    """Which origins have a row of their own; what is left shares the last one."""

    own: tuple[str, ...]
    rest: int
    word: str
    marked: frozenset[str]

    def place(self, origins: pd.Series[str]) -> FloatArray:
        """Row of every subject, from 0."""
        rows = {name: float(place) for place, name in enumerate(self.own)}
        return np.array([rows.get(str(name), float(len(self.own))) for name in origins])

    def rows(self) -> tuple[Row, ...]:
        """Label every row."""
        named = [named_row(name, name in self.marked) for name in self.own]
        return (*named, Row(f"{self.rest} {self.word} origins")) if self.rest else tuple(named)


def named_row(name: str, marked: bool = False) -> Row:
    """Label a row by a name, cut off where it is too long; bold letters are wider."""
    return Row(fitted(name, _LONGEST_LABEL / (_BOLD if marked else 1)), whole(name), marked)


def left_of(rows: Sequence[Row]) -> float:
    """Room for the labels of rows, in pixels."""
    return max((text_width(row.words) * (_BOLD if row.marked else 1) for row in rows), default=0.0) + 12


def origin_rows(origins: pd.Series[str], marked: Collection[str] = ()) -> OriginRows:
    """Give the largest origins a row each and pool the others, so that 62 centres still fit a page.

    Parameters
    ----------
    origins : Series of str
        One per subject.
    marked : collection of str
        Origins that keep their row whatever their size.
    """
    counts = {str(name): int(size) for name, size in origins.value_counts().items()}
    order = sorted(counts, key=lambda name: (name not in marked, -counts[name], name))
    own = order[:_MOST_ORIGINS] if len(order) > _MOST_ORIGINS + 1 else order
    rest = order[len(own) :]
    by_size = [counts[name] for name in own if name not in marked]
    smaller = bool(rest and by_size) and max(counts[name] for name in rest) < min(by_size)
    return OriginRows(tuple(sorted(own)), len(rest), "smaller" if smaller else "more", frozenset(marked) & set(own))


def ordered_labels(labels: pd.Series[str], positive: str) -> list[str]:
    """Classes by name, the pathology last."""
    return sorted(labels.unique(), key=lambda label: (label == positive, label))


def ends_of(values: pd.Series[float]) -> tuple[float, float]:
    """Both ends of an axis that holds all values with some room, so that panels can share it."""
    known = values.astype(float).replace([np.inf, -np.inf], np.nan).dropna()
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    room = _ROOM * (high - low) or 0.5
    return low - room, high + room


def titles(table: pd.DataFrame, column: str, form: Callable[[float], str]) -> list[str]:
    """Say of every row which subject it is, where it comes from, and its value, as far as the table tells."""
    parts = [table[name].astype(str).map(whole) for name in ("subject", "origin") if name in table]
    return [", ".join(words) for words in zip(*parts, table[column].astype(float).map(form), strict=True)]


def class_inks(labels: Sequence[str]) -> Mapping[str, str]:
    """Colour of every class."""
    return {label: CLASS_INKS[place % len(CLASS_INKS)] for place, label in enumerate(labels)}


def strip_panel(dots: pd.DataFrame, rows: Sequence[Row], strip: Strip) -> Figure:
    """Draw dots in rows, spread so that they can be told apart, and the median of each kind in each row.

    Parameters
    ----------
    dots : DataFrame
        `DOT_COLUMNS`; values that are not finite are left out.
    rows : sequence of Row
        From the top.
    strip : Strip
    """
    margins = Margins(left=left_of(rows), bottom=34 if strip.label else 20, top=22 if strip.title else 8)
    figure, axes = panel(strip.row_height * len(rows) + 4, margins)
    known = dots[np.isfinite(dots["value"].astype(float))].sort_values(["ink", "filled"], kind="stable")
    if len(known):
        spread_dots(axes, known)
        # seaborn's Agg("median") takes 20 ms a panel where this takes one.
        groups = known.groupby(["place", "ink", "filled"], sort=True)["value"].median().reset_index()
        ends = groups["place"] - _REACH / 2, groups["place"] + _REACH / 2
        axes.vlines(groups["value"], *ends, color=INKS["middle"], linewidth=2.2, zorder=4)
    if strip.guide is not None:
        axes.axvline(strip.guide, color=INKS["guide"], linewidth=1.0, zorder=0)
    axes.set(ylabel="", xlim=strip.ends)
    captioned(axes, strip.label)
    titled(axes, strip.title)
    axes.locator_params(axis="x", nbins=5)
    labelled_rows(axes, rows)
    gridlines(axes)
    return figure


def spread_dots(axes: Axes, dots: pd.DataFrame) -> None:
    """Place dots over and under the middle of their rows, always in the same way."""
    # seaborn joins by the index, which need not be unique here.
    so.Plot(dots.reset_index(drop=True), x="value", y="place").add(so.Dots(), so.Jitter(y=_SPREAD, seed=0)).on(
        axes
    ).plot()
    marks = next(each for each in axes.collections if isinstance(each, PathCollection))
    filled = dots["filled"].to_numpy(dtype=bool)
    edges = _rgba(dots["ink"], 1.0)
    marks.set(
        edgecolors=edges,
        facecolors=np.where(filled[:, None], edges * (1, 1, 1, _OPACITY), to_rgba(INKS["paper"])),
        urls=list(dots["title"]),
        linewidths=np.where(filled, 0.0, _EDGE),
        sizes=np.array([_SIZE**2]),
    )


def _rgba(names: Sequence[str] | pd.Series[str], opacity: float) -> FloatArray:
    """Red, green, blue and opacity (n, 4) of inks, each looked up once: matplotlib takes its time for every dot."""
    known = {name: to_rgba(INKS[name], opacity) for name in set(names)}
    return np.array([known[name] for name in names])


def coloured_dots(
    axes: Axes,
    values: tuple[pd.Series[float], pd.Series[float]],
    inks: Sequence[str],
    words: Sequence[str],
    marker: str = "o",
) -> None:
    """Draw dots with a thin edge of paper, so that those that overlap can be counted.

    Parameters
    ----------
    axes : Axes
    values : (Series, Series)
        Across and upwards.
    inks, words : sequence of str
        Name of the colour, and the title, of each.
    marker : str
        Of matplotlib.
    """
    colours = _rgba(inks, 1.0)
    looks: dict[str, Any] = {"s": 24, "marker": marker, "edgecolors": INKS["paper"], "linewidths": 0.5}
    axes.scatter(*values, facecolors=colours, urls=list(words), **looks)


def labelled_rows(axes: Axes, rows: Sequence[Row]) -> None:
    """Write what each row is, the first at the top; the whole of a name that was shortened is its title."""
    axes.set_yticks(range(len(rows)), [row.words for row in rows])
    axes.set_ylim(len(rows) - 0.42, -0.58)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(INKS["ink"])
        label.set_fontweight("bold" if row.marked else "normal")
        if row.full != row.words:
            label.set_url(row.full)
