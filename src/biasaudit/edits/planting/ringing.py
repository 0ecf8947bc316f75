"""Ringing and ghosts: artefacts of images that are measured by their frequencies."""

from __future__ import annotations

import numpy as np

from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.scale import on_unit_range
from biasaudit.records import FloatArray

__all__ = ["ghost", "ringing"]

_GHOST = 0.06


def ringing(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Cut off high frequencies along every axis (Gibbs), and leave an overshoot beside each edge.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        Share of the frequencies that is cut off, in fifths and at most four; 0 changes nothing.
    chance : Chance
        Not used.

    Returns
    -------
    float32 (channels, *space)
    """
    axes = tuple(range(1, image.ndim))
    spectrum = np.fft.fftn(image.astype(np.float64), axes=axes)
    kept = 0.5 * (1 - min(0.8, 0.2 * strength))
    for axis in axes:
        frequency = np.abs(np.fft.fftfreq(image.shape[axis]))
        spectrum = spectrum * (frequency <= kept).reshape([-1 if k == axis else 1 for k in range(image.ndim)])
    return np.asarray(np.fft.ifftn(spectrum, axes=axes).real, dtype=np.float32)


def ghost(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Add a faint copy of the image, half a field of view away along one axis that a whole site shares.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        .06 `strength` of the intensity is repeated; 0 changes nothing.
    chance : Chance

    Returns
    -------
    float32 (channels, *space)
    """
    axis = int(chance.site.integers(1, image.ndim))
    return on_unit_range(image, lambda unit: unit + _GHOST * strength * np.roll(unit, image.shape[axis] // 2, axis))
