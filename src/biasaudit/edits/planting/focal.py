"""Focal disease: one or several spots, such as a lesion, a nodule or a patch of opacity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from biasaudit.edits.planting.field import inner_weight, spread_inside
from biasaudit.records import BoolArray, FloatArray

__all__ = ["Focal", "plant_focal"]

_GRAIN = 1.0


@dataclass(frozen=True)
class Focal:
    """How a focal disease looks.

    Attributes
    ----------
    radius : float
        Mean radius, as a share of the shortest side of the image.
    contrast : float
        Of the middle of a spot, in standard deviations of the image inside the field; negative: darker.
    count : int
        Spots at most; every image gets 1 to `count`.
    texture : float
        Grain inside the spots, as a share of the contrast.
    """

    radius: float
    contrast: float
    count: int = 1
    texture: float = 0.0


def plant_focal(image: FloatArray, field: BoolArray, look: Focal, generator: np.random.Generator) -> FloatArray:
    """Plant spots of random place, size, shape and contrast inside a field.

    Parameters
    ----------
    image : float (channels, *space)
    field : bool (*space)
        Where the disease can be; an empty one gets none.
    look : Focal
    generator : Generator

    Returns
    -------
    float32 (channels, *space)
        Equal to `image` outside the field.
    """
    if not field.any():
        return image.astype(np.float32)
    inner = inner_weight(field)
    places, weight = np.argwhere(inner == inner.max()), np.zeros(field.shape)
    for _ in range(int(generator.integers(1, look.count + 1))):
        centre = places[generator.integers(len(places))]
        weight = np.maximum(weight, _spot(field.shape, centre, look.radius * min(field.shape), generator))
    grain = ndimage.gaussian_filter(generator.normal(size=field.shape), _GRAIN)
    relief = weight * inner * (1 + look.texture * grain / grain.std())
    change = look.contrast * generator.uniform(0.75, 1.25) * relief * spread_inside(image, field)
    return np.asarray(image + change, dtype=np.float32)


def _spot(shape: tuple[int, ...], centre: FloatArray, radius: float, generator: np.random.Generator) -> FloatArray:
    """Ellipsoid with a soft rim, 1 in its middle."""
    radii = radius * generator.uniform(0.7, 1.3, len(shape))
    axes = np.ogrid[tuple(slice(size) for size in shape)]
    distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True))
    return np.asarray(np.exp(-(np.asarray(distance) ** 2)))
