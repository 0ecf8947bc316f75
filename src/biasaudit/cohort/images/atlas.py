"""An atlas of regions on the common grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from biasaudit.cohort.images.formats import PICTURES, read_scan
from biasaudit.cohort.images.resampling import picture_transform, volume_transform
from biasaudit.errors import DataError, Fault
from biasaudit.records import FloatArray, Grid

__all__ = ["nearest_on_grid", "read_atlas"]

_GREY_LEVELS = 255


def read_atlas(path: str, grid: Grid) -> npt.NDArray[np.int64]:
    """Read the region of every voxel, nearest neighbour; int64 (*shape), 0 where there is none.

    Parameters
    ----------
    path : str
        NIfTI with whole numbers, or a grey picture whose levels are the regions.
    grid : Grid

    Raises
    ------
    DataError
        If it cannot be read, has other axes than the grid, or no region on it.
    """
    scan = read_scan(path)
    if scan.data.ndim != grid.dimensions:
        raise DataError([Fault(path, f"an atlas of {scan.data.ndim} axes, expected {grid.dimensions} as in the grid")])
    values = scan.data * _GREY_LEVELS if Path(path).suffix.lower() in PICTURES else scan.data
    labels = nearest_on_grid(np.rint(values), scan.affine, grid)
    if not (labels > 0).any():
        raise DataError([Fault(path, "the atlas has no region on the common grid", "register it to the images")])
    return np.asarray(np.maximum(labels, 0), dtype=np.int64)


def nearest_on_grid(values: npt.NDArray[Any], affine: FloatArray | None, grid: Grid) -> npt.NDArray[Any]:
    """Give every voxel of the grid the nearest value; 0 beyond the file.

    Parameters
    ----------
    values : array (*source shape)
    affine : float (4, 4) or None
        Voxel to millimetre; None for a picture, whose edges are those of the grid.
    grid : Grid
    """
    if affine is None or grid.affine is None:
        transform = picture_transform(values.shape, grid.shape)
    else:
        transform = volume_transform(affine, np.asarray(grid.affine))
    # A voxel centre up to half a voxel beyond the last one is still inside the file, as it is in images.
    padded = np.pad(values, 1, mode="edge")
    moved = ndimage.affine_transform(padded, transform[:-1, :-1], transform[:-1, -1] + 1, grid.shape, order=0)
    return np.asarray(moved)
