"""Tone: another transfer curve from signal to grey value, as of another detector or viewing software."""

from __future__ import annotations

import numpy as np

from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.scale import on_unit_range
from biasaudit.records import FloatArray

__all__ = ["curve", "tone"]


def tone(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Raise intensities to a power: exp(.5 strength) or its inverse, the same at all of a site.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        0 changes nothing.
    chance : Chance

    Returns
    -------
    float32 (channels, *space)
    """
    exponent = np.exp(chance.site.choice([-0.5, 0.5]) * strength)
    return on_unit_range(image, lambda unit: np.sign(unit) * np.abs(unit) ** exponent)


def curve(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Steepen or flatten the contrast of middle intensities by an S-shaped curve; arguments as of `tone`."""
    bend = chance.site.choice([-1.0, 1.0]) * strength * 0.1
    return on_unit_range(image, lambda unit: unit - bend * np.sin(2 * np.pi * np.clip(unit, 0, 1)))
