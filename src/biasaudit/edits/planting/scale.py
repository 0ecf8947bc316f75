"""The range of an image's intensities, so that strengths mean the same in X-rays, photographs and volumes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from biasaudit.records import FloatArray

__all__ = ["on_unit_range"]

_ENDS = (0.005, 0.995)


def on_unit_range(image: FloatArray, change: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Apply a change to an image whose .5 % and 99.5 % quantiles, over all channels, were brought to 0 and 1.

    Parameters
    ----------
    image : float (channels, *space)
        On any scale.
    change : callable
        Takes and gives an array of that shape.

    Returns
    -------
    float32 (channels, *space)
        On the scale of `image`; a constant image is returned as it is.
    """
    low, high = np.quantile(image, _ENDS)
    if high <= low:
        return image.astype(np.float32)
    return np.asarray(change((image - low) / (high - low)) * (high - low) + low, dtype=np.float32)
