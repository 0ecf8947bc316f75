"""Figures of what a network has learned: its units, and where subjects lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from biasaudit.report.inks import DEPTH_INKS, INKS, ORIGIN_INKS
from biasaudit.report.names import fitted, whole
from biasaudit.report.panels import Key, Margins, Plot, gridlines, panel, plotted, titled
from biasaudit.report.strips import class_inks, coloured_dots, ordered_labels

__all__ = ["embedding", "units"]

_MOST_FOLDS = 3
_OTHERS = "others"


def units(table: pd.DataFrame, knows: str = "pathology") -> Plot:
    """Draw how much every hidden unit knows of the origin against how much it knows of the pathology.

    Parameters
    ----------
    table : DataFrame
        layer, unit, origin_share, pathology_share; one arm, layers from shallow to deep.
    knows : str
        What the units know beside the origin.
    """
    known = table.dropna(subset=["origin_share", "pathology_share"])
    layers = [str(name) for name in dict.fromkeys(known["layer"])]
    depth = {name: round(place * 3 / max(1, len(layers) - 1)) for place, name in enumerate(layers)}
    figure, axes = panel(236, Margins(left=40))
    inks = [DEPTH_INKS[depth[str(name)]] for name in known["layer"]]
    words = [
        f"{whole(layer)}, unit {unit:.0f}: origin {origin:.2f}, {knows} {pathology:.2f}"
        for layer, unit, origin, pathology in zip(
            known["layer"], known["unit"], known["origin_share"], known["pathology_share"], strict=True
        )
    ]
    coloured_dots(axes, (known["pathology_share"], known["origin_share"]), inks, words)
    low = min(-0.06, float(known[["origin_share", "pathology_share"]].min().min()) - 0.04)
    axes.set(xlim=(low, 1.02), ylim=(low, 1.02), xlabel=f"knows the {knows}", ylabel="")
    gridlines(axes, level=True)
    axes.plot([0, 1], [0, 1], color=INKS["line"], linewidth=1.0, linestyle=(0, (3, 3)), zorder=0)
    titled(axes, "knows the origin")
    return plotted([figure], _depth_keys(layers, depth))


def _depth_keys(layers: Sequence[str], depth: Mapping[str, int]) -> list[Key]:
    """Name every layer, or of many the first and the last of each colour."""
    keys = []
    for place, ink in enumerate(DEPTH_INKS):
        own = [fitted(name, 120) for name in layers if depth[name] == place]
        if own:
            keys.append(Key("dot", ink, own[0] if len(own) == 1 else f"{own[0]} to {own[-1]}"))
    return keys


def embedding(table: pd.DataFrame, positive: str) -> Plot:
    """Draw where held-out subjects lie, coloured by class and again by origin, fold by fold.

    Parameters
    ----------
    table : DataFrame
        fold, label, origin, component_1, component_2, share_1, share_2, and subject where it is known; one arm.
    positive : str
        The pathology class, named last.
    """
    folds = sorted(table["fold"].unique())[:_MOST_FOLDS]
    table = table[table["fold"].isin(folds)]
    labels = ordered_labels(table["label"], positive)
    origins = _colours_of_origins(table["origin"])
    by_class = class_inks(labels)
    panels = [
        _places(table[table["fold"] == fold], fold, column, inks)
        for column, inks in (("label", by_class), ("origin", origins))
        for fold in folds
    ]
    keys = [Key("dot", ink, fitted(name, 240)) for name, ink in by_class.items()]
    keys += [Key("square", ink, fitted(name, 150)) for name, ink in origins.items()]
    rest = table["origin"].nunique() - len(origins)
    return plotted(panels, keys + ([Key("square", _OTHERS, f"{rest} other origins")] if rest else []))


def _places(members: pd.DataFrame, fold: float, column: str, inks: Mapping[str, str]) -> Figure:
    figure, axes = panel(170, Margins(left=12, bottom=20))
    members = members.iloc[np.argsort([str(name) in inks for name in members[column]], kind="stable")]
    own = [inks.get(str(name), _OTHERS) for name in members[column]]
    subjects = members["subject"] if "subject" in members else pd.Series("", index=members.index)
    words = [
        ", ".join(whole(part) for part in parts if str(part))
        for parts in zip(subjects, members["label"], members["origin"], strict=True)
    ]
    marker = "o" if column == "label" else "s"
    coloured_dots(axes, (members["component_1"], members["component_2"]), own, words, marker)
    axes.set(xticks=[], yticks=[], ylabel="")
    axes.margins(0.06)
    first, second = members["share_1"].iloc[0], members["share_2"].iloc[0]
    axes.set_xlabel(f"component 1 ({first:.0%}); upwards 2 ({second:.0%})")
    titled(axes, f"fold {fold:.0f}, by {'class' if column == 'label' else 'origin'}")
    return figure


def _colours_of_origins(origin: pd.Series[str]) -> dict[str, str]:
    """Colour the largest origins, as many as can be told apart."""
    counts = {str(name): int(size) for name, size in origin.value_counts().items()}
    order = sorted(counts, key=lambda name: (-counts[name], name))
    kept = order[: len(ORIGIN_INKS)]
    return dict(zip(sorted(kept), ORIGIN_INKS, strict=False))
