"""Figures of what a network has learned: its units, and where subjects lie."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from biasaudit.report.marks import CLASS_COLOURS, NARROW, WIDE, shortened

__all__ = ["embedding", "units"]

_ORIGIN_COLOURS = ("#1f3a5f", "#d1761c", "#5b8c5a", "#a3476b", "#6d7f94", "#b59a2b", "#3f9aa6", "#7d5a3c")
_DEPTH_COLOURS = ("#9ecae1", "#5fa2ce", "#2f6fa8", "#14385f")
_MOST_FOLDS = {False: 3, True: 2}
_MOST_ORIGINS = 7


def units(table: pd.DataFrame, narrow: bool, knows: str = "pathology") -> Figure:
    """Draw how much every hidden unit knows of the origin against how much it knows of the pathology.

    Parameters
    ----------
    table : DataFrame
        layer, unit, origin_share, pathology_share; one arm, layers from shallow to deep.
    narrow : bool
        For a phone.
    knows : str
        What the units know beside the origin.

    Returns
    -------
    Figure
    """
    known = table.dropna(subset=["origin_share", "pathology_share"])
    figure = Figure((NARROW if narrow else 0.62 * WIDE, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#b8c0c8", linewidth=0.9, linestyle=(0, (2, 2)), zorder=0)
    layers = list(dict.fromkeys(known["layer"]))
    for place, layer in enumerate(layers):
        own = known[known["layer"] == layer]
        colour = _DEPTH_COLOURS[round(place * 3 / max(1, len(layers) - 1))]
        axes.plot(own["pathology_share"], own["origin_share"], linestyle="", marker="o", markersize=5.5, color=colour,
                  markeredgecolor="white", markeredgewidth=0.5, label=shortened(layer, 22))  # fmt: skip
    low = min(-0.06, float(known[["origin_share", "pathology_share"]].min().min()) - 0.04)
    axes.set(xlim=(low, 1.02), ylim=(low, 1.02), xlabel=f"knows the {knows}", ylabel="knows the origin")
    axes.grid(color="#e3e7eb", linewidth=0.8)
    figure.legend(loc="outside upper left", ncols=1 if narrow else 2)
    return figure


def embedding(table: pd.DataFrame, positive: str, narrow: bool) -> Figure:
    """Draw where held-out subjects lie, coloured by class and again by origin, fold by fold.

    Parameters
    ----------
    table : DataFrame
        fold, label, origin, component_1, component_2, share_1, share_2; one arm.
    positive : str
        The pathology class, named last.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    folds = sorted(table["fold"].unique())[: _MOST_FOLDS[narrow]]
    table = table[table["fold"].isin(folds)].assign(origin=_pooled(table["origin"]))
    figure = Figure((NARROW if narrow else WIDE, 2 * (1.95 if narrow else 2.75) + 0.9), layout="constrained")
    grid = figure.subplots(2, len(folds), squeeze=False)
    labels = sorted(table["label"].unique(), key=lambda label: (label == positive, label))
    origins = sorted(table["origin"].unique(), key=lambda origin: (origin == "others", origin))
    for row, (column, names, colours) in enumerate(
        (("label", labels, CLASS_COLOURS), ("origin", origins, _ORIGIN_COLOURS))
    ):
        for axes, fold in zip(grid[row], folds, strict=True):
            _draw_places(axes, table[table["fold"] == fold], (column, names, colours))
            axes.set_title(f"fold {fold:.0f}, by {'class' if column == 'label' else 'origin'}", fontsize=8.5)
    handles = [_dot(CLASS_COLOURS, place, name) for place, name in enumerate(labels)]
    handles += [_dot(_ORIGIN_COLOURS, place, name, "s") for place, name in enumerate(origins)]
    figure.legend(handles=handles, loc="outside upper left", ncols=3 if narrow else 6)
    return figure


def _draw_places(axes: Axes, members: pd.DataFrame, by: tuple[str, Sequence[str], Sequence[str]]) -> None:
    column, names, colours = by
    for place, name in enumerate(names):
        own = members[members[column] == name]
        axes.plot(own["component_1"], own["component_2"], linestyle="", marker="o" if column == "label" else "s",
                  markersize=4.2, color=colours[place % len(colours)], markeredgecolor="white",
                  markeredgewidth=0.4)  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.margins(0.08)
    axes.set_xlabel(f"{members['share_1'].iloc[0]:.0%} of the variance", fontsize=7.5)
    axes.set_ylabel(f"{members['share_2'].iloc[0]:.0%}", fontsize=7.5)


def _pooled(origin: pd.Series[str]) -> pd.Series[str]:
    """Keep the largest origins and pool the others, so that their colours can be told apart."""
    counts = origin.value_counts()
    if len(counts) <= len(_ORIGIN_COLOURS):
        return origin
    kept = sorted(counts.index, key=lambda name: (-int(counts[name]), str(name)))[:_MOST_ORIGINS]
    return origin.where(origin.isin(kept), "others")


def _dot(colours: Sequence[str], place: int, name: str, marker: str = "o") -> Line2D:
    colour = colours[place % len(colours)]
    return Line2D([], [], linestyle="", marker=marker, markersize=5, color=colour, label=shortened(name, 14))
