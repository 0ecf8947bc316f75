"""Blur and noise: the sharpness and the dose of an acquisition."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.scale import on_unit_range
from biasaudit.records import FloatArray

__all__ = ["blur", "noise"]

_PIXELS = 0.7
_NOISE = 0.05


def blur(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Smooth by a Gaussian.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        Standard deviations of .7 pixels; 0 changes nothing.
    chance : Chance
        Not used.

    Returns
    -------
    float32 (channels, *space)
    """
    width = (0.0, *(_PIXELS * strength,) * (image.ndim - 1))
    return np.asarray(ndimage.gaussian_filter(image.astype(np.float32), width, mode="nearest"))


def noise(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Add white noise, SD .05 `strength` of the image's range; other arguments as of `blur`."""
    return on_unit_range(image, lambda unit: unit + chance.image.normal(0, _NOISE * strength, unit.shape))
