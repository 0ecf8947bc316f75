"""Diffuse disease: haze or a changed texture over a whole field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from biasaudit.edits.planting.field import inner_weight, spread_inside
from biasaudit.records import BoolArray, FloatArray

__all__ = ["Diffuse", "plant_diffuse"]

_CLOUD = 0.15


@dataclass(frozen=True)
class Diffuse:
    """How a diffuse disease looks.

    Attributes
    ----------
    haze : float
        Mean shift in standard deviations of the image inside the field, in clouds of random form.
    texture : float
        Grain added, in the same unit.
    grain : float
        Size of the grain in pixels.
    """

    haze: float = 0.0
    texture: float = 0.0
    grain: float = 1.0


def plant_diffuse(image: FloatArray, field: BoolArray, look: Diffuse, generator: np.random.Generator) -> FloatArray:
    """Plant haze and grain all over a field.

    Parameters
    ----------
    image : float (channels, *space)
    field : bool (*space)
        Where the disease can be.
    look : Diffuse
    generator : Generator

    Returns
    -------
    float32 (channels, *space)
        Equal to `image` outside the field.
    """
    cloud = _waves(field.shape, _CLOUD * min(field.shape), generator)
    grain = _waves(field.shape, look.grain, generator)
    severity = generator.uniform(0.75, 1.25)
    change = severity * (look.haze * np.clip(1 + 0.5 * cloud, 0, None) + look.texture * grain)
    return np.asarray(image + change * inner_weight(field) * spread_inside(image, field), dtype=np.float32)


def _waves(shape: tuple[int, ...], size: float, generator: np.random.Generator) -> FloatArray:
    """Smooth random pattern of mean 0 and standard deviation 1."""
    pattern = ndimage.gaussian_filter(generator.normal(size=shape), size, mode="wrap")
    return np.asarray((pattern - pattern.mean()) / pattern.std())
