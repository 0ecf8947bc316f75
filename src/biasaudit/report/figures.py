"""Tables -> figures; every figure of the report is made here, and nowhere else.

Each function takes a DataFrame and `narrow` (a phone's column instead of a page's) and returns a matplotlib Figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from biasaudit.report.marks import (
    CLASS_COLOURS,
    NARROW,
    WIDE,
    median_handle,
    ordered_origins,
    pool_small_origins,
    records_of,
    shortened,
    strip,
)
from biasaudit.report.words import QUANTITIES

__all__ = [
    "forest",
    "relevance_by_region",
    "scores",
    "training_curves",
    "truth_against_estimate",
]

_ARM_COLOURS = ("#1f3a5f", "#d1761c", "#5b8c5a", "#a3476b")
_GUIDE: dict[str, Any] = {"color": "#b8c0c8", "linewidth": 0.9, "zorder": 0}
_BOUNDED = ("auc", "reliance", "origin_auc")


def forest(estimates: pd.DataFrame, comparisons: pd.DataFrame, narrow: bool) -> Figure:
    """Draw estimates of every arm beside their paired differences.

    Parameters
    ----------
    estimates : DataFrame
        arm, quantity, estimate, low, high.
    comparisons : DataFrame
        first, second, quantity, difference, low, high.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    present = [name for name in QUANTITIES if name in set(estimates["quantity"]) and name != "truth"]
    blocks = [[name for name in present if name in _BOUNDED], [name for name in present if name not in _BOUNDED]]
    blocks = [block for block in blocks if block]
    panels = [(block, which) for block in blocks for which in ("estimate", "difference")]
    heights = [0.5 + 0.55 * len(block) for block, _ in panels]
    columns = 1 if narrow else 2
    height = sum(heights) if narrow else sum(heights[::2])
    figure = Figure((NARROW if narrow else WIDE, height + 0.7), layout="constrained")
    grid = figure.subplots(
        len(panels) // columns, columns, squeeze=False, gridspec_kw={"height_ratios": heights[::columns]}
    )
    for axes, (block, which) in zip(grid.flat, panels, strict=True):
        if which == "estimate":
            _draw_estimates(axes, estimates, block)
        else:
            _draw_differences(axes, comparisons, block)
    _arm_legend(figure, list(dict.fromkeys(estimates["arm"])), "reliance" in present and _has_truth(estimates))
    return figure


def scores(table: pd.DataFrame, positive: str, narrow: bool) -> Figure:
    """Draw held-out logits by class and origin, of the images as they are and after erasure.

    Parameters
    ----------
    table : DataFrame
        label, origin, variant (original or erased), logit; one arm.
    positive : str
        The pathology class, drawn last.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    labels = sorted(table["label"].unique(), key=lambda label: (label == positive, label))
    table = pool_small_origins(table)
    groups = [(label, origin) for label in labels for origin in ordered_origins(table[table["label"] == label])]
    erased = "erased" in set(table["variant"])
    figure = Figure((NARROW if narrow else WIDE, 0.95 + (0.72 if erased else 0.5) * len(groups)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, **_GUIDE)
    for row, (label, origin) in enumerate(groups):
        members = table[(table["label"] == label) & (table["origin"] == origin)]
        _draw_score_group(axes, members, row, CLASS_COLOURS[labels.index(label) % len(CLASS_COLOURS)])
    width = 15 if narrow else 26
    axes.set_yticks(
        range(len(groups)), [f"{shortened(label, width)}\n{shortened(origin, width)}" for label, origin in groups]
    )
    axes.set_ylim(len(groups) - 0.45, -0.55)
    axes.set_xlabel(f"held-out logit (right: towards {shortened(positive, 20)})")
    figure.legend(handles=_score_legend(erased), loc="outside upper left", ncols=1 if narrow else 3)
    return figure


def relevance_by_region(table: pd.DataFrame, positive: str, narrow: bool) -> Figure:
    """Draw where the relevance of the target lies.

    Parameters
    ----------
    table : DataFrame
        label, region, share of the absolute relevance; one arm.
    positive : str
        The pathology class.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    labels = sorted(table["label"].unique(), key=lambda label: (label == positive, label))
    known = ["pathology", "brain", "centre", "edge", "background", "frame"]
    regions = [name for name in known if name in set(table["region"])]
    regions += sorted(set(table["region"]) - set(known))
    figure = Figure((NARROW if narrow else WIDE, 0.9 + 0.62 * len(regions)), layout="constrained")
    axes = figure.subplots()
    for row, region in enumerate(regions):
        members = table[table["region"] == region]
        shown = [label for label in labels if (members["label"] == label).any()]
        for place, label in enumerate(shown):
            shares = 100 * members.loc[members["label"] == label, "share"].to_numpy(dtype=float)
            colour = CLASS_COLOURS[labels.index(label) % len(CLASS_COLOURS)]
            strip(axes, shares, row + 1.6 * _offset(place, len(shown)), colour, filled=True)
    axes.set_yticks(range(len(regions)), regions)
    axes.set_ylim(len(regions) - 0.45, -0.55)
    axes.set(xlabel="share of the absolute relevance, per cent", xlim=(0, None))
    axes.grid(axis="x", color="#e3e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    handles = [
        Line2D([], [], linestyle="", marker="o", color=colour, label=shortened(label, 24))
        for label, colour in zip(labels, CLASS_COLOURS, strict=False)
    ]
    handles.append(median_handle())
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def training_curves(table: pd.DataFrame, narrow: bool) -> Figure:
    """Draw the losses of every network of one arm, a panel per question and a line per fold.

    Parameters
    ----------
    table : DataFrame
        question, class, input, fold, epoch, training_loss, validation_loss; one arm.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    named = table.assign(network=_network_names(table))
    networks = list(dict.fromkeys(named["network"]))
    columns = min(len(networks), 2 if narrow else 4)
    rows = -(-len(networks) // columns)
    figure = Figure((NARROW if narrow else WIDE, 0.45 + 1.45 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for axes, network in zip(grid.flat, networks, strict=False):
        for _, fold in named[named["network"] == network].groupby("fold", sort=True):
            axes.plot(fold["epoch"], fold["training_loss"], color="#a9b4c0", linewidth=0.9)
            axes.plot(fold["epoch"], fold["validation_loss"], color="#1f3a5f", linewidth=0.9, alpha=0.8)
        axes.set_title(shortened(network, 22 if narrow else 27), fontsize=8, fontweight="normal")
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=7.5)
        axes.locator_params(nbins=4)
    for axes in list(grid.flat)[len(networks) :]:
        axes.set_visible(False)
    figure.supxlabel("epoch", fontsize=8.5)
    handles = [Line2D([], [], color="#a9b4c0", label="training"), Line2D([], [], color="#1f3a5f", label="validation")]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def truth_against_estimate(table: pd.DataFrame, narrow: bool) -> Figure:
    """Draw what was planted beside what the audit estimated.

    Parameters
    ----------
    table : DataFrame
        arm, factor, estimate, low, high, omega, r; shares of one.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    figure = Figure((NARROW if narrow else WIDE, 1.15 + 0.42 * len(table)), layout="constrained")
    axes = figure.subplots()
    for row, record in enumerate(records_of(table)):
        _whisker(axes, record, row, "#1f3a5f")
        axes.plot(record["omega"], row, marker="D", markersize=8, color="none", markeredgecolor="#b3261e", mew=1.6)
        axes.plot(record["r"], row, marker="s", markersize=7, color="none", markeredgecolor="#b3761e", mew=1.4)
    several = table["factor"].nunique() > 1
    names = [f"{arm} · {factor}" if several else arm for arm, factor in zip(table["arm"], table["factor"], strict=True)]
    axes.set_yticks(range(len(table)), [shortened(name, 16 if narrow else 40) for name in names])
    axes.set(xlim=(-0.03, 1.03), ylim=(len(table) - 0.5, -0.5), xlabel="share of the response owed to the origin")
    axes.grid(axis="x", color="#e3e7eb", linewidth=0.8)
    handles = [
        Line2D([], [], color="#1f3a5f", marker="o", label="estimate with interval"),
        _marker("D", "#b3261e", "planted: share of the class gap"),
        _marker("s", "#b3761e", "planted: sensitivity to the site"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=1 if narrow else 3)
    return figure


def _draw_estimates(axes: Axes, estimates: pd.DataFrame, block: Sequence[str]) -> None:
    arms = list(dict.fromkeys(estimates["arm"]))
    bounded = block[0] in _BOUNDED
    for record in records_of(estimates[estimates["quantity"].isin(block)]):
        place = arms.index(record["arm"])
        _whisker(axes, record, block.index(record["quantity"]) + _offset(place, len(arms)), _arm_colour(place))
    if "reliance" in block:
        for record in records_of(estimates[estimates["quantity"] == "truth"]):
            row = block.index("reliance") + _offset(arms.index(record["arm"]), len(arms))
            axes.plot(
                record["estimate"], row, marker="D", markersize=8, color="none", markeredgecolor="#b3261e", mew=1.4
            )
    axes.axvline(0.5 if bounded else 1.0, linestyle=(0, (2, 2)), **_GUIDE)
    if bounded:
        axes.set_xlim(-0.03, 1.03)
    else:
        axes.set_xlim(left=0)
    _label_rows(axes, block, "Estimates")


def _draw_differences(axes: Axes, comparisons: pd.DataFrame, block: Sequence[str]) -> None:
    pairs = list(dict.fromkeys(zip(comparisons["first"], comparisons["second"], strict=True)))
    axes.axvline(0, **_GUIDE)
    for record in records_of(comparisons[comparisons["quantity"].isin(block)]):
        place = pairs.index((record["first"], record["second"]))
        row = block.index(record["quantity"]) + _offset(place, len(pairs))
        _whisker(axes, {**record, "estimate": record["difference"]}, row, "#3e4c59")
    title = (
        f"{shortened(pairs[0][0], 14)} minus {shortened(pairs[0][1], 14)}" if len(pairs) == 1 else "Paired differences"
    )
    axes.margins(x=0.12)
    _label_rows(axes, block, title)


def _label_rows(axes: Axes, block: Sequence[str], title: str) -> None:
    names = {"auc": "AUC, target", "reliance": "Reliance", "origin_auc": "AUC, origin", "lesion_gain": "Lesion gain"}
    axes.set_yticks(range(len(block)), [names.get(name, name) for name in block])
    axes.set_ylim(len(block) - 0.45, -0.55)
    axes.set_title(title if "lesion_gain" not in block else "")
    axes.locator_params(axis="x", nbins=5)


def _whisker(axes: Axes, record: Mapping[str, Any], row: float, colour: str) -> None:
    if pd.notna(record["low"]) and pd.notna(record["high"]):
        axes.plot([record["low"], record["high"]], [row, row], color=colour, linewidth=2, solid_capstyle="round")
    if pd.notna(record["estimate"]):
        axes.plot(record["estimate"], row, marker="o", markersize=6, color=colour)
    elif pd.notna(record["low"]):  # a lower bound: from here on, nobody knows how far
        axes.plot(record["low"], row, marker="$\\geqslant$", markersize=9, color=colour)


def _offset(place: int, places: int) -> float:
    return 0.24 * (place - (places - 1) / 2)


def _arm_colour(place: int) -> str:
    return _ARM_COLOURS[place % len(_ARM_COLOURS)]


def _has_truth(estimates: pd.DataFrame) -> bool:
    return bool((estimates["quantity"] == "truth").any())


def _arm_legend(figure: Figure, arms: Sequence[str], truth: bool) -> None:
    handles = [
        Line2D([], [], color=_arm_colour(place), marker="o", label=shortened(arm, 20)) for place, arm in enumerate(arms)
    ]
    handles += [_marker("D", "#b3261e", "planted truth")] if truth else []
    figure.legend(handles=handles, loc="outside upper left", ncols=min(3, len(handles)))


def _marker(shape: str, colour: str, label: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=shape, color="none", markeredgecolor=colour, mew=1.4, label=label)


def _draw_score_group(axes: Axes, members: pd.DataFrame, row: int, colour: str) -> None:
    variants = [name for name in ("original", "erased") if (members["variant"] == name).any()]
    for place, variant in enumerate(variants):
        values = members.loc[members["variant"] == variant, "logit"].to_numpy(dtype=float)
        strip(axes, values, row + 1.6 * _offset(place, len(variants)), colour, filled=variant == "original")


def _score_legend(erased: bool) -> list[Line2D]:
    handles = [Line2D([], [], linestyle="", marker="o", color="#3e4c59", label="as it is")]
    if erased:
        handles.append(_marker("o", "#3e4c59", "pathology erased (in all classes alike)"))
    return [*handles, median_handle()]


def _network_names(table: pd.DataFrame) -> list[str]:
    names = []
    for question, label, reduced in zip(table["question"], table["class"], table["input"], strict=True):
        within = f", {label}" if question == "origin" and label else ""
        names.append(f"{question}{within}" if reduced in ("original", "") else f"{question}, {reduced} only")
    return names
