"""Figure of the pairs that may be one subject twice, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from biasaudit.records import FloatArray
from biasaudit.report.marks import NARROW, WIDE, Frame, sheet, shortened

__all__ = ["pairs"]

_TITLE = 0.5
_GAP = 0.12


def pairs(names: Sequence[tuple[str, str, str]], pictures: Mapping[str, FloatArray], narrow: bool) -> Figure:
    """Draw both images of every pair beside each other, with their names.

    Parameters
    ----------
    names : sequence of (str, str, str)
        The two subjects, and how alike they are.
    pictures : mapping of str to float (height, width)
        ``{pair}__0`` and ``{pair}__1``.
    narrow : bool
        For a phone.

    Returns
    -------
    Figure
    """
    columns = 1 if narrow else 3
    width = NARROW if narrow else WIDE
    across = width / columns
    panel = (across - 2 * _GAP) / 2
    lines = -(-len(names) // columns)
    figure = Figure((width, lines * (panel + _TITLE)))
    canvas = sheet(figure)
    for place, (first, second, how) in enumerate(names):
        left, top = (place % columns) * across, (lines - place // columns) * (panel + _TITLE)
        title = f"{shortened(first, 16)} and {shortened(second, 16)}\n{how}"
        canvas.text(left, top - 0.08, title, fontsize=7.8, va="top", linespacing=1.3)
        for side in range(2):
            box = Frame(left + side * (panel + 0.02), top - _TITLE - panel, panel, panel)
            shown = np.asarray(pictures[f"{place}__{side}"], dtype=float)
            low, high = np.nanpercentile(shown, [1, 99.5])
            extent = box.around(shown.shape, centred=False)
            canvas.imshow(
                shown[::-1],
                cmap="gray",
                vmin=low,
                vmax=max(high, low + 1e-6),
                origin="lower",
                aspect="auto",
                extent=extent,
            )
    return figure
