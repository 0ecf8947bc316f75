"""Estimates beside each other: of the arms, and beside the truth where a cohort is simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biasaudit.report.inks import INKS
from biasaudit.report.marks import records_of
from biasaudit.report.names import fitted, whole
from biasaudit.report.panels import Key, Margins, Plot, captioned, gridlines, panel, panel_below, plotted, titled
from biasaudit.report.strips import Row, labelled_rows, left_of, named_row
from biasaudit.report.words import QUANTITIES, finite, interval, number, percent

__all__ = ["forest", "truth_against_estimate"]

_CHANCE = {"auc": 0.5, "origin_auc": 0.5, "lesion_gain": 1.0}
_ROW = 22
_TRUTH = Key("diamond", "truth", "planted truth")


def forest(estimates: pd.DataFrame, comparisons: pd.DataFrame, primary: str) -> Plot:
    """Draw a panel per quantity: the estimates of every arm, and how far the primary arm is from each of the others.

    Parameters
    ----------
    estimates : DataFrame
        arm, quantity, estimate, low, high, and level where it was recorded; the quantity ``truth`` is drawn beside the
        reliance.
    comparisons : DataFrame
        first, second, quantity, difference, low, high; pairs without the primary arm are left out.
    primary : str
        The arm that the others are compared with.
    """
    arms = [str(arm) for arm in dict.fromkeys(estimates["arm"])]
    present = [name for name in QUANTITIES if name in set(estimates["quantity"]) and name != "truth"]
    against = _against(comparisons, primary)
    truth = estimates[estimates["quantity"] == "truth"]
    panels = []
    for quantity in present:
        own, pairs = (table[table["quantity"] == quantity] for table in (estimates, against))
        others = [arm for arm in arms if arm in set(pairs["other"])]
        marks = truth if quantity == "reliance" else truth.head(0)
        figure = _estimates(pd.concat([own, marks]), arms, quantity, len(others))
        if others:
            _differences(figure, pairs, others, quantity)
        panels.append(figure)
    leveled = "level" in estimates and bool(estimates["level"].notna().any())
    keys = [Key("dot", "estimate", "estimate with its interval" + (" (level in the title)" if leveled else ""))]
    if len(against):
        keys.append(Key("line", "estimate", f"below (−): {fitted(primary, 150)} minus each other"))
    return plotted(panels, [*keys, *([_TRUTH] if len(truth) and "reliance" in present else [])])


def truth_against_estimate(table: pd.DataFrame) -> Plot:
    """Draw what was planted beside what the audit estimated.

    Parameters
    ----------
    table : DataFrame
        arm, factor, estimate, low, high, omega, r; shares of one.
    """
    several = table["factor"].nunique() > 1
    names = [f"{arm}, {factor}" if several else arm for arm, factor in zip(table["arm"], table["factor"], strict=True)]
    rows = _rows(names)
    figure, axes = panel(_ROW * len(rows) + 8, Margins(left=left_of(rows), top=8))
    for row, record in enumerate(records_of(table)):
        _whisker(axes, record, row, percent)
        for column, marker, ink in (("omega", "D", "truth"), ("r", "s", "sensitivity")):
            if pd.notna(record[column]):
                _hollow(axes, (record[column], row), marker, ink)
    axes.set_xlim(-0.03, 1.03)
    captioned(axes, "share of the response owed to the origin")
    labelled_rows(axes, rows)
    gridlines(axes)
    keys = [
        Key("dot", "estimate", "estimate with interval"),
        Key("diamond", "truth", "planted: share of the class gap"),
    ]
    return plotted([figure], [*keys, Key("box", "sensitivity", "planted: sensitivity to the site")])


def _against(comparisons: pd.DataFrame, primary: str) -> pd.DataFrame:
    """Turn every pair with the primary arm so that it comes first."""
    rows = []
    for record in records_of(comparisons):
        pair = (str(record["first"]), str(record["second"]))
        if primary not in pair:
            continue
        sign, other = (1, pair[1]) if pair[0] == primary else (-1, pair[0])
        estimate, *ends = (finite(record[key]) for key in ("difference", "low", "high"))
        low, high = ends if sign > 0 else ends[::-1]
        numbers = {"estimate": estimate, "low": low, "high": high}
        turned = {"other": other, **{key: nan if own is None else sign * own for key, own in numbers.items()}}
        rows.append({**turned, "quantity": record["quantity"]})
    return pd.DataFrame(rows, columns=pd.Index(["other", "quantity", "estimate", "low", "high"]))


def _estimates(table: pd.DataFrame, arms: Sequence[str], quantity: str, others: int) -> Figure:
    """Draw the upper part of a panel, with room below for the differences."""
    rows = _rows(arms)
    below = 20 + (_ROW * others + 40 if others else 0)
    # The rows below have a sign before their names.
    figure, axes = panel(_ROW * len(rows), Margins(left=left_of(rows) + (10 if others else 0), bottom=below, top=24))
    bounded = QUANTITIES[quantity].is_bounded
    axes.set_xlim((-0.03, 1.03) if bounded else _room(table))
    for record in records_of(table):
        row = arms.index(record["arm"])
        if record["quantity"] == "truth":
            _hollow(axes, (record["estimate"], row), "D", "truth")
        else:
            _whisker(axes, record, row, _form(quantity), record["arm"])
    if quantity in _CHANCE:
        axes.axvline(_CHANCE[quantity], linestyle=(0, (2, 2)), color=INKS["line"], linewidth=1, zorder=0)
    labelled_rows(axes, rows)
    axes.locator_params(axis="x", nbins=5)
    gridlines(axes)
    titled(axes, QUANTITIES[quantity].title + _level(table[table["quantity"] == quantity]))
    return figure


def _level(table: pd.DataFrame) -> str:
    """Say the level of the intervals, where all have one and the same."""
    levels = set(table["level"]) if "level" in table else set()
    known = finite(levels.pop()) if len(levels) == 1 else None
    return "" if known is None else f", {percent(known)}"


def _differences(figure: Figure, table: pd.DataFrame, others: Sequence[str], quantity: str) -> None:
    axes = panel_below(figure, _ROW * len(others), 20)
    for record in records_of(table):
        _whisker(axes, record, others.index(record["other"]), _form(quantity), f"minus {whole(record['other'])}")
    ends = [*table["low"], *table["high"], *table["estimate"], 0.0]
    known = [float(end) for end in ends if pd.notna(end)]
    room = 0.1 * (max(known) - min(known)) or 0.1
    axes.set_xlim(min(known) - room, max(known) + room)
    labelled_rows(axes, [_minus(other) for other in others])
    axes.locator_params(axis="x", nbins=4)
    gridlines(axes)
    axes.axvline(0, color=INKS["line"], linewidth=1.2, zorder=1)


def _whisker(axes: Axes, record: Mapping[str, Any], row: float, form: Any, name: str = "") -> None:
    """Draw an estimate with its interval; of a lower bound how far it is open."""
    low, high, estimate = record["low"], record["high"], record["estimate"]
    look: dict[str, Any] = {"color": INKS["estimate"], "linewidth": 2.2}
    if pd.notna(low) and pd.notna(high):
        axes.plot([low, high], [row, row], **look)
    if pd.notna(estimate):
        bounds = interval(low, high, is_share=form is percent)
        (dot,) = axes.plot(estimate, row, linestyle="", marker="o", markersize=7, color=INKS["estimate"])
        dot.set_url(f"{whole(name)}{': ' if name else ''}{form(estimate)}{f' ({bounds})' if bounds else ''}")
    elif pd.notna(low):  # a lower bound: from here on, nobody knows how far
        axes.plot([low, low], [row - 0.25, row + 0.25], **look)
        (line,) = axes.plot([low, max(1.0, float(low))], [row, row], **{**look, "linestyle": (0, (1, 2))})
        line.set_url(f"{whole(name)}: at least {form(low)}")


def _hollow(axes: Axes, place: tuple[float, float], marker: str, ink: str) -> None:
    look: dict[str, Any] = {"markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.6}
    axes.plot(*place, linestyle="", marker=marker, markeredgecolor=INKS[ink], **look)


def _form(quantity: str) -> Any:
    return percent if QUANTITIES[quantity].is_share else number


def _room(table: pd.DataFrame) -> tuple[float, float]:
    ends = [float(end) for end in [*table["high"], *table["estimate"], 1.0] if pd.notna(end)]
    return 0.0, 1.08 * max(ends)


def _minus(name: str) -> Row:
    row = named_row(name)
    return Row(f"− {row.words}", f"− {row.full}")


def _rows(names: Sequence[str]) -> list[Row]:
    return [named_row(name) for name in names]
