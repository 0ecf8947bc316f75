"""Figures of what a network has learned: its units, where subjects lie, and what drives its units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from biasaudit.records import FloatArray
from biasaudit.report.marks import CLASS_COLOURS, NARROW, WIDE, Frame, colour_bar, records_of, sheet, shortened, tint

__all__ = ["embedding", "gallery", "units"]

_ORIGIN_COLOURS = ("#1f3a5f", "#d1761c", "#5b8c5a", "#a3476b", "#6d7f94", "#b59a2b", "#3f9aa6", "#7d5a3c")
_DEPTH_COLOURS = ("#9ecae1", "#5fa2ce", "#2f6fa8", "#14385f")
_MOST_FOLDS = {False: 3, True: 2}
_MOST_ORIGINS = 7
_FURTHEST = 3.0  # standard deviations of the healthy, the ends of the colours of a change
_CHANGE = (("−3 SD", "+3 SD"), ("darker", "brighter"))
_COLUMNS = {"preferred": "preferred", "change": "change", "most1": "most", "most2": "", "least1": "least", "least2": ""}


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


def gallery(table: pd.DataFrame, pictures: Mapping[str, FloatArray], narrow: bool, knows: str = "pathology") -> Figure:
    """Draw the preferred image of every class and unit, and the subjects that drive it most and least.

    Parameters
    ----------
    table : DataFrame
        key, layer, unit, label, origin_share, pathology_share; one arm.
    pictures : mapping of str to float (height, width)
        ``{key}__mean``, ``__preferred``, ``__change`` (standard deviations), ``__most1`` ... ``__least2``.
    narrow : bool
        For a phone.
    knows : str
        What the units know beside the origin.

    Returns
    -------
    Figure
    """
    columns = [name for name in _COLUMNS if not (narrow and name.endswith("2"))]
    rows = records_of(table)
    width, margin = (NARROW, 0.05) if narrow else (WIDE, 1.75)
    panel, title = (width - margin) / len(columns), 0.42 if narrow else 0.06
    height = len(rows) * (panel + title) + 0.95
    figure = Figure((width, height))
    canvas = sheet(figure)
    for place, name in enumerate(columns):
        left = (margin + place * panel) / width
        figure.text(left, 1 - 0.2 / height, _COLUMNS[name], fontsize=8.5, fontweight="bold", va="center")
    for row, record in enumerate(rows):
        top = height - 0.34 - row * (panel + title)
        where = (margin / width, (top - title + 0.05) / height) if narrow else (0.005, (top - 0.5 * panel) / height)
        words = _aim_words(record, narrow, knows)
        figure.text(*where, words, fontsize=7.8, va="bottom" if narrow else "center", linespacing=1.35)
        bottom = top - panel - (title if narrow else 0)
        for place, name in enumerate(columns):
            box = Frame(margin + place * panel, bottom, 0.97 * panel, 0.97 * panel)
            _draw_panel(canvas, box, pictures, (record["key"], name))
    colour_bar(figure, (0.5 * figure.get_size_inches()[0], 2.4), (0.26, 0.1), _CHANGE)
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


def _aim_words(record: Mapping[str, Any], narrow: bool, knows: str) -> str:
    if not record["layer"]:
        return f"class {shortened(record['label'], 18)}" + ("" if narrow else "\n(the network's answer)")
    shares = [
        f"{name} {record[column]:.2f}"
        for name, column in (("origin", "origin_share"), (knows, "pathology_share"))
        if pd.notna(record[column])
    ]
    first = f"{shortened(record['layer'], 20)}, unit {record['unit']:.0f}"
    return first + "\n" + (" · " if narrow else "\n").join(shares)


def _draw_panel(axes: Axes, frame: Frame, pictures: Mapping[str, FloatArray], what: tuple[str, str]) -> None:
    key, name = what
    mean, shown = pictures.get(f"{key}__mean"), pictures.get(f"{key}__{name}")
    if mean is None or shown is None:
        return
    low, high = np.nanpercentile(mean, [1, 99.5])
    reach = 0.25 * max(high - low, 1e-6)  # lesions and preferred images are brighter than the healthy mean
    extent = frame.around(shown.shape, centred=False)
    place: dict[str, Any] = {"origin": "lower", "interpolation": "bilinear", "aspect": "auto", "extent": extent}
    if name == "change":
        axes.imshow(
            mean.mean(axis=-1) if mean.ndim == 3 else mean, cmap="gray", vmin=low, vmax=high + 3 * reach, **place
        )
        axes.imshow(tint(shown, _FURTHEST), **place)
    else:
        # One scale for all channels, so that colours keep their hue; `vmin` and `vmax` say nothing of colours.
        scaled = np.clip((shown - low + reach) / (high - low + 2 * reach), 0, 1)
        axes.imshow(scaled, cmap="gray", vmin=0, vmax=1, **place)
