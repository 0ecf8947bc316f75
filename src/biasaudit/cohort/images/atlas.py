"""An atlas of regions on the common grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from biasaudit.cohort.images.formats import PICTURES, read_scan
from biasaudit.cohort.images.resampling import picture_transform, volume_transform
from biasaudit.errors import DataError, Fault
from biasaudit.records import Grid

__all__ = ["read_atlas"]

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
    if scan.affine is None or grid.affine is None:
        transform = picture_transform(scan.data.shape, grid.shape)
    else:
        transform = volume_transform(scan.affine, np.asarray(grid.affine))
    # A voxel centre up to half an atlas voxel beyond the last one is still inside the atlas, as it is in images.
    padded = np.pad(np.rint(values), 1, mode="edge")
    labels = ndimage.affine_transform(padded, transform[:-1, :-1], transform[:-1, -1] + 1, grid.shape, order=0)
    if not (labels > 0).any():
        raise DataError([Fault(path, "the atlas has no region on the common grid", "register it to the images")])
    return np.asarray(np.maximum(labels, 0), dtype=np.int64)
