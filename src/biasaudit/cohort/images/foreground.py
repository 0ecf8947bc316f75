"""Find the foreground, the voxels of the subject, where no brain mask is given."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from biasaudit.cohort.images.geometry import spacing_of, world_axes
from biasaudit.records import BoolArray, FloatArray

__all__ = [
    "RULES",
    "central_field",
    "choose_rule",
    "extent_of",
    "filled",
    "has_empty_border",
    "threshold_foreground",
]

RULES = {
    "file": "the brain mask file",
    "nonzero": "the non-zero voxels (images are skull-stripped)",
    "threshold": "an Otsu threshold on the smoothed image, largest component, holes filled",
    "centre": "the central 75 % of height and width; the background is the outer frame",
}
"""Name of a rule -> what it does, for the report."""

_CENTRAL_SHARE = 0.75
_BORDER_SHARE = 0.05
# A stripped brain leaves nearly all of the border empty. Heads padded with zeros by registration leave some of it.
_EMPTY_BORDER = 0.5
_BINS = 256
_SAMPLED = 48  # voxels per axis from which the extent is measured: to 2 % of the field of view


def choose_rule(foreground: str, dimensions: int, empty_border: bool) -> str:
    """Choose the rule of the foreground that ``auto`` stands for.

    Parameters
    ----------
    foreground : {"auto", "nonzero", "threshold", "centre"}
    dimensions : int
        2 or 3.
    empty_border : bool
        What `has_empty_border` says of the image.

    Returns
    -------
    str
        ``nonzero`` for stripped volumes, ``threshold`` for other volumes, ``centre`` for pictures.
    """
    if foreground != "auto":
        return foreground
    if dimensions == 2:
        return "centre"
    return "nonzero" if empty_border else "threshold"


def has_empty_border(image: FloatArray) -> bool:
    """Whether more than half of the outer 5 % of each axis is exactly 0."""
    inner = np.zeros(image.shape, dtype=np.bool_)
    inner[_central(image.shape, 1 - 2 * _BORDER_SHARE)] = True
    border = image[~inner]
    return bool(border.size and np.mean(border == 0) > _EMPTY_BORDER)


def central_field(shape: tuple[int, ...]) -> BoolArray:
    """Central 75 % of every axis; bool (*shape)."""
    field = np.zeros(shape, dtype=np.bool_)
    field[_central(shape, _CENTRAL_SHARE)] = True
    return field


def filled(mask: BoolArray) -> BoolArray:
    """Mask without its holes: zeros inside a stripped brain, such as dark ventricles, belong to it."""
    parts, count = ndimage.label(~mask)
    outside = np.zeros(count + 1, dtype=np.bool_)
    for axis in range(mask.ndim):
        outside[parts.take([0, -1], axis)] = True
    outside[0] = False  # of the mask itself
    return np.asarray(~outside[parts], dtype=np.bool_)


def threshold_foreground(image: FloatArray) -> BoolArray:
    """Largest component above Otsu's threshold (1979, doi:10.1109/TSMC.1979.4310076) of the smoothed image.

    Parameters
    ----------
    image : float (*shape)

    Returns
    -------
    bool (*shape)
        Holes filled; all True for a constant image.
    """
    smooth = ndimage.gaussian_filter(np.asarray(image, dtype=np.float32), 1.0)
    above = smooth > _otsu(smooth)
    if not above.any():
        return np.ones(image.shape, dtype=np.bool_)
    parts, _ = ndimage.label(above)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return filled(parts == sizes.argmax())


def extent_of(image: FloatArray, affine: FloatArray) -> tuple[float, ...]:
    """Size of the foreground along the axes of the world, mm (3,); every few voxels of a large volume are looked at.

    Parameters
    ----------
    image : float (*shape)
        A volume; what is not finite counts as 0.
    affine : float (4, 4)
        Voxel to millimetre.
    """
    steps = [max(1, size // _SAMPLED) for size in image.shape]
    coarse = np.nan_to_num(image[tuple(slice(None, None, step) for step in steps)], posinf=0.0, neginf=0.0)
    inside = coarse != 0 if has_empty_border(coarse) else threshold_foreground(coarse)
    occupied = np.argwhere(inside)
    if not len(occupied):
        return (0.0, 0.0, 0.0)
    voxels = np.minimum((np.ptp(occupied, axis=0) + 1) * steps, image.shape)
    return tuple(float(size) for size in (spacing_of(affine) * voxels)[world_axes(affine)])


def _otsu(image: FloatArray) -> float:
    try:
        counts, edges = np.histogram(image, bins=_BINS)
    except ValueError:  # values so near each other, for their size, that nothing lies between them
        return float(image.max())
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts).astype(np.float64)
    total = below[-1]
    moment = np.cumsum(counts * centres)
    weight = below * (total - below)
    spread = np.zeros_like(weight)
    inside = weight > 0
    spread[inside] = (moment[-1] * below[inside] - total * moment[inside]) ** 2 / weight[inside]
    return float(centres[spread.argmax()])


def _central(shape: tuple[int, ...], share: float) -> tuple[slice, ...]:
    margins = [max(1, round(size * (1 - share) / 2)) if size > 2 else 0 for size in shape]
    return tuple(slice(margin, size - margin) for margin, size in zip(margins, shape, strict=True))
