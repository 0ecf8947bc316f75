"""Signature transfer: give an image the acquisition of the other side, and leave its anatomy and pathology alone.

A signature is measured by what focal pathology hardly moves. Every image is divided by the median of its foreground. Of
each side the .1, .5 and .9 quantiles over subjects are taken at every voxel: an acquisition moves all three, a lesion
that only some patients have there moves one tail. The difference of the sides is what the three agree on: the smallest
if they have one sign, nothing otherwise. The same holds for sharpness along each axis, which is compared first. Noise
and the size of the foreground are measured on every image. An image is moved by the *difference* of the two sides, so
that whatever distinguishes it inside its own side stays.

Quantiles for contaminated samples: Huber 1964 (doi:10.1214/aoms/1177703732). Sharpness and noise: Immerkaer 1996
(doi:10.1006/cviu.1996.0060).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage, optimize

from biasaudit.records import BoolArray, FloatArray, Volume

__all__ = ["Difference", "Signature", "Traits", "difference", "impose", "signature", "traits"]

QUANTILES = (0.1, 0.5, 0.9)
"""Over the subjects of a side, at every voxel; the middle one is the median."""

MOST_SUBJECTS = 128
"""Images of a side that its quantiles are taken over, so that memory does not grow with the cohort."""

_MIDDLE = 1
_FLOOR = 1e-3
_MAD = 1.4826
_LARGEST_GAIN = 4.0
_LARGEST_BLUR = 1.0
_LEAST_BLUR = 0.03
_CLIP = 2.0
_BINS = 16
_COVERED = 0.9
_SMALLEST = 50


@dataclass(frozen=True)
class Traits:
    """The low-level statistics of one image.

    Attributes
    ----------
    scale : float (channels,)
        Median intensity inside the foreground, or its interquartile range where that is larger. Red, green and blue of
        a picture share one, so that their balance is part of the signature.
    noise : float (channels,)
        Logarithm of the noise SD in units of `scale`.
    volume : float
        Logarithm of the number of foreground voxels.
    """

    scale: FloatArray
    noise: FloatArray
    volume: float


@dataclass(frozen=True)
class Signature:
    """One side of the cohort.

    Attributes
    ----------
    noise : float (channels,)
        Mean log noise.
    volume : float
        Mean log foreground.
    quantiles : float32 (3, channels, *shape)
        Quantiles over subjects of the scaled images, among those whose foreground covers the voxel.
    coverage : float (*shape)
        Share of those subjects.
    """

    noise: FloatArray
    volume: float
    quantiles: FloatArray
    coverage: FloatArray


@dataclass(frozen=True)
class Difference:
    """The edit that takes an image from one side to the other.

    Attributes
    ----------
    noise, volume
        Differences of the `Signature` numbers.
    blur : tuple of tuple of float
        Per channel and axis the variance in voxels^2 of the Gaussian to apply; negative: to undo.
    shift : float (channels, *shape)
        What is added to the scaled image afterwards.
    target : Signature
    """

    noise: FloatArray
    volume: float
    blur: tuple[tuple[float, ...], ...]
    shift: FloatArray
    target: Signature


def traits(volume: Volume) -> Traits:
    """Measure one image."""
    scale = _scale(volume)
    noise = [_noise(c / s, volume.foreground) for c, s in zip(volume.image, scale, strict=True)]
    return Traits(
        scale=scale,
        noise=np.log(np.maximum(noise, _FLOOR)),
        volume=float(np.log(max(1, int(volume.foreground.sum())))),
    )


def signature(volumes: Iterator[Volume], known: Sequence[Traits]) -> Signature:
    """Measure one side.

    Parameters
    ----------
    volumes : iterator of Volume
        At most `MOST_SUBJECTS` of them are kept in memory, in half precision; evenly spread over all.
    known : sequence of Traits
        Of the same images.

    Raises
    ------
    ValueError
        If there are no images.
    """
    if not known:
        raise ValueError("a side without images has no signature")
    kept = set(np.linspace(0, len(known) - 1, min(len(known), MOST_SUBJECTS)).round().astype(int).tolist())
    images, covered = [], []
    for number, volume in enumerate(volumes):
        if number in kept:
            images.append((volume.image / _spread_out(known[number].scale, volume.foreground.ndim)).astype(np.float16))
            covered.append(volume.foreground)
    return Signature(
        noise=np.mean([each.noise for each in known], axis=0),
        volume=float(np.mean([each.volume for each in known])),
        quantiles=_quantiles(np.stack(images), np.stack(covered)),
        coverage=np.mean(covered, axis=0),
    )


def difference(source: Signature, target: Signature) -> Difference:
    """Estimate the edit that maps the source signature onto the target signature."""
    inside = (source.coverage > _COVERED) & (target.coverage > _COVERED)
    deep = ndimage.binary_erosion(inside, iterations=2)
    deep = deep if deep.sum() >= _SMALLEST else inside
    if not deep.any():
        return _nothing(source, target)
    blur, shift = [], []
    for channel in range(source.quantiles.shape[1]):
        pairs = [
            (_extended(first[channel], source.coverage > 0.5), _extended(second[channel], target.coverage > 0.5))
            for first, second in zip(source.quantiles, target.quantiles, strict=True)
        ]
        own = _agreed_blur(pairs, deep)
        blur.append(own)
        shift.append(_agreed(np.stack([second - _filtered(first, own) for first, second in pairs])))
    either = (source.coverage > 0.5) & (target.coverage > 0.5)
    return Difference(
        noise=target.noise - source.noise,
        volume=target.volume - source.volume,
        blur=tuple(blur),
        shift=np.where(either, np.stack(shift), 0.0),
        target=target,
    )


def _nothing(source: Signature, target: Signature) -> Difference:
    """No difference at all: the sides have no voxel in common to compare."""
    still = ((0.0,) * source.coverage.ndim,) * source.quantiles.shape[1]
    return Difference(np.zeros_like(source.noise), 0.0, still, np.zeros_like(source.quantiles[0]), target)


def impose(volume: Volume, own: Traits, change: Difference, chance: np.random.Generator) -> Volume:
    """Move an image by the difference of two signatures.

    Parameters
    ----------
    volume : Volume
        Its tissue maps, if any, are dropped: they were made from another image.
    own : Traits
        Of this image.
    change : Difference
    chance : Generator
        For added noise.

    Returns
    -------
    Volume
        With the image and the foreground changed; the pathology mask is the same.
    """
    foreground = _resized(volume.foreground, change.volume)
    # What extraction had cut away is nowhere in this image; the other side's median shows what lies there.
    grown = foreground & ~volume.foreground & (change.target.coverage > 0.05)
    channels = []
    for number, channel in enumerate(volume.image):
        image = _extended(channel / own.scale[number], volume.foreground)
        image = _filtered(image, change.blur[number]) + change.shift[number]
        image = np.where(grown, change.target.quantiles[_MIDDLE, number], image)
        image = _with_noise(image, foreground, float(np.exp(own.noise[number] + change.noise[number])), chance)
        outside = channel if (channel[~volume.foreground] != 0).any() else np.zeros_like(channel)
        channels.append(np.where(foreground, image * own.scale[number], outside))
    return replace(volume, image=np.stack(channels).astype(np.float32), foreground=foreground, tissue=None)


def _scale(volume: Volume) -> FloatArray:
    """Median inside the foreground, or the interquartile range where that is larger: intensities around or below 0."""
    inside = volume.foreground
    if not inside.any():
        return np.ones(len(volume.image))
    values = [volume.image[picture][:, inside] for picture in volume.pictures]
    low, middle, high = np.stack([np.quantile(own, (0.25, 0.5, 0.75)) for own in values], axis=1)
    scale = np.repeat(np.maximum(middle, high - low), [len(own) for own in values])
    return np.asarray(np.where(scale > 1e-12, scale, 1.0), dtype=np.float64)


def _spread_out(values: FloatArray, dimensions: int) -> FloatArray:
    return np.asarray(values[(...,) + (None,) * dimensions])


def _quantiles(images: FloatArray, covered: BoolArray) -> FloatArray:
    """Quantiles of images (n, channels, *shape) over the subjects that cover a voxel, plane by plane; 0 where none."""
    result = np.zeros((len(QUANTILES), *images.shape[1:]), dtype=np.float32)
    for plane in range(images.shape[2]):
        values = images[:, :, plane].astype(np.float32)
        values[~np.broadcast_to(covered[:, None, plane], values.shape)] = np.inf
        values.sort(axis=0)
        count = covered[:, plane].sum(axis=0)
        for place, quantile in enumerate(QUANTILES):
            rank = np.maximum(np.round(quantile * (count - 1)), 0).astype(np.intp)
            chosen = np.take_along_axis(values, np.broadcast_to(rank, (1, *values.shape[1:])), axis=0)[0]
            result[place, :, plane] = np.where(np.isfinite(chosen), chosen, 0.0)
    return result


def _agreed(values: FloatArray) -> FloatArray:
    """Return what the first axis agrees on: the smallest where all have one sign, else 0."""
    low, high = values.min(axis=0), values.max(axis=0)
    return np.where(low > 0, low, np.where(high < 0, high, 0.0))


def _agreed_blur(pairs: Sequence[tuple[FloatArray, FloatArray]], inside: BoolArray) -> tuple[float, ...]:
    """Blur that the quantile images agree on; the outer ones are asked only if the median finds any."""
    first = _sharpness(*pairs[_MIDDLE], inside)
    if max(map(abs, first)) < _LEAST_BLUR:
        return (0.0,) * len(first)
    each = [first] + [_sharpness(*pair, inside) for place, pair in enumerate(pairs) if place != _MIDDLE]
    return tuple(float(value) for value in _agreed(np.asarray(each)))


def _sharpness(source: FloatArray, target: FloatArray, inside: BoolArray) -> tuple[float, ...]:
    """Per axis the variance of the Gaussian that makes the source as sharp as the target, tones allowed to differ."""
    variances = [0.0] * source.ndim
    for _ in range(2):
        for axis in range(source.ndim):

            def misfit(variance: float, axis: int = axis) -> float:
                trial = [*variances[:axis], variance, *variances[axis + 1 :]]
                first, second = _equally_sharp(source, target, trial)
                rest = second[inside] - _toned(first[inside], *_curve(first, second, inside))
                return float(np.mean(rest**2) / max(float(second[inside].var()), 1e-12))

            found = optimize.minimize_scalar(
                misfit, bounds=(-_LARGEST_BLUR, _LARGEST_BLUR), method="bounded", options={"xatol": 0.02, "maxiter": 14}
            )
            variances[axis] = float(found.x)
    return tuple(variances)


def _equally_sharp(source: FloatArray, target: FloatArray, variances: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Blur along each axis whichever of the two is sharper."""
    first = _filtered(source, [max(variance, 0.0) for variance in variances])
    return first, _filtered(target, [max(-variance, 0.0) for variance in variances])


def _curve(source: FloatArray, target: FloatArray, inside: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Rising tone curve: median of the target where the source lies in each of equally filled bins."""
    values, others = source[inside], target[inside]
    order = np.argsort(values, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if part.size]
    knots = np.array([np.median(values[part]) for part in parts])
    tones = np.maximum.accumulate([np.median(others[part]) for part in parts])
    kept = np.concatenate([[True], np.diff(knots) > 1e-9])
    return knots[kept], tones[kept]


def _toned(image: FloatArray, knots: FloatArray, tones: FloatArray) -> FloatArray:
    """Apply a tone curve; beyond its ends the nearest knot's shift goes on, so that lesions keep their contrast."""
    return np.asarray(image + np.interp(image, knots, tones - knots))


def _noise(channel: FloatArray, inside: BoolArray) -> float:
    """Noise SD: robust SD of the second mixed differences, which smooth anatomy hardly moves (Immerkaer 1996)."""
    deep = ndimage.binary_erosion(inside, iterations=2) if inside.any() else inside
    if deep.sum() < _SMALLEST:
        return 0.0
    rest = channel - ndimage.uniform_filter(channel, 3)
    values = rest[deep]
    return float(_MAD * np.median(np.abs(values - np.median(values))))


def _extended(image: FloatArray, inside: BoolArray) -> FloatArray:
    """Continue the image beyond its foreground by the nearest voxel inside, so that filters see no edge to zero."""
    if inside.all() or not inside.any():
        return image
    nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return np.asarray(image[tuple(nearest)])


def _filtered(image: FloatArray, blur: Sequence[float]) -> FloatArray:
    """Blur (positive variance) or sharpen (negative, gain bounded) along each axis."""
    for axis, variance in enumerate(blur):
        if abs(variance) < 1e-4:
            continue
        frequency = np.fft.rfftfreq(image.shape[axis]) * 2 * np.pi
        gain = np.minimum(np.exp(-0.5 * variance * frequency**2), _LARGEST_GAIN)
        shape = [1] * image.ndim
        shape[axis] = -1
        spectrum = np.fft.rfft(image, axis=axis) * gain.reshape(shape)
        image = np.fft.irfft(spectrum, n=image.shape[axis], axis=axis)
    return image


def _with_noise(image: FloatArray, inside: BoolArray, wanted: float, chance: np.random.Generator) -> FloatArray:
    """Bring the noise to the wanted SD: add some, or shrink what is no larger than noise."""
    present = _noise(image, inside)
    if present <= 0:
        return image
    if wanted > present:
        extra = np.sqrt(wanted**2 - present**2) / _NOISE_GAIN[image.ndim]
        return np.asarray(image + chance.normal(0.0, extra, image.shape))
    rest = image - ndimage.uniform_filter(image, 3)
    small = np.clip(rest, -_CLIP * present, _CLIP * present)
    return np.asarray(image - (1 - wanted / present) * small)


_NOISE_GAIN = {2: np.sqrt(1 - 1 / 9), 3: np.sqrt(1 - 1 / 27)}
"""SD that white noise keeps after its local mean of 3 voxels per axis is taken away."""


def _resized(inside: BoolArray, log_ratio: float) -> BoolArray:
    """Grow or shrink a foreground to the given ratio of its volume, by a threshold on its smoothed indicator."""
    if abs(log_ratio) < 1e-4 or not inside.any() or inside.all():
        return inside
    smooth = ndimage.gaussian_filter(inside.astype(np.float32), 1.0) + 1e-3 * inside
    count = min(inside.size - 1, max(1, round(float(inside.sum() * np.exp(log_ratio)))))
    # A full sort: partitioning stalls on the many equal values outside.
    threshold = np.sort(smooth, axis=None)[-count]
    return np.asarray(smooth >= threshold)
