"""Which values of an image are drawn black and white: of grey by percentiles, of colours by their type of number."""

from __future__ import annotations

import numpy as np

from biasaudit.records.arrays import FloatArray

__all__ = ["full_tone", "grey_ends"]

_WINDOW = (1.0, 99.5)
_FULL = (1.0, 255.0, 65535.0)


def grey_ends(picture: FloatArray) -> tuple[float, float]:
    """Values of a grey image that are drawn black and white: two percentiles of its own, never the same."""
    low, high = (float(value) for value in np.nanpercentile(picture, _WINDOW))
    return low, max(high, low + 1e-6)


def full_tone(picture: FloatArray) -> float:
    """Value of an image in colour that is drawn full: 1, or the largest number of 8 or 16 bits, as far as it goes."""
    largest = float(np.nanmax(picture))
    return next((value for value in _FULL if largest <= value), largest)
