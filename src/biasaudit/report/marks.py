"""What the figures of the report share: sizes, pictures on a sheet, and short names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biasaudit.records import FloatArray

__all__ = [
    "NARROW",
    "PLANES",
    "WIDE",
    "Frame",
    "as_seen",
    "colour_bar",
    "draw_overlay",
    "records_of",
    "sheet",
    "shortened",
    "tint",
]

WIDE, NARROW = 9.4, 3.9  # inches; a page's text column, a phone's
PLANES = ("axial", "coronal", "sagittal", "picture")
"""Order of the slices of one volume; a picture has the one."""
_FULL = (1.0, 255.0, 65535.0)
_SUPPORTS, _OPPOSES, _CONTOUR = (1.0, 0.20, 0.16), (0.16, 0.50, 1.0), "#ffe45c"


@dataclass(frozen=True)
class Frame:
    """A rectangle of a `sheet`, in inches from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    def around(self, shape: Sequence[int], *, centred: bool = True) -> tuple[float, float, float, float]:
        """Return left, right, bottom and top of a picture (height, width) that fills the frame, its pixels square.

        Of the room that is left over half lies on either side, or all of it to the right and below.
        """
        scale = min(self.width / shape[1], self.height / shape[0])
        width, height = scale * shape[1], scale * shape[0]
        left = self.left + (self.width - width) / 2 if centred else self.left
        top = self.bottom + self.height - ((self.height - height) / 2 if centred else 0)
        return left, left + width, top - height, top


def sheet(figure: Figure) -> Axes:
    """Cover a figure with one axes in inches: pictures placed on it cost a tenth of an axes for each."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, height), autoscale_on=False)
    return axes


def draw_overlay(axes: Axes, frame: Frame, layers: Sequence[FloatArray | None], limit: float) -> None:
    """Draw signed values on anatomy (in colour where it has three channels), a mask outlined; any may be missing."""
    anatomy, relevance, mask = layers
    if anatomy is None:
        return
    extent = frame.around(anatomy.shape)
    place: dict[str, Any] = {"origin": "lower", "interpolation": "bilinear", "aspect": "auto", "extent": extent}
    if anatomy.ndim == 3:
        axes.imshow(as_seen(anatomy), zorder=1, **place)
    else:
        low, high = np.nanpercentile(anatomy, [1, 99.5])
        axes.imshow(anatomy, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), zorder=1, **place)
    if relevance is not None:
        axes.imshow(tint(relevance, limit), zorder=2, **place)
    if mask is not None and (mask > 0.5).any() and not (mask > 0.5).all():
        axes.contour(mask, levels=[0.5], colors=_CONTOUR, linewidths=0.9, zorder=3, origin="lower", extent=extent)


def as_seen(picture: FloatArray) -> FloatArray:
    """Red, green and blue (height, width, 3) from 0 to 1: stored so, or over the largest number of 8 or 16 bits."""
    largest = float(np.nanmax(picture))
    full = next((value for value in _FULL if largest <= value), largest)
    return np.asarray(np.clip(np.nan_to_num(picture) / full, 0, 1))


def tint(relevance: FloatArray, limit: float) -> FloatArray:
    """Red or blue whose opacity grows with the absolute relevance, so that anatomy shows where there is little."""
    strength = np.clip(np.abs(np.nan_to_num(relevance)) / max(limit, 1e-12), 0, 1)
    colours = np.where((np.nan_to_num(relevance) > 0)[..., None], _SUPPORTS, _OPPOSES)
    opacity = np.where(strength > 0.04, 0.92 * strength**0.75, 0)
    return np.concatenate([colours, opacity[..., None]], axis=-1)


def colour_bar(
    figure: Figure,
    length: tuple[float, float],
    place: tuple[float, float],
    words: tuple[tuple[str, str], tuple[str, str]],
) -> Axes:
    """Draw what the colours of `tint` mean, centred at the foot of a figure.

    Parameters
    ----------
    figure : Figure
    length : (float, float)
        Wished and largest length, inches.
    place : (float, float)
        Distance from the foot and height, inches.
    words : ((str, str), (str, str))
        Values at the two ends, and what they say.

    Returns
    -------
    Axes
    """
    width, height = figure.get_size_inches()
    long = min(length)
    axes = figure.add_axes(((width - long) / 2 / width, place[0] / height, long / width, place[1] / height))
    axes.imshow(np.full((1, 256), 0.45), cmap="gray", vmin=0, vmax=1, extent=(-1, 1, 0, 1), aspect="auto")
    axes.imshow(tint(np.linspace(-1, 1, 256)[None, :], 1.0), extent=(-1, 1, 0, 1), aspect="auto")
    axes.set_yticks([])
    (low, high), (opposing, supporting) = words
    axes.set_xticks([-1, 0, 1], [low, "0", high], fontsize=7.5)
    axes.text(-1.04, 0.5, opposing, ha="right", va="center", fontsize=7.5)
    axes.text(1.04, 0.5, supporting, ha="left", va="center", fontsize=7.5)
    return axes


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries."""
    return [{str(key): value for key, value in record.items()} for record in table.to_dict("records")]


def shortened(text: Any, width: int) -> str:
    """Text of at most so many characters, on one line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return shown if len(shown) <= width else shown[: width - 1] + "…"
