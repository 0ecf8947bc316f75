"""Regions found in an image, where no atlas names any."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

__all__ = ["supervoxels"]

_ROUNDS = 5


def supervoxels(image: npt.NDArray[np.floating], side: int) -> npt.NDArray[np.int64]:
    """Divide an image into compact regions of similar intensity.

    Simple linear iterative clustering (Achanta et al. 2012, doi:10.1109/TPAMI.2012.120) over the whole image: voxels
    join the nearest centre in space and intensity, centres start on a regular grid. One standard deviation of
    intensity counts as much as half the distance between centres.

    Parameters
    ----------
    image : float (*shape)
        Two or three axes.
    side : int
        Distance between the first centres, voxels.

    Returns
    -------
    int64 (*shape)
        Numbered from 1 without gaps.
    """
    deviation = float(image.std())
    intensity = (image - image.mean()) / deviation * side / 2 if deviation > 0 else np.zeros(image.shape)
    places = np.indices(image.shape).reshape(image.ndim, -1)
    features = np.column_stack([*places, intensity.ravel()]).astype(np.float64)
    starts = np.meshgrid(*(np.arange(min(side // 2, size - 1), size, side) for size in image.shape), indexing="ij")
    centres = features[np.ravel_multi_index([axis.ravel() for axis in starts], image.shape)]
    nearest = cKDTree(centres).query(features)[1]
    for _ in range(_ROUNDS):
        centres = _means(features, nearest, centres)
        nearest = cKDTree(centres).query(features)[1]
    return (np.unique(nearest, return_inverse=True)[1] + 1).reshape(image.shape).astype(np.int64)


def _means(
    features: npt.NDArray[np.float64], nearest: npt.NDArray[np.int64], centres: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    counts = np.bincount(nearest, minlength=len(centres))
    sums = np.stack([np.bincount(nearest, column, len(centres)) for column in features.T], axis=1)
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
