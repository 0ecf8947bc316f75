"""Shading: a smooth change of brightness over the image, as of a coil, a lamp or scattered light."""

from __future__ import annotations

import numpy as np

from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.scale import on_unit_range
from biasaudit.records import FloatArray

__all__ = ["shading"]

_DEPTH = 0.15


def shading(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Multiply by the exponential of a smooth field that a whole site shares.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        Standard deviations of .15 of the logarithm; 0 changes nothing.
    chance : Chance

    Returns
    -------
    float32 (channels, *space)
    """
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in image.shape[1:]), indexing="ij")
    field = np.zeros(image.shape[1:])
    for axis in axes:
        field = field + chance.site.normal() * axis + chance.site.normal() * np.cos(np.pi * axis + chance.site.normal())
    field = (field - field.mean()) / field.std()
    return on_unit_range(image, lambda unit: unit * np.exp(_DEPTH * strength * field))
