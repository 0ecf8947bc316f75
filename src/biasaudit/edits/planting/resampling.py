"""Resampling and lossy compression: what happens to an image on its way into a collection."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import ndimage

from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.scale import on_unit_range
from biasaudit.records import FloatArray

__all__ = ["compression", "resampling"]


def resampling(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Bring an image onto pixels 1 + .5 `strength` times as large, and back by linear interpolation.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        0 changes nothing.
    chance : Chance
        Not used.

    Returns
    -------
    float32 (channels, *space)
    """
    space = image.shape[1:]
    small = [max(2, round(size / (1 + 0.5 * strength))) for size in space]
    coarse = _resized(image.astype(np.float32), small)
    return np.asarray(_resized(coarse, space), dtype=np.float32)


def _resized(image: FloatArray, space: tuple[int, ...] | list[int]) -> FloatArray:
    factors = [new / old for new, old in zip(space, image.shape[1:], strict=True)]
    return np.asarray(ndimage.zoom(image, (1.0, *factors), order=1, mode="nearest", grid_mode=True))


def compression(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Compress as JPEG and read it again; of a volume every slice along the last axis.

    Parameters
    ----------
    image : float (channels, *space)
        Three channels of a picture are colours, else every channel is compressed by itself.
    strength : float
        Quality 90 at 0, falling by 40 with each 1, at least 5.
    chance : Chance
        Not used.

    Returns
    -------
    float32 (channels, *space)
    """
    quality = max(5, round(90 - 40 * strength))
    return on_unit_range(image, lambda unit: _through_jpeg(np.clip(unit, 0, 1), quality))


def _through_jpeg(unit: FloatArray, quality: int) -> FloatArray:
    if unit.ndim == 4:
        slices = [_through_jpeg(unit[..., place], quality) for place in range(unit.shape[-1])]
        return np.stack(slices, axis=-1)
    levels = np.round(255 * unit).astype(np.uint8)
    if len(unit) == 3:
        return np.moveaxis(_jpeg(np.moveaxis(levels, 0, -1), quality), -1, 0)
    return np.stack([_jpeg(channel, quality) for channel in levels])


def _jpeg(levels: np.ndarray, quality: int) -> FloatArray:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), dtype=np.float32) / 255
