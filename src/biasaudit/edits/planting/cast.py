"""Colour cast: another stain, lamp or white balance."""

from __future__ import annotations

import numpy as np

from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.scale import on_unit_range
from biasaudit.errors import UsageError
from biasaudit.records import FloatArray

__all__ = ["cast"]

_GAIN, _MIXED = 0.12, 0.08


def cast(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Weigh and mix the channels by a matrix that a whole site shares.

    Parameters
    ----------
    image : float (channels, *space)
        Two channels or more.
    strength : float
        Gains differ by about .12 `strength`, and .08 `strength` of each channel goes into others; 0 changes nothing.
    chance : Chance

    Returns
    -------
    float32 (channels, *space)

    Raises
    ------
    UsageError
        For a single channel, which has no colour.
    """
    channels = len(image)
    if channels < 2:
        raise UsageError("a colour cast takes images of two channels or more, and this one has a single channel")
    gains = chance.site.normal(size=channels)
    mixing = chance.site.normal(size=(channels, channels)) * ~np.eye(channels, dtype=np.bool_)
    gains = (gains - gains.mean()) / gains.std()
    matrix = np.diag(np.exp(_GAIN * strength * gains)) + _MIXED * strength * mixing
    return on_unit_range(image, lambda unit: np.tensordot(matrix, unit, 1))
