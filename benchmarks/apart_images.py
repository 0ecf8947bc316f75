"""Another simulator, kept apart from the calibration's: real FLAIR brains and expert lesion masks, other signatures.

A subject is a random mixture of three real brains and their mirror images, lesions in-painted, under a smooth warp of
plane waves. A patient's lesions are pieces of the real lesions of all three. A site acquires the head and strips it.
Nothing here is shared with `biasaudit.cohort.simulation.phantom`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.cluster.vq import kmeans2

Array = NDArray[np.floating]

STEP = 3  # source voxels of 2 mm per voxel of the cohort: 6 mm
SHAPE = (31, 37, 31)
_VENTRICLES = np.array([45.0, 55.0, 43.0])
_LARGEST_PIECE = 150
_LESION = 0.65
_SIGNED = ("tone", "shading", "zoom")


@dataclass(frozen=True)
class Library:
    """What subjects are made of: brains without lesions, where they are, and pieces of lesions (source voxels)."""

    brains: Array
    inside: Array
    pieces: tuple[NDArray[np.intp], ...]
    affine: Array


@dataclass(frozen=True)
class Traits:
    """One subject: number (also of its random stream), lesion load and unmarked tissue loss if it is ill."""

    index: int
    load: float
    atrophy: float


@dataclass(frozen=True)
class Anatomy:
    """A head before acquisition on the cohort's grid: intensities, brain fraction, lesion fraction."""

    head: Array
    brain: Array
    lesions: Array


def load_library(openms: Path) -> Library:
    brains, inside, pieces = [], [], []
    for path in sorted(openms.glob("sub-*/anat/*_FLAIR.nii.gz")):
        image = nib.load(path)
        flair = np.asarray(image.dataobj, dtype=np.float32)
        subject = path.name.split("_")[0]
        (mask_path,) = (openms / "derivatives" / "lesions" / subject).glob("anat/*_label-L_mask.nii.gz")
        mask = np.asarray(nib.load(mask_path).dataobj) > 0
        brain = ndimage.binary_fill_holes(flair > 0)
        healthy = _healed(flair, mask, brain) / np.median(flair[flair > 0])
        for mirrored in (False, True):
            turn = slice(None, None, -1 if mirrored else 1)
            brains.append(ndimage.gaussian_filter(healthy[turn], 1.0))
            inside.append(ndimage.gaussian_filter(brain[turn].astype(np.float32), 1.0))
            pieces.extend(_pieces(mask[turn]))
    affine = np.asarray(image.affine) @ np.diag([STEP, STEP, STEP, 1.0])
    return Library(np.stack(brains), np.stack(inside), tuple(pieces), affine)


def _healed(flair: Array, mask: NDArray[np.bool_], brain: NDArray[np.bool_]) -> Array:
    """Replace lesions by the typical white matter around them, with the grain of the image."""
    hole = ndimage.binary_dilation(mask, iterations=1) & brain
    rim = ndimage.binary_dilation(hole, iterations=4) & brain & ~hole
    usual = rim & (flair > 0.85 * np.median(flair[rim])) & (flair < 1.15 * np.median(flair[rim]))
    nearest = ndimage.distance_transform_edt(~usual, return_distances=False, return_indices=True)
    smooth = ndimage.gaussian_filter(flair[tuple(nearest)], 1.5)
    return np.where(hole, smooth, flair)


def _pieces(mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    labels, count = ndimage.label(mask)
    found: list[NDArray[np.intp]] = []
    for number in range(1, count + 1):
        voxels = np.argwhere(labels == number)
        parts = max(1, round(len(voxels) / _LARGEST_PIECE))
        _, own = kmeans2(voxels.astype(float), parts, minit="points", seed=number)
        found.extend(voxels[own == part] for part in range(parts) if (own == part).sum() >= 8)
    return found


def anatomy(library: Library, traits: Traits, seed: int, *, pathology: bool) -> Anatomy:
    """One subject with or without its disease; everything else stays the same."""
    chance = np.random.default_rng([seed, traits.index])
    coordinates = _warp(chance)
    weights = chance.dirichlet(np.full(len(library.brains), 0.6))
    chosen = _chosen_pieces(library, traits.load, chance)
    brightness = _LESION * chance.uniform(0.75, 1.25)
    if pathology and traits.atrophy:
        coordinates = _widened(coordinates, traits.atrophy)
    tissue, inside = (
        _sampled(np.tensordot(weights.astype(np.float32), stack, 1), coordinates)
        for stack in (library.brains, library.inside)
    )
    share = np.zeros(SHAPE)
    if pathology:
        lesions = np.zeros(library.brains.shape[1:], dtype=np.float32)
        lesions[tuple(np.concatenate(chosen).T)] = 1.0
        share = np.clip(_sampled(ndimage.gaussian_filter(lesions, 1.0), coordinates), 0.0, 1.0)
    return Anatomy(_head(tissue + brightness * share, inside), inside, share)


def _warp(chance: np.random.Generator) -> Array:
    """Where every voxel of the grid lies in the source: turn, scale and twelve plane waves."""
    grid = np.stack(np.meshgrid(*(STEP * np.arange(n) for n in SHAPE), indexing="ij")).astype(float)
    centre = np.array([45.0, 52.0, 42.0])[:, None, None, None]
    linear = np.eye(3) + chance.normal(0, 0.025, (3, 3))
    moved = np.tensordot(linear, grid - centre, 1) + centre
    for _ in range(12):
        direction = chance.normal(size=3)
        wave = direction / np.linalg.norm(direction) * 2 * np.pi / chance.uniform(30, 90)
        phase = np.tensordot(wave, grid, 1) + chance.uniform(0, 2 * np.pi)
        moved = moved + chance.normal(0, 0.6, 3)[:, None, None, None] * np.cos(phase)
    return np.asarray(moved)


def _widened(coordinates: Array, amount: float) -> Array:
    centre = _VENTRICLES[:, None, None, None]
    away = coordinates - centre
    return np.asarray(centre + away * (1 - amount * np.exp(-(away**2).sum(0) / (2 * 13.0**2))))


def _sampled(values: Array, coordinates: Array) -> Array:
    return np.asarray(ndimage.map_coordinates(values, coordinates, order=1, mode="constant"))


def _chosen_pieces(library: Library, load: float, chance: np.random.Generator) -> list[NDArray[np.intp]]:
    count = int(np.clip(round(9 * load * np.exp(chance.normal(0, 0.5))), 1, 60))
    sizes = np.sqrt([len(piece) for piece in library.pieces])
    order = chance.choice(len(sizes), count, replace=False, p=sizes / sizes.sum())
    return [library.pieces[k] for k in order]


def _head(tissue: Array, inside: Array) -> Array:
    """Dark fluid and a bright layer of fat around the brain, so that filters and strippers meet something there."""
    out = ndimage.distance_transform_edt(inside < 0.5)
    fat = np.exp(-0.5 * ((out - 2.5) / 0.7) ** 2)
    return np.asarray(tissue * (inside >= 0.5) + (inside < 0.5) * (0.25 * (out < 2) + 1.3 * fat))


def acquire(
    anatomy_: Anatomy, values: Mapping[str, float], traits: Traits, seed: int, *, stripped: bool = True
) -> tuple[Array, NDArray[np.bool_]]:
    """The image of a head at one site, by default stripped, and the lesion mask on its grid.

    `values` holds the strength of every kind of signature at the site; 0 is the plain acquisition.
    """
    chance = np.random.default_rng([seed, 1, traits.index])
    head = anatomy_.head ** np.exp(chance.normal(0, 0.06)) * np.exp(_own_shading(chance))
    noise = chance.normal(0, 0.035, (2, *SHAPE))
    brain, lesions = anatomy_.brain, anatomy_.lesions
    for kind, value in values.items():
        if kind == "zoom" and value:
            head, brain, lesions = (_zoomed(each, value) for each in (head, brain, lesions))
        elif kind in _EFFECTS and value:
            head = _EFFECTS[kind](head, value, seed)
    image = np.hypot(head + noise[0], noise[1])
    if values.get("quantise"):
        step = 0.02 + 0.22 * values["quantise"]
        image = np.maximum(step * np.round(image / step), 0.01)
    inside = ndimage.gaussian_filter(brain, 0.5) > np.clip(0.5 - 0.42 * values.get("remnant", 0.0), 0.03, 0.97)
    gain = 700 * np.exp(chance.normal(0, 0.15))
    shown = inside if stripped else np.ones_like(inside)
    return np.asarray(gain * image * shown, dtype=np.float32), np.asarray((lesions > 0.12) & inside)


def site_value(kind: str, strength: float, place: float, seed: int) -> float:
    """Strength of a kind at a site that lies at `place` from 0 (plain) to 1; signed kinds lie around the plain one."""
    if kind not in _SIGNED:
        return strength * place
    sign = np.random.default_rng([seed, 2]).choice([-1.0, 1.0])
    return float(sign * strength * (place - 0.5))


def _own_shading(chance: np.random.Generator) -> Array:
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    return np.asarray(sum(c * a for c, a in zip(chance.normal(0, 0.03, 3), axes, strict=True)))


def _tone(head: Array, value: float, seed: int) -> Array:
    """Sigmoid tone curve (positive) or its inverse shape (negative) around white matter."""
    curve = 1 + 0.55 * np.tanh((head - 1) / 0.25)
    return np.asarray(np.clip(head + 0.5 * value * (curve - head) * np.exp(-((head - 1) ** 2)), 0, None))


def _shading(head: Array, value: float, seed: int) -> Array:
    """Smooth field of third and fourth order."""
    chance = np.random.default_rng([seed, 3])
    axes = np.meshgrid(*(np.linspace(-1.2, 1.2, n) for n in SHAPE), indexing="ij")
    field = np.zeros(SHAPE)
    for order in (3, 4):
        for axis in axes:
            wave = np.cos(order * np.pi / 2 * axis + chance.uniform(0, 2 * np.pi))
            field += chance.normal() * wave * np.cos(axes[int(chance.integers(3))])
    return np.asarray(head * np.exp(0.22 * value * field / field.std()))


def _ghost(head: Array, value: float, seed: int) -> Array:
    """A faint copy, half a field of view away along the phase axis, that comes and goes with a sine."""
    wave = 1 + np.sin(np.arange(SHAPE[1]) * 2 * np.pi / 5)[None, :, None]
    return np.asarray(head + 0.22 * value * np.roll(head, SHAPE[1] // 2, 1) * wave)


def _ringing(head: Array, value: float, seed: int) -> Array:
    """Cut off k-space along two axes (Gibbs)."""
    spectrum = np.fft.fftn(head)
    for axis in (0, 1):
        frequency = np.abs(np.fft.fftfreq(SHAPE[axis])).reshape([-1 if k == axis else 1 for k in range(3)])
        spectrum = spectrum * (frequency <= 0.5 * (1 - min(0.7, 0.4 * value)))
    return np.asarray(np.abs(np.fft.ifftn(spectrum).real))


def _thickness(head: Array, value: float, seed: int) -> Array:
    """Thick slices along z, interpolated back."""
    count = round(SHAPE[2] / (1 + 0.9 * value))
    thick = ndimage.zoom(ndimage.uniform_filter1d(head, max(1, round(1 + 0.9 * value)), 2), (1, 1, count / SHAPE[2]))
    return np.asarray(ndimage.zoom(thick, (1, 1, SHAPE[2] / thick.shape[2]), order=1)[:, :, : SHAPE[2]])


def _motion(head: Array, value: float, seed: int) -> Array:
    """Two displaced copies along y."""
    moved = ndimage.shift(head, (0, 1.3, 0), order=1) + 0.6 * ndimage.shift(head, (0, -2.2, 0), order=1)
    share = min(0.6, 0.3 * value)
    return np.asarray((1 - share) * head + share * moved / 1.6)


def _haze(head: Array, value: float, seed: int) -> Array:
    """Scattered light: a broad glow added over everything, strongest at one side."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    return np.asarray(head + 0.3 * value * np.exp(-((axes[1] - 0.5) ** 2) - axes[2] ** 2 - 0.5 * axes[0] ** 2))


def _zoomed(values: Array, value: float) -> Array:
    scale, centre = 1 - 0.07 * value, (np.array(SHAPE) - 1) / 2
    offset = centre - scale * (centre + np.array([0.0, 0.6, -0.6]) * value)
    return np.asarray(ndimage.affine_transform(values, np.full(3, scale), offset, order=1))


_EFFECTS: Mapping[str, Callable[[Array, float, int], Array]] = {
    "tone": _tone,
    "shading": _shading,
    "ghost": _ghost,
    "ringing": _ringing,
    "thickness": _thickness,
    "motion": _motion,
    "haze": _haze,
}
