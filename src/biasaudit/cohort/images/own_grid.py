"""Maps from the common grid back onto the grid of a subject's own image."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from biasaudit.cohort.images.formats import read_geometry
from biasaudit.cohort.images.resampling import picture_transform, volume_transform
from biasaudit.records import FloatArray, Grid

__all__ = ["on_own_grid", "write_picture"]


def on_own_grid(relevance: FloatArray, grid: Grid, path: str) -> tuple[FloatArray, Grid]:
    """Interpolate a map onto the grid of an image file; 0 outside of the map.

    Parameters
    ----------
    relevance : float (*shape)
        On the common grid.
    grid : Grid
    path : str
        Image whose grid is taken.

    Returns
    -------
    relevance : float32 (*own shape)
        In the units of the common grid: values are kept, not sums.
    own : Grid
    """
    shape, affine = read_geometry(path)
    shape = shape[: grid.dimensions]
    if affine is None or grid.affine is None:
        image_grid, transform = Grid(shape), picture_transform(grid.shape, shape)
    else:
        image_grid = Grid(shape, tuple(tuple(float(value) for value in row) for row in affine))
        transform = volume_transform(np.asarray(grid.affine), affine)
    # A voxel centre up to half a voxel of the map beyond its last one is still inside the map.
    padded = np.pad(relevance, 1, mode="edge")
    interpolated = ndimage.affine_transform(
        padded, transform[:-1, :-1], transform[:-1, -1] + 1, shape, order=1, mode="constant", cval=0.0
    )
    return np.asarray(interpolated, dtype=np.float32), image_grid


def write_picture(path: str, relevance: FloatArray, limit: float) -> None:
    """Write a map as a PNG: red supports, blue opposes, transparent where there is little.

    Parameters
    ----------
    path : str
    relevance : float (height, width)
    limit : float
        Absolute relevance that is drawn opaque.
    """
    strength = np.clip(np.abs(relevance) / max(limit, 1e-12), 0, 1)
    colours = np.where((relevance > 0)[..., None], (255, 51, 41), (41, 128, 255))
    pixels = np.concatenate([colours, 255 * strength[..., None]], axis=-1)
    Image.fromarray(np.rint(pixels).astype(np.uint8), "RGBA").save(path, format="PNG")
