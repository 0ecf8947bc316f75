"""Rows of held-out subjects: their scores by class and origin, and where the relevance lies."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from biasaudit.report.names import fitted
from biasaudit.report.panels import Key, Plot, plotted
from biasaudit.report.strips import (
    MEDIAN,
    Strip,
    class_inks,
    ends_of,
    named_row,
    ordered_labels,
    origin_rows,
    strip_panel,
    titles,
)
from biasaudit.report.words import number, signed

__all__ = ["relevance_by_region", "scores"]

_APART = 0.2  # rows between the middle of a group and either half of it
_KNOWN_REGIONS = ("pathology", "brain", "centre", "edge", "background", "frame")


def scores(table: pd.DataFrame, positive: str, tested: Mapping[str, Collection[str]] | None = None) -> Plot:
    """Draw held-out logits, a panel per class and a row per origin, of the images as they are and after erasure.

    Parameters
    ----------
    table : DataFrame
        subject, label, origin, variant (original or erased), logit; one arm.
    positive : str
        The pathology class, drawn last.
    tested : mapping of class to origins, optional
        Origins that a check compares: they keep a row of their own, and their names are set in bold.
    """
    labels = ordered_labels(table["label"], positive)
    ends = ends_of(table["logit"])
    erased = bool((table["variant"] == "erased").any())
    words = f"held-out logit (right: {fitted(positive, 100)})"
    panels = []
    for label, ink in class_inks(labels).items():
        members = table[table["label"] == label]
        places = origin_rows(members["origin"], (tested or {}).get(label, ()))
        original = members["variant"] == "original"
        half = _APART * np.where(original, -1.0, 1.0) if erased else np.zeros(len(members))
        after = ["" if own else ", pathology erased" for own in original]
        dots = pd.DataFrame(
            {
                "value": members["logit"].to_numpy(dtype=float),
                "place": places.place(members["origin"]) + half,
                "ink": ink,
                "filled": original.to_numpy(),
                "title": [words + more for words, more in zip(titles(members, "logit", signed), after, strict=True)],
            }
        )
        title = f"{fitted(label, 180)}, n = {members['subject'].nunique()}"
        height = 38 if erased else 24
        panels.append(strip_panel(dots, places.rows(), Strip(title, words, ends, 0.0, height)))
    return plotted(panels, _score_keys(erased, bool(tested)))


def _score_keys(erased: bool, tested: bool) -> list[Key]:
    keys = [Key("dot", "soft", "as it is")]
    keys += [Key("ring", "soft", "pathology erased (in all classes alike)")] if erased else []
    keys.append(MEDIAN)
    return keys + ([Key("letter", "ink", "bold: the origins that U1 compares")] if tested else [])


def relevance_by_region(table: pd.DataFrame, positive: str) -> Plot:
    """Draw where the relevance of the target lies, a few regions per panel on one scale.

    Parameters
    ----------
    table : DataFrame
        label, region, share of the absolute relevance, and subject where it is known; one arm.
    positive : str
        The pathology class.
    """
    labels = ordered_labels(table["label"], positive)
    inks = class_inks(labels)
    found = set(table["region"])
    regions = [name for name in _KNOWN_REGIONS if name in found] + sorted(found - set(_KNOWN_REGIONS))
    shares = table.assign(percent=100 * table["share"].astype(float))
    ends = (0.0, ends_of(shares["percent"])[1])
    step = 0.84 / len(labels)
    at_once = max(2, -(-len(regions) // 3))
    panels = []
    for start in range(0, len(regions), at_once):
        own = regions[start : start + at_once]
        members = shares[shares["region"].isin(own)]
        middle = members["region"].map({name: float(row) for row, name in enumerate(own)}).to_numpy(dtype=float)
        aside = step * (members["label"].map(labels.index).to_numpy(dtype=float) - (len(labels) - 1) / 2)
        dots = pd.DataFrame(
            {
                "value": members["percent"].to_numpy(),
                "place": middle + aside,
                "ink": members["label"].map(inks),
                "filled": True,
                "title": titles(members, "percent", _as_percent),
            }
        )
        frame = Strip("", "share of the absolute relevance, %", ends, row_height=20 * len(labels) + 4)
        panels.append(strip_panel(dots, [named_row(name) for name in own], frame))
    keys = [Key("dot", ink, fitted(label, 240)) for label, ink in inks.items()]
    return plotted(panels, [*keys, MEDIAN])


def _as_percent(value: float) -> str:
    return f"{number(value, 1)} %"
