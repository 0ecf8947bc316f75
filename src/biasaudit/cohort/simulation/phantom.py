"""Simulated cohorts with a planted signature, whose truth is known.

A subject's anatomy is the MNI152 tissue maps under a smooth random deformation; a patient's lesions are soft
ellipsoids in white matter near the ventricles with a log-normal load, as in multiple sclerosis. A site renders the
anatomy with its own contrast, noise, blur, bias field, gamma, resampling and skull-strip edge. Because the same anatomy
can be rendered at every site, with and without its lesions, the true reliance of any network is known
(`counterfactuals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from biasaudit import seeds
from biasaudit.cohort.images.template import tissue_priors
from biasaudit.cohort.simulation.soft import add_ellipsoid
from biasaudit.protocol import SIGNATURES, PhantomSettings
from biasaudit.records import BoolArray, FloatArray, Grid, Sample, Volume

__all__ = [
    "AGE_MEAN",
    "AGE_SD",
    "Anatomy",
    "Site",
    "acquired",
    "anatomy",
    "anatomy_of",
    "counterfactuals",
    "finding_share",
    "lesion_factor",
    "render",
    "site_names",
    "sites",
    "with_finding",
]

# FLAIR-like intensities of grey matter, white matter and fluid, and how much brighter than white matter a lesion is.
_GREY, _WHITE, _FLUID, _LESION = 1.0, 0.82, 0.15, 0.55
# Size of each signature at strength 1, in the unit that `render` uses it in.
_UNIT = {"contrast": 0.12, "noise": 0.7, "blur": 0.5, "bias_field": 0.18, "gamma": 0.25, "edge": 0.3, "resampling": 0.5}
_MASK_FRACTION = 0.1
_MEDIAN_LESIONS = 14.0
_CAVITIES = 4.0
AGE_MEAN, AGE_SD = 45.0, 12.0


@dataclass(frozen=True)
class Site:
    """A simulated scanner: its dataset, and one value per kind of signature."""

    name: str
    dataset: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Anatomy:
    """One simulated subject before acquisition.

    Attributes
    ----------
    tissue : float32 (3, *shape)
        GM, WM, CSF fractions.
    lesions : float32 (*shape)
        Lesion fraction, present whether or not it is rendered.
    index : int
        Number of the subject in the cohort.
    """

    tissue: FloatArray
    lesions: FloatArray
    index: int


def sites(phantom: PhantomSettings) -> tuple[Site, ...]:
    """List the simulated sites with their signatures.

    Datasets lie evenly between -1 and 1 of the dataset strength, sites of one dataset evenly around their dataset by
    the site strength. A second random sign per kind keeps the kinds from always pointing the same way.
    """
    names = site_names(phantom)
    datasets = sorted({parent for _, parent in names})
    signs = seeds.generator(phantom.seed, "phantom", "signs").choice([-1.0, 1.0], len(SIGNATURES))
    dataset: Mapping[str, float] = {str(kind): size for kind, size in phantom.dataset_signature.items()}
    site_strengths: Mapping[str, float] = {str(kind): size for kind, size in phantom.site_signature.items()}
    made = []
    for name, parent in names:
        siblings = [other for other, its_parent in names if its_parent == parent]
        centre = _evenly(datasets.index(parent), len(datasets))
        offset = _evenly(siblings.index(name), len(siblings))
        values = {
            kind: float(sign * (dataset.get(kind, 0.0) * centre + site_strengths.get(kind, 0.0) * offset))
            for kind, sign in zip(SIGNATURES, signs, strict=True)
        }
        made.append(Site(name, parent, values))
    return tuple(made)


def anatomy(
    phantom: PhantomSettings, index: int, age: float, grid: Grid, positive: bool, severity: float = 1.0
) -> Anatomy:
    """Simulate one subject's tissue and lesions.

    Parameters
    ----------
    phantom : PhantomSettings
    index : int
        Number of the subject; the same number gives the same anatomy and lesions at every site.
    age : float
        Years; costs tissue if the protocol plants an age effect.
    grid : Grid
    positive : bool
        Whether the unmarked disease effect (atrophy) applies; lesions are made either way and rendered on demand.
    severity : float
        Factor on the lesion load.
    """
    chance = seeds.generator(phantom.seed, "phantom", "anatomy", index)
    priors = tissue_priors(grid)
    coordinates = _deformation(grid, chance)
    tissue = np.stack([ndimage.map_coordinates(prior, coordinates, order=1, mode="nearest") for prior in priors])
    lost = phantom.age_effect * (age - AGE_MEAN) / 50.0 + (phantom.atrophy if positive else 0.0)
    tissue = _lose_tissue(tissue, lost)
    return Anatomy(tissue.astype(np.float32), _lesions(phantom.lesion_load * severity, tissue, grid, chance), index)


def render(phantom: PhantomSettings, subject: Anatomy, site: Site, grid: Grid, *, pathology: bool) -> Volume:
    """Simulate the image that one site acquires of an anatomy, with or without its lesions.

    Returns
    -------
    Volume
        Skull-stripped image (1, *shape) with zeros outside the brain, brain mask, lesion mask.
    """
    chance = seeds.generator(phantom.seed, "phantom", "acquisition", subject.index)
    site = acquired(phantom, site, subject.index)
    value = site.values
    grey, white, fluid = with_finding(phantom, subject, site, grid)
    image = (
        grey * _GREY * (1 + _UNIT["contrast"] * value["contrast"])
        + white * _WHITE
        + fluid * _FLUID * (1 + 2 * _UNIT["contrast"] * value["contrast"])
    )
    lesions = subject.lesions if pathology else np.zeros_like(subject.lesions)
    image = image * (1 - lesions) + lesions * (_WHITE + _LESION * phantom.lesion_contrast)
    image = ndimage.gaussian_filter(image, 1.6 * np.exp(_UNIT["blur"] * value["blur"]) / np.asarray(grid.spacing))
    image = np.clip(image, 0.0, None) ** np.exp(_UNIT["gamma"] * value["gamma"])
    image = image * np.exp(_bias_field(phantom, site, grid, chance))
    image = _rician(image, 0.03 * np.exp(_UNIT["noise"] * value["noise"]), chance)
    image = _resampled(image, _UNIT["resampling"] * value["resampling"])
    brain = _brain_mask(subject.tissue.sum(0), _UNIT["edge"] * value["edge"])
    return Volume(
        image=(image * brain)[None].astype(np.float32),
        foreground=brain,
        mask=(lesions > _MASK_FRACTION) & brain,
    )


def counterfactuals(sample: Sample, grid: Grid) -> Iterator[tuple[str, bool, Volume]]:
    """Render one subject at every site, without and with pathology.

    Yields
    ------
    site, pathology, volume
        The anatomy keeps its noise stream and its age; the unmarked disease effect comes and goes with the lesions,
        since both are pathology.
    """
    phantom = PhantomSettings.model_validate(sample.simulation["phantom"])
    for pathology in (False, True):
        subject = anatomy_of(sample, phantom, grid, pathology)
        for site in sites(phantom):
            yield site.name, pathology, render(phantom, subject, site, grid, pathology=pathology)


def anatomy_of(sample: Sample, phantom: PhantomSettings, grid: Grid, positive: bool) -> Anatomy:
    """Make the anatomy of a sample again, as a patient or as a healthy subject."""
    about = sample.simulation
    return anatomy(phantom, about["index"], about["age"], grid, positive, about["severity"])


def lesion_factor(phantom: PhantomSettings, site: str) -> float:
    """Factor on the lesion load at a site: evenly spaced logarithms over the sites of one dataset."""
    return float(np.exp(phantom.severity_difference * _position(phantom, site)))


def finding_share(phantom: PhantomSettings, site: str) -> float:
    """Share of the subjects of a site with a benign finding: evenly spaced over the sites of one dataset."""
    share = phantom.healthy_mix + phantom.healthy_mix_difference * _position(phantom, site)
    return float(np.clip(share, 0.0, 1.0))


def _position(phantom: PhantomSettings, site: str) -> float:
    """Place of a site on [-1, 1] among those of its dataset when nested, else among all."""
    names = site_names(phantom)
    parent = dict(names)[site] if phantom.design == "nested" else None
    siblings = [name for name, its_parent in names if parent is None or its_parent == parent]
    return _evenly(siblings.index(site), len(siblings))


def acquired(phantom: PhantomSettings, site: Site, index: int) -> Site:
    """Return the site as it was for one image: at the second half of the sites strengths vary about their mean."""
    if not phantom.site_spread or _position(phantom, site.name) <= 0:
        return site
    draws = seeds.generator(phantom.seed, "phantom", "spread", index).normal(size=len(SIGNATURES))
    sizes: Mapping[str, float] = {str(kind): size for kind, size in phantom.site_spread.items()}
    moved = {kind: sizes.get(kind, 0.0) * float(draw) for kind, draw in zip(SIGNATURES, draws, strict=True)}
    return Site(site.name, site.dataset, {kind: value + moved[kind] for kind, value in site.values.items()})


def with_finding(phantom: PhantomSettings, subject: Anatomy, site: Site, grid: Grid) -> FloatArray:
    """Return the tissue of a subject, in some of them with small cavities, as dark as fluid, that mean nothing.

    Whether a subject has them is drawn once for all sites; a site with a larger share shows more of them.
    """
    chance = seeds.generator(phantom.seed, "phantom", "finding", subject.index)
    if chance.random() >= finding_share(phantom, site.name):
        return subject.tissue
    cavities = np.zeros(grid.shape, dtype=np.float32)
    weight = np.clip(subject.tissue[1], 0, 1).astype(np.float64).ravel() ** 2
    for position in chance.choice(weight.size, 2 + chance.poisson(_CAVITIES), p=weight / weight.sum()):
        centre = np.asarray(np.unravel_index(position, grid.shape)) + chance.uniform(-0.5, 0.5, 3)
        add_ellipsoid(cavities, centre, chance.uniform(3.0, 6.0, 3) / np.asarray(grid.spacing))
    grey, white, fluid = subject.tissue
    return np.stack([grey * (1 - cavities), white * (1 - cavities), fluid + cavities * (grey + white)])


def site_names(phantom: PhantomSettings) -> list[tuple[str, str]]:
    """Name every site and the dataset or parent that it belongs to."""
    if phantom.design == "nested":
        healthy = [(f"a{k + 1}", "a") for k in range(phantom.healthy_sites)]
        return healthy + [(f"b{k + 1}", "b") for k in range(phantom.patient_sites)]
    count = 2 if phantom.design == "aliased" else max(2, phantom.patient_sites)
    return [(f"s{k + 1}", f"s{k + 1}") for k in range(count)]


def _evenly(position: int, count: int) -> float:
    """Place `position` of `count` evenly on [-1, 1]; alone in the middle."""
    return 0.0 if count == 1 else 2.0 * position / (count - 1) - 1.0


def _deformation(grid: Grid, chance: np.random.Generator) -> FloatArray:
    """Voxel coordinates under a smooth random displacement: 4 mm at 40 mm scale and 1 mm at 16 mm scale (SD)."""
    spacing = np.asarray(grid.spacing)
    coordinates = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in grid.shape), indexing="ij"))
    for scale, size in ((40.0, 4.0), (16.0, 1.0)):
        for axis in range(3):
            coordinates[axis] += size / spacing[axis] * _smooth_field(grid, scale, chance)
    return coordinates


def _smooth_field(grid: Grid, scale: float, chance: np.random.Generator) -> FloatArray:
    """Random field of unit SD: white noise on a lattice of `scale` millimetres under cubic B-splines."""
    weights = [_spline_weights(n, size, scale) for n, size in zip(grid.shape, grid.spacing, strict=True)]
    field = chance.normal(size=[weight.shape[1] for weight in weights]).astype(np.float32)
    for weight in weights:
        field = np.tensordot(field, weight, axes=(0, 1))
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


@lru_cache(maxsize=16)
def _spline_weights(count: int, spacing: float, scale: float) -> FloatArray:
    """Cubic B-spline basis (Unser 1999, doi:10.1109/79.799930) along one axis, (count, lattice points)."""
    position = np.arange(count)[:, None] * spacing / scale + 1.0
    lattice = np.arange(int(np.ceil(position.max())) + 2)[None]
    distance = np.abs(position - lattice)
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.asarray(np.where(distance < 1, near, far), dtype=np.float32)


def _lose_tissue(tissue: FloatArray, share: float) -> FloatArray:
    grey, white, fluid = tissue
    kept = np.clip(1.0 - share, 0.0, 1.5)
    lost = (grey + white) * (1 - kept)
    return np.stack([grey * kept, white * kept, np.clip(fluid + lost, 0.0, None)])


def _lesions(load: float, tissue: FloatArray, grid: Grid, chance: np.random.Generator) -> FloatArray:
    spacing = np.asarray(grid.spacing)
    weight = _lesion_weight(tissue, spacing)
    count = chance.poisson(load * _MEDIAN_LESIONS * np.exp(chance.normal(0.0, 0.6)))
    count = max(1, count) if load > 0 else 0
    fraction = np.zeros(grid.shape, dtype=np.float32)
    for position in chance.choice(weight.size, count, p=weight.ravel() / weight.sum()):
        centre = np.unravel_index(position, grid.shape)
        radii = np.clip(5.0 * np.exp(chance.normal(0.0, 0.35)), 2.0, 12.0) * np.exp(chance.normal(0.0, 0.2, 3))
        add_ellipsoid(fraction, np.asarray(centre) + chance.uniform(-0.5, 0.5, 3), radii / spacing)
    return np.asarray(fraction * np.clip(tissue[0] + tissue[1], 0.0, 1.0))


def _lesion_weight(tissue: FloatArray, spacing: FloatArray) -> FloatArray:
    """White matter, more so near fluid that is surrounded by it (the ventricles)."""
    _, white, fluid = tissue
    deep = ndimage.gaussian_filter(white, 12.0 / spacing) * fluid
    near = ndimage.gaussian_filter(deep, 8.0 / spacing)
    return np.asarray(np.clip(white, 0, 1) ** 2 * (0.1 + near / near.max()), dtype=np.float64)


@lru_cache(maxsize=4)
def _harmonics(grid: Grid) -> FloatArray:
    """Linear and quadratic smooth patterns with unit SD over the grid, (k, *shape)."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in grid.shape), indexing="ij")
    x, y, z = axes
    patterns = np.stack([x, y, z, x * y, y * z, x * z, x**2, y**2, z**2])
    patterns = patterns - patterns.mean((1, 2, 3), keepdims=True)
    return np.asarray(patterns / patterns.std((1, 2, 3), keepdims=True), dtype=np.float32)


def _bias_field(phantom: PhantomSettings, site: Site, grid: Grid, chance: np.random.Generator) -> FloatArray:
    """Log bias field: the dataset's pattern at the site's value, and a small one of the acquisition's own."""
    patterns = _harmonics(grid)
    planted = seeds.generator(phantom.seed, "phantom", "bias field").normal(size=len(patterns))
    own = chance.normal(0.0, 0.03 / np.sqrt(len(patterns)), len(patterns))
    planted *= _UNIT["bias_field"] * site.values["bias_field"] / np.linalg.norm(planted)
    return np.tensordot((planted + own).astype(np.float32), patterns, 1)


def _rician(image: FloatArray, sigma: float, chance: np.random.Generator) -> FloatArray:
    """Magnitude of a complex signal with Gaussian noise (Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618)."""
    real, imaginary = chance.normal(0.0, 1.0, (2, *image.shape)).astype(np.float32) * np.float32(sigma)
    return np.asarray(np.hypot(image + real, imaginary))


def _resampled(image: FloatArray, shift: float) -> FloatArray:
    """Interpolate linearly to a grid shifted along one axis and back: smoothing along x (negative) or z (positive)."""
    if shift == 0:
        return image
    axis, share = (2 if shift > 0 else 0), min(abs(shift), 0.5)
    ahead = (1 - share) * image + share * np.roll(image, -1, axis)
    return np.asarray((1 - share) * ahead + share * np.roll(ahead, 1, axis), dtype=np.float32)


def _brain_mask(brain: FloatArray, shift: float) -> BoolArray:
    """Brain extraction whose threshold moves with the site; the largest piece, holes filled."""
    smooth = ndimage.gaussian_filter(brain, 0.7)
    inside = smooth > np.clip(0.5 - shift, 0.05, 0.95)
    labels, count = ndimage.label(inside)
    if count > 1:
        inside = labels == 1 + int(np.argmax(ndimage.sum_labels(inside, labels, range(1, count + 1))))
    return np.asarray(ndimage.binary_fill_holes(inside), dtype=np.bool_)
