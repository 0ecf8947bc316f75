"""What the figures of the report share: sizes, colours and marks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from biasaudit.records import FloatArray

__all__ = [
    "CLASS_COLOURS",
    "NARROW",
    "WIDE",
    "median_handle",
    "ordered_origins",
    "pool_small_origins",
    "records_of",
    "shortened",
    "strip",
]

WIDE, NARROW = 9.4, 3.9  # inches; a page's text column, a phone's
CLASS_COLOURS = ("#14808a", "#7a3fa6", "#8a6d14", "#3f5fa6")
_MANY_POINTS = 600
_MOST_ORIGINS = 10


def strip(axes: Axes, values: FloatArray, centre: float, colour: str, *, filled: bool) -> None:
    """Draw one dot per value around `centre`, and the median."""
    known = np.sort(values[np.isfinite(values)])
    if not known.size:
        return
    # Steps of the golden ratio over the sorted values spread the dots evenly, and the same way each time.
    spread = centre + 0.24 * (np.mod(np.arange(known.size) * 0.6180339887, 1) - 0.5)
    looks: dict[str, Any] = {"markersize": 3.6, "markerfacecolor": colour, "markeredgewidth": 0.0, "alpha": 0.6}
    if not filled:
        looks = {"markersize": 3.2, "markerfacecolor": "white", "markeredgewidth": 0.8, "alpha": 0.85}
    axes.plot(
        known, spread, linestyle="", marker="o", markeredgecolor=colour, rasterized=known.size > _MANY_POINTS, **looks
    )
    middle = float(np.median(known))
    axes.plot([middle, middle], [centre - 0.16, centre + 0.16], color="#111820", linewidth=2.2)


def median_handle() -> Line2D:
    """Legend entry of the median that `strip` draws."""
    return Line2D([], [], linestyle="", marker="|", markersize=10, mew=2.2, color="#111820", label="median")


def pool_small_origins(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the largest origins of each class and pool the others, so that 62 centres still fit a page."""
    parts = []
    for _, members in table.groupby("label", sort=True):
        counts = members["origin"].value_counts()
        order = sorted(counts.index, key=lambda origin: (-int(counts[origin]), str(origin)))
        rest = order[_MOST_ORIGINS:] if len(order) > _MOST_ORIGINS + 1 else []
        pooled = members["origin"].where(~members["origin"].isin(rest), f"{len(rest)} smaller origins")
        parts.append(members.assign(origin=pooled))
    return pd.concat(parts)


def ordered_origins(members: pd.DataFrame) -> list[str]:
    """Origins by name, those pooled last."""
    counts = members["origin"].value_counts()
    return sorted(counts.index, key=lambda origin: (str(origin).endswith("smaller origins"), str(origin)))


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries."""
    return [{str(key): value for key, value in record.items()} for record in table.to_dict("records")]


def shortened(text: Any, width: int) -> str:
    """Text of at most so many characters, on one line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return shown if len(shown) <= width else shown[: width - 1] + "…"
