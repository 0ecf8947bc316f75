"""Figures of voxelwise comparisons of attribution maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from biasaudit.records import FloatArray
from biasaudit.report.marks import PLANES, Frame, draw_overlay, sheet

__all__ = ["differences"]

_PANEL = {False: 1.9, True: 1.25}  # inches; a page, a phone
_TITLE, _GAP = 0.42, 0.1


def differences(table: pd.DataFrame, pictures: Mapping[str, FloatArray], narrow: bool) -> Figure:
    """Draw the statistic of every comparison on the mean image, through its largest value.

    Parameters
    ----------
    table : DataFrame
        key, compared, p_value, significant_voxels, critical; one arm.
    pictures : mapping of str to float (height, width)
        ``{key}__{plane}__anatomy``, ``__statistic`` and ``__significant``.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
        Red where the statistic is positive, blue where it is negative; significant voxels outlined.
    """
    planes = [plane for plane in PLANES if any(f"__{plane}__anatomy" in name for name in pictures)]
    panel = _PANEL[narrow]
    width, height = max(panel * len(planes), 2 * panel), len(table) * (panel + _TITLE + _GAP)
    figure = Figure((width, height))
    canvas = sheet(figure)
    for row, record in enumerate(table.to_dict("records")):
        top = height - row * (panel + _TITLE + _GAP) - _TITLE
        layers = {plane: _layers(pictures, record["key"], plane) for plane in planes}
        peak = max(float(np.nanmax(np.abs(statistic))) for _, statistic, _ in layers.values())
        # Full colour is kept for what is significant, so that noise stays faint.
        limit = max(peak, float(record["critical"])) if np.isfinite(record["critical"]) else peak
        frame = (0, (top - panel) / height), panel * len(planes) / width, panel / height
        figure.add_artist(Rectangle(*frame, color="black", zorder=-1))
        figure.text(0.01, (top + 0.05) / height, _title(record, peak, 38 if narrow else 70), fontsize=7.8, va="bottom")
        for place, plane in enumerate(planes):
            draw_overlay(canvas, Frame(place * panel, top - panel, panel, panel), layers[plane], limit)
    return figure


def _layers(pictures: Mapping[str, FloatArray], key: str, plane: str) -> list[FloatArray]:
    return [pictures[f"{key}__{plane}__{layer}"] for layer in ("anatomy", "statistic", "significant")]


def _title(record: Mapping[Any, Any], peak: float, letters: int) -> str:
    compared = str(record["compared"])
    shown = compared if len(compared) <= letters else compared[: letters - 1] + "…"
    places = int(record["significant_voxels"])
    return f"{shown}\npeak {peak:.1f}, significant above {record['critical']:.1f}: {places} places"
