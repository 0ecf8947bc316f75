"""Attribution maps on anatomy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from biasaudit.records import FloatArray
from biasaudit.report.marks import NARROW, PLANES, WIDE, Frame, colour_bar, draw_overlay, records_of, sheet, shortened
from biasaudit.report.words import signed

__all__ = ["overlays"]

_ROLES = ("typical", "most pathological", "least pathological")


def overlays(table: pd.DataFrame, pictures: Mapping[str, FloatArray], positive: str, narrow: bool) -> Figure:
    """Draw signed relevance on anatomy, the marked pathology outlined.

    Parameters
    ----------
    table : DataFrame
        key, subject, label, origin, logit, role, limit; blue and red: what these say; one arm.
    pictures : mapping of str to float (height, width)
        ``{key}__{plane}__anatomy``, ``__relevance`` and ``__mask``.
    positive : str
        The pathology class.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    planes = [plane for plane in PLANES if any(f"__{plane}__anatomy" in name for name in pictures)]
    placed = _placed(table, positive, _blocks_per_row(len(planes), table["label"].nunique(), narrow))
    rows, columns = int(placed["row"].max()) + 1, int(placed["column"].max()) + 1
    width = NARROW if narrow else min(WIDE, 0.3 + 1.9 * columns * len(planes))
    block = width / columns
    panel = (block - 0.12) / len(planes)
    title = 0.4 if len(planes) > 1 else 0.54
    height = rows * (panel + title) + 0.62
    figure = Figure((width, height))
    canvas = sheet(figure)
    for record in records_of(placed):
        left, top = record["column"] * block + 0.06, height - record["row"] * (panel + title) - title
        figure.text(left / width, (top + 0.05) / height, _overlay_title(record, len(planes)), fontsize=7.8, va="bottom")
        frame = (left / width, (top - panel) / height), panel * len(planes) / width, panel / height
        figure.add_artist(Rectangle(*frame, color="black", zorder=-1))
        for place, plane in enumerate(planes):
            box = Frame(left + place * panel, top - panel, panel, panel)
            layers = [pictures.get(f"{record['key']}__{plane}__{name}") for name in ("anatomy", "relevance", "mask")]
            draw_overlay(canvas, box, layers, record["limit"])
    limit = float(placed["limit"].max())
    ends, says = (f"−{limit:.2g}", f"{limit:.2g}"), (str(placed["blue"].iloc[0]), str(placed["red"].iloc[0]))
    axes = colour_bar(figure, (0.62 * width, 3.2), (0.34, 0.11), (ends, says))
    axes.set_xlabel(f"relevance for {shortened(positive, 24)}", fontsize=7.5, labelpad=1)
    return figure


def _blocks_per_row(planes: int, labels: int, narrow: bool) -> int:
    if planes == 1:
        return 2 if narrow else 4
    return 1 if narrow or labels == 1 else 2


def _placed(table: pd.DataFrame, positive: str, blocks: int) -> pd.DataFrame:
    """Give each subject a row and a column: one column per class where two fit, else in reading order."""
    roles = table["role"].map(lambda role: _ROLES.index(role) if role in _ROLES else len(_ROLES))
    order = table.assign(healthy_first=table["label"] == positive, rank=roles)
    order = order.sort_values(["healthy_first", "label", "rank", "subject", "key"], kind="stable")
    if blocks == 2 and order["label"].nunique() == 2:
        return order.assign(row=order.groupby("label").cumcount(), column=order["healthy_first"].astype(int))
    place = np.arange(len(order))
    return order.assign(row=place // blocks, column=place % blocks)


def _overlay_title(record: Mapping[str, Any], planes: int) -> str:
    first = f"{shortened(record['label'], 18)}, {shortened(record['role'], 20)}"
    letters, gap = (18, " · ") if planes > 1 else (14, "\n")
    second = f"{shortened(record['subject'], letters)} · {shortened(record['origin'], letters)}"
    return f"{first}\n{second}{gap}logit {signed(record['logit'])}"
