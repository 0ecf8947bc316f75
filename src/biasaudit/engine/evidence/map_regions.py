"""Regions that voxelwise comparisons of maps are summed up in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from biasaudit.attributions.regions import supervoxels
from biasaudit.cohort.images.atlas import read_atlas
from biasaudit.engine.jobs.stack import Stack
from biasaudit.records import BoolArray, Grid

__all__ = ["map_regions"]


def map_regions(
    wanted: Mapping[str, Any], images: Stack, rows: Sequence[int], inside: BoolArray
) -> npt.NDArray[np.intp]:
    """Region of every voxel of the maps.

    Parameters
    ----------
    wanted : mapping
        ``atlas`` and ``grid``, or the ``side`` of supervoxels.
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
    if "atlas" in wanted:
        return read_atlas(wanted["atlas"], Grid.from_dict(wanted["grid"]))[inside].astype(np.intp)
    mean = np.mean([images[row][0] for row in rows], axis=0)
    return supervoxels(mean, int(wanted["side"]))[inside].astype(np.intp)
