"""Erasure: the pathology in-painted from the surrounding healthy tissue.

Not a representation of its own but an edit that every representation is recomputed from; the sham is the same edit
with a mask that belongs to somebody else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from biasaudit.records import BoolArray, FloatArray, Volume

__all__ = ["erase", "inpaint"]

_SCALES = (1.0, 2.0, 4.0, 8.0)
_ENOUGH = 0.02


def erase(volume: Volume, mask: BoolArray) -> Volume:
    """In-paint `mask` in the image, and in the user's tissue maps and other maps where there are any.

    Parameters
    ----------
    volume : Volume
    mask : bool (*shape)
        Voxels to erase: the subject's own pathology, or, as a sham, another subject's. One voxel is added around it,
        because interpolation spreads a lesion over its neighbours. What reaches out of the foreground is erased too,
        such as a lesion at the rim of a picture; where an image was stripped there is nothing to erase.

    Returns
    -------
    Volume
        A new one; the input is unchanged.
    """
    shown = volume.foreground | (volume.image != 0).any(axis=0)
    hole = ndimage.binary_dilation(mask) & shown
    if not hole.any():
        return volume
    image = _filled(volume.image, hole, volume.foreground, shown)
    tissue, maps = (
        None if given is None else _filled(given, hole, volume.foreground, shown)
        for given in (volume.tissue, volume.maps)
    )
    return replace(volume, image=image, tissue=tissue, maps=maps)


def _filled(channels: FloatArray, hole: BoolArray, foreground: BoolArray, shown: BoolArray) -> FloatArray:
    """Fill a hole inside the foreground from the foreground alone, and what lies beyond it from whatever is shown."""
    inside, beyond = hole & foreground, hole & ~foreground
    filled = np.stack([inpaint(channel, inside, foreground & ~hole) for channel in channels])
    return np.stack([inpaint(channel, beyond, shown & ~hole) for channel in filled]) if beyond.any() else filled


def inpaint(channel: FloatArray, hole: BoolArray, known: BoolArray) -> FloatArray:
    """Fill `hole` by normalised convolution of the `known` voxels (Knutsson & Westin 1993).

    The Gaussian widens until every voxel has known neighbours, so that what fills a hole is as local as it can be.

    Parameters
    ----------
    channel : float (*shape)
    hole, known : bool (*shape)

    Returns
    -------
    float32 (*shape)
        Equal to `channel` outside the hole.
    """
    filled = channel.astype(np.float32, copy=True)
    open_voxels = hole.copy()
    weight = known.astype(np.float32)
    for scale in _SCALES:
        density = ndimage.gaussian_filter(weight, scale, truncate=3.0)
        average = ndimage.gaussian_filter(weight * channel, scale, truncate=3.0)
        reached = open_voxels & (density > _ENOUGH)
        filled[reached] = average[reached] / density[reached]
        open_voxels &= ~reached
        if not open_voxels.any():
            return filled
    filled[open_voxels] = float(channel[known].mean()) if known.any() else 0.0
    return filled
