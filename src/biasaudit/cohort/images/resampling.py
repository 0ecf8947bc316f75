"""Arrays from one voxel grid to another: linear interpolation, guarded against aliasing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from biasaudit.records import BoolArray, FloatArray

__all__ = [
    "is_identity",
    "is_smoothed",
    "picture_transform",
    "resample",
    "resample_mask",
    "resample_pathology",
    "volume_transform",
]

# Downsampling by less than this is interpolated as it is; linear interpolation itself smooths enough.
_SMOOTH_FROM = 1.5
_HALF = 0.5
_PATHOLOGY_FRACTION = 0.25


def volume_transform(source: FloatArray, target: FloatArray) -> FloatArray:
    """Matrix from target voxels to source voxels.

    Parameters
    ----------
    source, target : float (4, 4)
        Voxel to millimetre, in any orientation.

    Returns
    -------
    float (4, 4)
    """
    return np.asarray(np.linalg.inv(source) @ target, dtype=np.float64)


def picture_transform(source: tuple[int, ...], target: tuple[int, ...]) -> FloatArray:
    """Matrix from target pixels to source pixels such that the outer edges coincide.

    Parameters
    ----------
    source, target : tuple of int
        Height and width.

    Returns
    -------
    float (3, 3)
    """
    scale = np.asarray(source) / np.asarray(target)
    matrix = np.diag([*scale, 1.0])
    matrix[:-1, -1] = (scale - 1) / 2
    return matrix


def resample(
    data: FloatArray, transform: FloatArray, shape: tuple[int, ...], outside: float | None = None
) -> FloatArray:
    """Interpolate linearly; when an axis shrinks by more than 1.5, smooth it before.

    The Gaussian has a standard deviation of (ratio - 1) / 2 source voxels, the usual guard against aliasing. Outside
    the source lies its smallest value, unless another is given.

    Parameters
    ----------
    data : float (*source shape)
    transform : float (d + 1, d + 1)
        Target voxel to source voxel.
    shape : tuple of int
        Target shape.
    outside : float, optional

    Returns
    -------
    float32 (*shape)
    """
    data = np.asarray(data, dtype=np.float32)
    if is_identity(transform, data.shape, shape):
        return data.copy()
    matrix, ratio = transform[:-1, :-1], _shrinkage(transform)
    sigma = np.where(ratio > _SMOOTH_FROM, (ratio - 1) / 2, 0.0)
    smooth = ndimage.gaussian_filter(data, sigma, mode="nearest") if sigma.any() else data
    # A target voxel centre up to half a source voxel beyond the last source centre is still inside the image.
    padded = np.pad(smooth, 1, mode="edge")
    beyond = float(data.min()) if outside is None else outside
    result = ndimage.affine_transform(
        padded, matrix, transform[:-1, -1] + 1, shape, order=1, mode="constant", cval=beyond
    )
    return np.asarray(result, dtype=np.float32)


def is_identity(transform: FloatArray, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an image lies on the target grid already and is taken as it is."""
    return source == tuple(target) and np.allclose(transform, np.eye(len(transform)), atol=1e-5)


def is_smoothed(transform: FloatArray) -> bool:
    """Whether some axis shrinks so much that the image is smoothed before."""
    return bool((_shrinkage(transform) > _SMOOTH_FROM).any())


def _shrinkage(transform: FloatArray) -> FloatArray:
    """Source voxels per target voxel along each source axis."""
    return np.asarray(np.sqrt((transform[:-1, :-1] ** 2).sum(1)))


def resample_mask(mask: BoolArray, transform: FloatArray, shape: tuple[int, ...]) -> BoolArray:
    """Voxels of which more than half lies in the mask; bool (*shape)."""
    return np.asarray(resample(mask.astype(np.float32), transform, shape) > _HALF)


def resample_pathology(mask: BoolArray, transform: FloatArray, shape: tuple[int, ...]) -> BoolArray:
    """Voxels of which more than a quarter is pathology; no lesion vanishes.

    The usual threshold of one half would delete lesions smaller than a voxel. A quarter keeps most of them, and a
    lesion that still reaches no voxel marks the one that holds its centre.

    Parameters
    ----------
    mask : bool (*source shape)
    transform : float (d + 1, d + 1)
        Target voxel to source voxel.
    shape : tuple of int
        Target shape.

    Returns
    -------
    bool (*shape)
    """
    if not mask.any():
        return np.zeros(shape, dtype=np.bool_)
    result = np.asarray(resample(mask.astype(np.float32), transform, shape) > _PATHOLOGY_FRACTION)
    lesions, count = ndimage.label(mask)
    voxels = np.argwhere(mask).astype(np.float64)
    number = lesions[mask]
    reached = np.zeros(count + 1, dtype=np.bool_)
    inside, places = _target_voxels(voxels, transform, shape)
    reached[number[inside][result[tuple(places.T)]]] = True
    for lost in np.flatnonzero(~reached[1:]) + 1:
        centre = voxels[number == lost].mean(0, keepdims=True)
        _, place = _target_voxels(centre, transform, shape)
        result[tuple(place.T)] = True
    return result


def _target_voxels(
    voxels: FloatArray, transform: FloatArray, shape: tuple[int, ...]
) -> tuple[BoolArray, npt.NDArray[np.intp]]:
    """Nearest target voxel of source voxels: which lie inside the target, and where those are."""
    back = np.linalg.inv(transform)
    nearest = np.rint(voxels @ back[:-1, :-1].T + back[:-1, -1]).astype(np.intp)
    inside = ((nearest >= 0) & (nearest < np.asarray(shape))).all(1)
    return inside, nearest[inside]
