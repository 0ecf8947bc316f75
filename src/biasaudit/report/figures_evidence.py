"""What the checks of use rest on: the gap that erasing leaves, what tests compared with, and every site."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from biasaudit.records import FloatArray
from biasaudit.report.inks import INKS
from biasaudit.report.names import fitted, whole
from biasaudit.report.panels import Key, Margins, Plot, captioned, gridlines, panel, plotted, titled
from biasaudit.report.strips import Row, labelled_rows, left_of, named_row
from biasaudit.report.words import equation, interval, number, percent
from biasaudit.stats.site_shift import SiteShifts

__all__ = ["Erased", "Null", "caterpillar", "nulls", "waterfall"]

_BAR = 0.56  # of the height of a row
_POINTS, _GRID = 400, 80  # of a smoothed distribution: values it is made from, and places it is drawn at
_SITES_AT_ONCE, _SITE_ROW = 20, 15
_THRESHOLD: dict[str, Any] = {"color": INKS["line"], "linewidth": 1.0, "linestyle": (0, (3, 2))}


@dataclass(frozen=True)
class Erased:
    """What erasing left of the gap between the classes in one arm.

    Attributes
    ----------
    name : str
        Arm, and contrast if there are several.
    gap : float
        Between the class means of the images as they are, logits.
    share, low, high : float
        Of the gap, what is left, and its interval.
    level : float or None
        Coverage of the interval; None where it was not recorded.
    """

    name: str
    gap: float
    share: float
    low: float
    high: float
    level: float | None = None


@dataclass(frozen=True)
class Null:
    """What a test compared its statistic with.

    Attributes
    ----------
    title : str
        Check and class.
    statistic : str
        What was measured.
    quantiles : tuple of float
        In even steps, from the smallest value to the largest.
    observed : float
    p_value : float or None
    threshold : float or None
        What resamples are held against; None where the distribution is that of chance.
    """

    title: str
    statistic: str
    quantiles: tuple[float, ...]
    observed: float
    p_value: float | None
    threshold: float | None = None


def waterfall(erased: Sequence[Erased], thresholds: Mapping[str, float]) -> Plot:
    """Draw the gap between the classes before erasing, what erasing closes and what it leaves, a panel per arm.

    Parameters
    ----------
    erased : sequence of Erased
    thresholds : mapping of str to float
        Shares of the gap at which the verdict turns, by name.
    """
    levels = {each.level for each in erased}
    level = levels.pop() if len(levels) == 1 else None
    said = "interval" if level is None else f"{percent(level)} interval"
    keys = [
        Key("square", "null", "gap between the classes"),
        Key("square", "closed", "goes away with the marked pathology"),
    ]
    keys += [Key("square", "left", "stays"), Key("line", "middle", said)]
    shares = ", ".join(percent(share) for share in thresholds.values())
    keys += [Key("dash", "line", f"thresholds of the verdict: {shares}")] if thresholds else []
    return plotted([_fall(each, list(thresholds.values())) for each in erased], keys)


def _fall(erased: Erased, thresholds: Sequence[float]) -> Figure:
    rows = [Row("as it is"), Row("erased")]
    figure, axes = panel(64, Margins(left=58, top=40))
    left, low, high = (erased.gap * share for share in (erased.share, erased.low, erased.high))
    bars = (
        (0, 0.0, erased.gap, "null", f"gap between the classes: {number(erased.gap)} logits"),
        (1, left, erased.gap, "closed", f"closed: {number(erased.gap - left)} logits"),
        (1, 0.0, left, "left", f"stays: {number(left)} logits, {percent(erased.share)}"),
    )
    for row, start, end, ink, words in bars:
        (bar,) = axes.barh(row, end - start, left=start, height=_BAR, color=INKS[ink], linewidth=0)
        bar.set_url(words)
    # A pale edge, so that the whisker can be seen on the bar.
    axes.plot([low, high], [1, 1], color=INKS["paper"], linewidth=4.6)
    axes.plot([low, high], [1, 1], color=INKS["middle"], linewidth=2.2)
    ends = [0.0, erased.gap, left, low, high]
    room = 0.04 * (max(ends) - min(ends))
    axes.set_xlim(min(ends) - (room if min(ends) < 0 else 0), max(ends) + room)
    for share in thresholds:
        axes.axvline(share * erased.gap, **_THRESHOLD)
        axes.text(share * erased.gap, -0.62, percent(share), ha="center", va="bottom", color=INKS["soft"])
    captioned(axes, "gap between the class means, logits")
    labelled_rows(axes, rows)
    axes.locator_params(axis="x", nbins=5)
    gridlines(axes)
    bounds = interval(erased.low, erased.high, is_share=True)
    left_words = f": {percent(erased.share)} left ({bounds})"
    titled(axes, fitted(erased.name, 110) + left_words, whole(erased.name) + left_words, pad=20)
    return figure


def nulls(tests: Sequence[Null]) -> Plot:
    """Draw the distribution that each test compared with, and where the observed statistic lies.

    Parameters
    ----------
    tests : sequence of Null
        Those without quantiles are left out.
    """
    shown = [test for test in tests if test.quantiles]
    keys = [Key("square", "null", "what chance gives (permutations)"), Key("bar", "truth", "observed")]
    if any(test.threshold is not None for test in shown):
        keys += [Key("square", "estimate", "erasure: resampled subjects"), Key("dash", "line", "share that is allowed")]
    return plotted([_null(test) for test in shown], keys)


def _null(test: Null) -> Figure:
    figure, axes = panel(62, Margins(left=10))
    values = np.asarray(test.quantiles)
    _density(axes, values, INKS["null" if test.threshold is None else "estimate"])
    ends = [*values[[0, -1]], test.observed] + ([] if test.threshold is None else [test.threshold])
    room = 0.04 * (max(ends) - min(ends)) or 0.5
    axes.set(xlim=(min(ends) - room, max(ends) + room), yticks=[], ylabel="", xlabel=test.statistic)
    axes.set_ylim(bottom=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    gridlines(axes)
    if test.threshold is not None:
        axes.axvline(test.threshold, **_THRESHOLD)
    line = axes.axvline(test.observed, color=INKS["truth"], linewidth=2.4)
    line.set_url(f"observed: {number(test.observed)}")
    known = "" if test.p_value is None else f", {equation(test.p_value)}"
    titled(axes, fitted(test.title, 210) + known, whole(test.title) + known)
    return figure


def _density(axes: Axes, quantiles: FloatArray, ink: str) -> None:
    """Draw a smooth density of what the quantiles are of; a line where all are alike."""
    if np.ptp(quantiles) <= 0:
        axes.axvline(quantiles[0], color=ink, linewidth=2.4)
        return
    steps = np.linspace(0, 1, quantiles.size)
    values = np.interp((np.arange(_POINTS) + 0.5) / _POINTS, steps, quantiles)
    # scipy's estimate, which seaborn draws too, but at 40 ms a panel more.
    places = np.linspace(values[0], values[-1], _GRID)
    density = gaussian_kde(values)(places)
    axes.fill_between(places, density, color=ink, alpha=0.35, linewidth=0)
    axes.plot(places, density, color=ink, linewidth=1.2)


def caterpillar(shifts: SiteShifts, marked: Collection[str], level: float) -> Plot:
    """Draw the shift of every site with its interval, sorted, some sites per panel on one scale.

    Parameters
    ----------
    shifts : SiteShifts
        In standard deviations inside the classes.
    marked : collection of str
        Sites that a check compares, set in bold.
    level : float
        Coverage of the intervals.
    """
    known = [*shifts.low, *shifts.high, *shifts.estimate, 0.0]
    finite = [float(each) for each in known if np.isfinite(each)]
    room = 0.05 * (max(finite) - min(finite)) or 0.5
    ends = (min(finite) - room, max(finite) + room)
    amount = -(-len(shifts.sites) // _SITES_AT_ONCE)
    starts = [len(shifts.sites) * place // amount for place in range(amount + 1)]
    panels = [_sites(shifts, range(start, stop), ends, marked) for start, stop in pairwise(starts)]
    keys = [Key("dot", "estimate", f"site against the others of its class, {percent(level)} interval of each")]
    keys += [Key("dot", "truth", "interval without 0")]
    return plotted(panels, keys + ([Key("letter", "ink", "bold: the origins that U1 compares")] if marked else []))


def _sites(shifts: SiteShifts, places: range, ends: tuple[float, float], marked: Collection[str]) -> Figure:
    names = [shifts.sites[place] for place in places]
    rows = [named_row(name, name in marked) for name in names]
    figure, axes = panel(_SITE_ROW * len(rows), Margins(left=left_of(rows), top=8))
    for row, place in enumerate(places):
        low, high, shift = shifts.low[place], shifts.high[place], shifts.estimate[place]
        ink = INKS["truth" if low > 0 or high < 0 else "estimate"]
        if np.isfinite(low):
            axes.plot([low, high], [row, row], color=ink, linewidth=1.6)
        (dot,) = axes.plot(shift, row, linestyle="", marker="o", markersize=5.5, color=ink)
        bounds = interval(low, high)
        words = f"{whole(names[row])}, n = {shifts.n[place]:.0f}: {number(shift)}"
        dot.set_url(f"{words} ({bounds})" if bounds else words)
    axes.set_xlim(ends)
    captioned(axes, "shift of the score, SD inside the class")
    labelled_rows(axes, rows)
    axes.locator_params(axis="x", nbins=5)
    gridlines(axes)
    axes.axvline(0, color=INKS["line"], linewidth=1.2, zorder=1)
    return figure
