"""Signature transfer: give an image the acquisition of the other side, and leave its anatomy and pathology alone.

A signature is measured by few numbers that focal pathology and tissue loss hardly move: per image a low-order bias
field, fitted robustly against a template of the whole cohort, the noise and the size of the foreground; per side the
mean image with those fields removed, which lends the tone curve and the sharpness along each axis. An image is moved by
the *difference* of the two sides, so that whatever distinguishes it inside its own side stays. The parts follow how an
image comes about: blur and resampling, contrast, field, noise, extraction.

Intensities of a site as a tone curve: Nyul and Udupa 1999 (doi:10.1002/(SICI)1522-2594(199912)42:6<1072), Shinohara et
al. 2014 (doi:10.1016/j.nicl.2014.08.008). Low-order log fields: Sled et al. 1998 (doi:10.1109/42.668698).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage, optimize

from biasaudit.records import BoolArray, FloatArray, Volume

__all__ = ["Difference", "Signature", "SignatureMeter", "Traits", "difference", "impose"]

_FLOOR = 1e-3
_DARK = 0.3
_OUTLIER = 3.0
_MAD = 1.4826
_LARGEST_GAIN = 4.0
_LARGEST_BLUR = 1.0
_CLIP = 2.0
_BINS = 16
_COVERED = 0.9
_SMALLEST = 50


@dataclass(frozen=True)
class Traits:
    """What is measured on one image.

    Attributes
    ----------
    scale : float (channels,)
        Mean intensity inside the foreground.
    field : float (channels, patterns)
        Coefficients of the log bias field.
    noise : float (channels,)
        Logarithm of the noise SD in units of `scale`.
    volume : float
        Logarithm of the number of foreground voxels.
    """

    scale: FloatArray
    field: FloatArray
    noise: FloatArray
    volume: float


@dataclass(frozen=True)
class Signature:
    """One side of the cohort.

    Attributes
    ----------
    field : float (channels, patterns)
        Mean coefficients of the log bias field.
    noise : float (channels,)
        Mean log noise.
    volume : float
        Mean log foreground.
    mean : float (channels, *shape)
        Mean image, scale and field removed, over the subjects whose foreground covers the voxel.
    coverage : float (*shape)
        Share of those subjects.
    """

    field: FloatArray
    noise: FloatArray
    volume: float
    mean: FloatArray
    coverage: FloatArray


@dataclass(frozen=True)
class Difference:
    """What takes an image from one side to the other.

    Attributes
    ----------
    field, noise, volume
        Differences of the `Signature` numbers.
    blur : tuple of tuple of float
        Per channel and axis the variance in voxels^2 of the Gaussian to apply; negative: to undo.
    curve : tuple of (float (k,), float (k,))
        Per channel the tone curve: levels in units of the scale, and what they become.
    target : Signature
    """

    field: FloatArray
    noise: FloatArray
    volume: float
    blur: tuple[tuple[float, ...], ...]
    curve: tuple[tuple[FloatArray, FloatArray], ...]
    target: Signature


class SignatureMeter:
    """Measures signatures against one template.

    Parameters
    ----------
    volumes : callable
        Gives the images of the cohort one after another; called once for the template.
    """

    def __init__(self, volumes: Callable[[], Iterator[Volume]]) -> None:
        total, count = None, None
        for volume in volumes():
            scaled = volume.image / self._scale(volume)[(...,) + (None,) * volume.foreground.ndim]
            own = np.where(volume.foreground, scaled, 0.0)
            total = own if total is None else total + own
            count = volume.foreground.astype(np.float64) if count is None else count + volume.foreground
        if total is None or count is None:
            raise ValueError("a cohort without images has no template")
        self.template = np.asarray(total / np.maximum(count, 1.0))
        self.patterns = _patterns(count.shape)

    def traits(self, volume: Volume) -> Traits:
        """Measure one image."""
        scale = self._scale(volume)
        fields = [self._field(c / s, t, volume) for c, s, t in zip(volume.image, scale, self.template, strict=True)]
        noise = [_noise(c / s, volume.foreground) for c, s in zip(volume.image, scale, strict=True)]
        return Traits(
            scale=scale,
            field=np.stack(fields),
            noise=np.log(np.maximum(noise, _FLOOR)),
            volume=float(np.log(max(1, int(volume.foreground.sum())))),
        )

    def signature(self, volumes: Iterator[Volume], known: Sequence[Traits] | None = None) -> Signature:
        """Measure one side.

        Parameters
        ----------
        volumes : iterator of Volume
        known : sequence of Traits, optional
            Of the same images, if measured before.
        """
        traits: list[Traits] = []
        total, count = np.zeros(self.template.shape), np.zeros(self.template.shape[1:])
        for number, volume in enumerate(volumes):
            own = self.traits(volume) if known is None else known[number]
            traits.append(own)
            total += np.where(volume.foreground, self.canonical(volume, own), 0.0)
            count += volume.foreground
        if not traits:
            raise ValueError("a side without images has no signature")
        return Signature(
            field=np.mean([each.field for each in traits], axis=0),
            noise=np.mean([each.noise for each in traits], axis=0),
            volume=float(np.mean([each.volume for each in traits])),
            mean=total / np.maximum(count, 1.0),
            coverage=count / len(traits),
        )

    def canonical(self, volume: Volume, traits: Traits) -> FloatArray:
        """Take scale and bias field out of an image, float (channels, *shape)."""
        fields = np.tensordot(traits.field, self.patterns, 1)
        return np.asarray(volume.image / np.exp(fields) / traits.scale[(...,) + (None,) * volume.foreground.ndim])

    @staticmethod
    def _scale(volume: Volume) -> FloatArray:
        inside = volume.foreground
        means = [float(channel[inside].mean()) if inside.any() else 1.0 for channel in volume.image]
        return np.asarray([mean if abs(mean) > 1e-12 else 1.0 for mean in means])

    def _field(self, scaled: FloatArray, template: FloatArray, volume: Volume) -> FloatArray:
        used = volume.foreground & (template > _DARK) & (scaled > _FLOOR)
        if used.sum() < _SMALLEST:
            return np.zeros(len(self.patterns))
        return _robust_fit(self.patterns[:, used], np.log(scaled[used] / template[used]))


def difference(source: Signature, target: Signature) -> Difference:
    """Return what takes an image from the source side to the target side."""
    inside = (source.coverage > _COVERED) & (target.coverage > _COVERED)
    deep = ndimage.binary_erosion(inside, iterations=2)
    deep = deep if deep.sum() >= _SMALLEST else inside
    blur, curves = [], []
    for first, second in zip(source.mean, target.mean, strict=True):
        pair = [_extended(first, source.coverage > 0.5), _extended(second, target.coverage > 0.5)]
        own = _sharpness(pair[0], pair[1], deep)
        blur.append(own)
        curves.append(_curve(*_equally_sharp(pair[0], pair[1], own), deep))
    return Difference(
        field=target.field - source.field,
        noise=target.noise - source.noise,
        volume=target.volume - source.volume,
        blur=tuple(blur),
        curve=tuple(curves),
        target=target,
    )


def impose(
    volume: Volume, traits: Traits, meter: SignatureMeter, change: Difference, chance: np.random.Generator
) -> Volume:
    """Move an image by the difference of two signatures.

    Parameters
    ----------
    volume : Volume
        Its tissue maps, if any, are dropped: they were made from another image.
    traits : Traits
        Of this image.
    meter : SignatureMeter
    change : Difference
    chance : Generator
        For added noise.

    Returns
    -------
    Volume
        With the image and the foreground changed; the pathology mask is the same.
    """
    foreground = _resized(volume.foreground, change.volume)
    grown = foreground & ~volume.foreground
    fields = np.tensordot(traits.field + change.field, meter.patterns, 1)
    channels = []
    for number, flat in enumerate(meter.canonical(volume, traits)):
        image = _extended(flat, volume.foreground)
        blurred = _filtered(image, [max(variance, 0.0) for variance in change.blur[number]])
        toned = _toned(blurred, *change.curve[number])
        image = _filtered(toned, [min(variance, 0.0) for variance in change.blur[number]])
        # What extraction had cut away is nowhere in this image; the other side's mean shows what lies there.
        known = grown & (change.target.coverage > 0.05)
        image = np.where(known, change.target.mean[number], image)
        image = image * np.exp(fields[number])
        image = _with_noise(image, foreground, float(np.exp(traits.noise[number] + change.noise[number])), chance)
        channel = volume.image[number]
        outside = channel if (channel[~volume.foreground] != 0).any() else np.zeros_like(channel)
        channels.append(np.where(foreground, image * traits.scale[number], outside))
    return replace(volume, image=np.stack(channels).astype(np.float32), foreground=foreground, tissue=None)


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


def _patterns(shape: Sequence[int]) -> FloatArray:
    """Linear and quadratic patterns, (patterns, *shape), of mean 0 and unit SD over the grid."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    products = [axes[i] * axes[j] for i in range(len(axes)) for j in range(i, len(axes))]
    patterns = np.stack([*axes, *products]).astype(np.float32)
    space = tuple(range(1, patterns.ndim))
    patterns = patterns - patterns.mean(space, keepdims=True)
    return np.asarray(patterns / patterns.std(space, keepdims=True))


def _robust_fit(design: FloatArray, values: FloatArray) -> FloatArray:
    """Least squares with an intercept, twice more without what lies beyond three robust SDs (lesions)."""
    columns = np.concatenate([design, np.ones((1, design.shape[1]), dtype=design.dtype)])
    kept = np.ones(values.size, dtype=bool)
    solution = np.zeros(len(columns))
    for _ in range(3):
        own = columns[:, kept].astype(np.float64)
        ridge = 1e-6 * own.shape[1] * np.eye(len(own))
        solution = np.linalg.solve(own @ own.T + ridge, own @ values[kept])
        rest = values - solution @ columns
        centre = np.median(rest)
        kept = np.abs(rest - centre) <= _OUTLIER * _MAD * np.median(np.abs(rest - centre)) + 1e-9
    return np.asarray(solution[:-1])


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
