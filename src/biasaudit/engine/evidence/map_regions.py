"""Regions that voxelwise comparisons of maps are summed up in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from biasaudit.attributions.regions import supervoxels
from biasaudit.cohort.images.atlas import read_atlas
from biasaudit.engine.arguments.maps import Atlas, Supervoxels
from biasaudit.engine.jobs.stack import Stack
from biasaudit.records import BoolArray

__all__ = ["map_regions"]


def map_regions(
    wanted: Atlas | Supervoxels, images: Stack, rows: Sequence[int], inside: BoolArray
) -> npt.NDArray[np.intp]:
    """Region of every voxel of the maps.

    Parameters
    ----------
    wanted : Atlas or Supervoxels
    images : Stack (n, channels, *shape)
    rows : sequence of int
        Mapped images; supervoxels follow the mean of their first channels, which knows neither class nor origin.
    inside : bool (*shape)
        Common foreground.

    Returns
    -------
    int (voxels,)
        From 1; 0 is none.
    """
    if isinstance(wanted, Atlas):
        return read_atlas(wanted.path, wanted.grid)[inside].astype(np.intp)
    mean = np.mean([images[row][0] for row in rows], axis=0)
    return supervoxels(mean, wanted.side)[inside].astype(np.intp)
