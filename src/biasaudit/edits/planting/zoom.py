"""Zoom: another magnification, distance or field of view."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from biasaudit.edits.planting.chance import Chance
from biasaudit.records import FloatArray

__all__ = ["zoom"]

_SCALE = 0.05


def zoom(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Magnify about the centre; beyond the edge the nearest pixels are repeated.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        Five per cent each, larger or, at some sites, smaller; 0 changes nothing.
    chance : Chance

    Returns
    -------
    float32 (channels, *space)
    """
    step = np.exp(chance.site.choice([-1.0, 1.0]) * _SCALE * strength)
    centre = (np.array(image.shape[1:]) - 1) / 2
    moved = [
        ndimage.affine_transform(
            channel.astype(np.float32), np.full(centre.size, step), centre * (1 - step), order=1, mode="nearest"
        )
        for channel in image
    ]
    return np.stack(moved)
