"""Edits of what lies outside of the disease field: take it from another image, or keep nothing but it.

The *frame* of an image is its support (everything, or the brain of a stripped image) less the field where the disease
can be. What an acquisition does to tones and sharpness is measured on the frame alone, so that no disease inside the
field is carried along, and applied to the whole image; then the frame itself is taken from the donor:

    e(x, D) = z (1 - W) + D W with z = sharpened(toned(x, D), D),

W the indicator of the frame, smoothed by one voxel. Tones follow the quantiles of the two frames (histogram matching:
Nyul and Udupa 1999, doi:10.1002/(SICI)1522-2594(199912)42:6<1072::AID-MRM11>3.0.CO;2-M), sharpness and noise the
power spectra of windowed patches of them, averaged over radii (Welch 1967, doi:10.1109/TAU.1967.1161901).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from biasaudit.records import BoolArray, FloatArray

__all__ = [
    "LEAST_FRAME",
    "Donor",
    "Frame",
    "FrameTraits",
    "composed",
    "frame_of",
    "frame_share",
    "patch_size",
    "retoned",
    "swapped",
    "traits",
]

LEAST_FRAME = 0.05
"""Share of an image that must lie outside of the field for its tones to be known."""

SIZES = (8, 6, 4)
"""Voxels along an edge of a patch: the largest size that the frame has room for."""

WANTED_PATCHES = 28
"""Patches from which a size is taken without looking at smaller ones: a border of 8 pixels round 64 x 64 has 28."""

LEAST_PATCHES = 8
"""Patches without which the sharpness of a frame is not known, and not touched."""

MOST_PATCHES = 64
"""Patches that are looked at, evenly spread over all."""

QUANTILES = np.linspace(0.01, 0.99, 33)
"""Of the frame, that the tones follow."""

RADII = np.array([0.5, 1.5, 2.5, 3.5, 9.0]) / 8
"""Limits of the bands of spatial frequency, in cycles per voxel."""

LARGEST_LOG_RATIO = 3.0
"""Limit of the logarithm of a ratio of powers; the amplitudes then differ by at most a factor of 4.5."""

_SMALLEST_POWER = 1e-12
_MOST_CANDIDATES = 4096


@dataclass(frozen=True)
class Frame:
    """Where the frame of an image lies.

    Attributes
    ----------
    support : bool (*shape)
        Voxels of the image that are shown at all: others are never changed.
    inside : bool (*shape)
        The support outside of the field.
    weight : float (*shape)
        The same, smoothed: 1 deep in the frame, 0 deep in the field and outside of the support.
    corners : int (patches, axes)
        First voxel of every patch; patches lie inside the frame and do not overlap.
    size : int
        Voxels along an edge of a patch; 0 where there are none.
    """

    support: BoolArray
    inside: BoolArray
    weight: FloatArray
    corners: npt.NDArray[np.intp]
    size: int


@dataclass(frozen=True)
class FrameTraits:
    """What was measured of the frame of one image.

    Attributes
    ----------
    quantiles : float (channels, 33)
        Tones.
    power : float (channels, bands)
        Median over the patches of the log power at some radii; nan where there are no patches, or too small ones for
        a band.
    """

    quantiles: FloatArray
    power: FloatArray


@dataclass(frozen=True)
class Donor:
    """An image whose frame another one gets.

    Attributes
    ----------
    image : float (channels, *shape)
    support : bool (*shape)
    traits : FrameTraits
    """

    image: FloatArray
    support: BoolArray
    traits: FrameTraits


def frame_share(field: BoolArray, support: BoolArray) -> float:
    """Share of what an image shows that lies outside of the field; both bool (*shape)."""
    shown = int(support.sum())
    return int((support & ~field).sum()) / shown if shown else 0.0


def patch_size(inside: BoolArray) -> int:
    """Choose the size of the patches of a frame, bool (*shape); 0 if it has no room for `LEAST_PATCHES` of any size."""
    counts = {size: len(_corners(inside, size)) for size in SIZES}
    for least in (WANTED_PATCHES, LEAST_PATCHES):
        for size in SIZES:
            if counts[size] >= least:
                return size
    return 0


def frame_of(field: BoolArray, support: BoolArray, spacing: Sequence[float], size: int) -> Frame:
    """Find the frame of an image.

    Parameters
    ----------
    field : bool (*shape)
        Where the disease can be.
    support : bool (*shape)
        Voxels that the image shows.
    spacing : sequence of float
        Voxel size per axis; the smoothing is one voxel along the finest axis and as many millimetres along the others.
    size : int
        Of the patches, the same for images that are compared; see `patch_size`.
    """
    inside = support & ~field
    sigma = min(spacing) / np.asarray(spacing)
    weight = ndimage.gaussian_filter((~field).astype(np.float64), sigma, mode="nearest") * support
    corners = _corners(inside, size)
    kept = np.linspace(0, len(corners) - 1, min(len(corners), MOST_PATCHES)).round().astype(np.intp)
    return Frame(support, inside, weight, corners[kept], size)


def traits(image: FloatArray, frame: Frame) -> FrameTraits:
    """Measure the frame of an image, float (channels, *shape)."""
    quantiles = np.quantile(image[:, frame.inside], QUANTILES, axis=1).T
    return FrameTraits(quantiles, np.stack([_power(channel, frame) for channel in image]))


def composed(image: FloatArray, frame: Frame, donor: Donor) -> FloatArray:
    """Give an image the tones, the sharpness and the frame of a donor.

    Parameters
    ----------
    image : float (channels, *shape)
    frame : Frame
        Of the image.
    donor : Donor

    Returns
    -------
    float32 (channels, *shape)
        Where the donor shows nothing the image keeps its own frame, in the donor's tones; outside of its support an
        image stays as it is.
    """
    toned = _toned(image, frame, traits(image, frame).quantiles, donor.traits.quantiles)
    moved = _sharpened(toned, frame, donor.traits.power - traits(toned, frame).power)
    return swapped(moved, frame, donor.image, donor.support)


def retoned(image: FloatArray, pattern: FloatArray, frame: Frame) -> FloatArray:
    """Give an image the tones that a pattern has in the same frame; both float (channels, *shape)."""
    return _toned(image, frame, traits(image, frame).quantiles, traits(pattern, frame).quantiles)


def swapped(image: FloatArray, frame: Frame, donor: FloatArray, shown: BoolArray) -> FloatArray:
    """Put the frame of a donor around the field of an image; nothing else changes.

    Parameters
    ----------
    image, donor : float (channels, *shape)
    frame : Frame
        Of the image.
    shown : bool (*shape)
        Support of the donor.

    Returns
    -------
    float32 (channels, *shape)
    """
    weight = frame.weight * shown
    return np.asarray(image * (1 - weight) + donor * weight, dtype=np.float32)


def _toned(image: FloatArray, frame: Frame, source: FloatArray, target: FloatArray) -> FloatArray:
    """Shift every tone as its quantile differs; beyond the outermost ones the shift goes on as it is."""
    shifted = [
        channel + np.interp(channel, *_shifts(own, others))
        for channel, own, others in zip(image, source, target, strict=True)
    ]
    return np.where(frame.support, np.stack(shifted), image)


def _shifts(source: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Knots of the tone curve and the shift at each; quantiles that are the same tone get their mean shift."""
    knots, place, count = np.unique(source, return_inverse=True, return_counts=True)
    return knots, np.bincount(place, weights=target - source) / count


def _sharpened(image: FloatArray, frame: Frame, log_ratio: FloatArray) -> FloatArray:
    """Multiply the amplitudes at every radius by the root of a ratio of powers, the mean excepted."""
    if frame.support.all():
        filled = image
    else:
        nearest = ndimage.distance_transform_edt(~frame.support, return_distances=False, return_indices=True)
        filled = image[(slice(None), *nearest)]
    radius, axes = _radius(image.shape[1:]), tuple(range(1, image.ndim))
    spectrum = np.fft.fftn(filled, axes=axes) * np.stack([_gain(radius, own, frame) for own in log_ratio])
    return np.where(frame.support, np.fft.ifftn(spectrum, axes=axes).real, image)


def _gain(radius: FloatArray, log_ratio: FloatArray, frame: Frame) -> FloatArray:
    """Factor on the amplitude at every frequency (*shape), interpolated between the middles of the bands."""
    known = np.isfinite(log_ratio)
    if not known.any():
        return np.ones(radius.shape)
    limited = np.clip(log_ratio[known], -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
    gain = np.exp(0.5 * np.interp(radius, _middles(frame)[known], limited))
    gain[radius == 0] = 1.0
    return np.asarray(gain)


def _power(channel: FloatArray, frame: Frame) -> FloatArray:
    """Log power in every band, median over the patches."""
    axes, size = channel.ndim, frame.size
    if not len(frame.corners):
        return np.full(len(RADII) - 1, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(channel, (size,) * axes)
    patches = windows[tuple(frame.corners.T)]
    within = tuple(range(1, axes + 1))
    centred = (patches - patches.mean(within, keepdims=True)) * _hann(size, axes)
    spectra = np.abs(np.fft.fftn(centred, axes=within)) ** 2
    bands = [spectra[:, band].mean(1) if band.any() else np.full(len(patches), np.nan) for band in _bands(size, axes)]
    return np.median(np.log(np.asarray(bands) + _SMALLEST_POWER), axis=1)


def _hann(size: int, axes: int) -> FloatArray:
    window = np.hanning(size)
    result = np.ones((size,) * axes)
    for axis in range(axes):
        result = result * window.reshape([-1 if own == axis else 1 for own in range(axes)])
    return result


def _bands(size: int, axes: int) -> list[BoolArray]:
    """Frequencies of a patch that lie in each band."""
    radius = _radius((size,) * axes)
    return [(radius >= low) & (radius < high) for low, high in pairwise(RADII)]


def _middles(frame: Frame) -> FloatArray:
    """Mean radius of each band, in cycles per voxel; nan where a patch has no frequency in it."""
    axes = frame.inside.ndim
    radius = _radius((frame.size,) * axes)
    return np.array([radius[band].mean() if band.any() else np.nan for band in _bands(frame.size, axes)])


def _radius(shape: Sequence[int]) -> FloatArray:
    """Spatial frequency at every place of a spectrum, in cycles per voxel."""
    axes = np.meshgrid(*[np.fft.fftfreq(size) for size in shape], indexing="ij")
    return np.asarray(np.sqrt(sum(axis**2 for axis in axes)))


def _corners(inside: BoolArray, size: int) -> npt.NDArray[np.intp]:
    """First voxels of patches that lie inside and do not overlap, taken in order of the axes; int (patches, axes)."""
    if not size:
        return np.empty((0, inside.ndim), dtype=np.intp)
    free = inside.astype(np.uint8)
    for axis in range(inside.ndim):
        free = ndimage.minimum_filter1d(free, size, axis, mode="constant", cval=0, origin=-(size // 2))
    candidates = np.argwhere(free)
    kept = np.linspace(0, len(candidates) - 1, min(len(candidates), _MOST_CANDIDATES)).round().astype(np.intp)
    taken, corners = np.zeros(inside.shape, dtype=np.bool_), []
    for candidate in candidates[kept].tolist():
        if not taken[tuple(candidate)]:
            corners.append(candidate)
            taken[tuple(slice(max(0, place - size + 1), place + size) for place in candidate)] = True
    return np.asarray(corners, dtype=np.intp).reshape(-1, inside.ndim)
