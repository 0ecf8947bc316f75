"""Image quality measures with the definitions of MRIQC (Esteban et al. 2017, doi:10.1371/journal.pone.0184661).

For arrays of two or three axes on the audit's grid: these are measures of the resampled image that the network sees,
which differ from those of the image as it was scanned.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from biasaudit.stats.strata import Booleans, Floats, Indices

__all__ = [
    "MEASURES",
    "bias_field_strength",
    "contrast_to_noise",
    "entropy",
    "entropy_focus",
    "foreground_background_ratio",
    "image_quality",
    "intensity_clusters",
    "signal_to_noise",
    "smoothness",
]

MEASURES = ("snr", "cnr", "efc", "fber", "fwhm", "bias_field", "entropy")
CLUSTERS = 3
BINS = 256
ENTROPY_BINS = 64
DEGREE = 3
ROUNDS = 50
FIELD_VOXELS = 5000
SMALLEST = 8
"""Voxels below which a region is too small to describe."""

Codes = NDArray[np.int8]


def image_quality(image: Floats, foreground: Booleans, spacing: tuple[float, ...], tissue: Codes | None) -> Floats:
    """Compute all measures of one image.

    Parameters
    ----------
    image : float (*shape)
        One channel, two or three axes.
    foreground : bool (*shape)
        Brain, or what counts as the body.
    spacing : tuple of float
        Millimetres per axis (pixels: 1).
    tissue : int8 (*shape) or None
        1 GM, 2 WM, 3 CSF, 0 elsewhere; None: clusters of intensity take their place.

    Returns
    -------
    float (7,)
        In the order of `MEASURES`; NaN where a measure has no meaning, as the foreground-background ratio of a
        skull-stripped image.
    """
    values = np.asarray(image, dtype=np.float64)
    regions = intensity_clusters(values, foreground) if tissue is None else tissue
    return np.array(
        [
            signal_to_noise(values, regions),
            contrast_to_noise(values, regions, foreground),
            entropy_focus(values),
            foreground_background_ratio(values, foreground),
            smoothness(values, foreground, spacing),
            bias_field_strength(values, regions),
            entropy(values, foreground),
        ]
    )


def signal_to_noise(image: Floats, regions: Codes) -> float:
    """Mean over tissues of median / (standard deviation x sqrt(n / (n - 1))), MRIQC's ``snr_total``.

    Parameters
    ----------
    image : float (*shape)
    regions : int8 (*shape)
        1, 2, 3 inside tissues.

    References
    ----------
    Magnotta and Friedman (2006), Journal of Digital Imaging 19:140.
    """
    ratios = []
    for code in (1, 2, 3):
        own = image[regions == code]
        spread = float(own.std()) if own.size >= SMALLEST else 0.0
        if spread > 0:
            ratios.append(float(np.median(own)) / (spread * np.sqrt(own.size / (own.size - 1))))
    return float(np.mean(ratios)) if ratios else np.nan


def contrast_to_noise(image: Floats, regions: Codes, foreground: Booleans) -> float:
    """|mean WM - mean GM| / sqrt(sum of the variances of WM, GM and background).

    Parameters
    ----------
    image : float (*shape)
    regions : int8 (*shape)
        1 GM, 2 WM; of intensity clusters the two largest.
    foreground : bool (*shape)
        What lies outside is background; its variance is 0 in skull-stripped images.

    References
    ----------
    Magnotta and Friedman (2006), Journal of Digital Imaging 19:140.
    """
    grey, white, outside = image[regions == 1], image[regions == 2], image[~foreground]
    if grey.size < SMALLEST or white.size < SMALLEST:
        return np.nan
    variance = grey.var() + white.var() + (outside.var() if outside.size else 0.0)
    return float(abs(white.mean() - grey.mean()) / np.sqrt(variance)) if variance > 0 else np.nan


def entropy_focus(image: Floats) -> float:
    """Entropy focus criterion: entropy of the energy over voxels, 0 for one bright voxel, 1 for a flat image.

    ``sum x / x_max ln(x / x_max)`` with x_max = sqrt(sum x^2), divided by its value for equal voxels. Ghosting and
    motion blur spread the energy and raise it.

    References
    ----------
    Atkinson et al. (1997), IEEE Transactions on Medical Imaging 16:903; normalised as in MRIQC.
    """
    values = np.abs(image.ravel())
    energy = float(np.sqrt((values**2).sum()))
    if energy == 0 or values.size < 2:
        return np.nan
    share = values[values > 0] / energy
    greatest = values.size / np.sqrt(values.size) * np.log(1 / np.sqrt(values.size))
    return float((share * np.log(share)).sum() / greatest)


def foreground_background_ratio(image: Floats, foreground: Booleans) -> float:
    """Mean energy of the foreground over that of the background, as the decimal logarithm.

    NaN where the background is empty: the image was skull-stripped or masked.

    References
    ----------
    Shehzad et al. (2015), Frontiers in Neuroscience, Preprocessed Connectomes Project Quality Assessment Protocol.
    """
    inside, outside = image[foreground], image[~foreground]
    noise = float((outside**2).mean()) if outside.size else 0.0
    signal = float((inside**2).mean()) if inside.size else 0.0
    return float(np.log10(signal / noise)) if noise > 1e-12 * signal and signal > 0 else np.nan


def smoothness(image: Floats, foreground: Booleans, spacing: tuple[float, ...]) -> float:
    """Full width at half maximum (mm, mean over axes) of the Gaussian field with the same correlation of neighbours.

    FWHM = spacing x sqrt(-2 ln 2 / ln(1 - var(difference) / (2 var(image)))), AFNI's 3dFWHMx.

    References
    ----------
    Forman et al. (1995), Magnetic Resonance in Medicine 33:636.
    """
    inside = image[foreground]
    variance = float(inside.var()) if inside.size >= SMALLEST else 0.0
    if variance == 0:
        return np.nan
    widths = []
    for axis, size in enumerate(spacing):
        steps = np.diff(image, axis=axis)
        both = np.take(foreground, range(1, image.shape[axis]), axis) & np.take(
            foreground, range(image.shape[axis] - 1), axis
        )
        if both.sum() < SMALLEST:
            continue
        correlation = 1 - float((steps[both] ** 2).mean()) / (2 * variance)
        widths.append(size * np.sqrt(-2 * np.log(2) / np.log(correlation)) if 0 < correlation < 1 else np.nan)
    known = [width for width in widths if np.isfinite(width)]
    return float(np.mean(known)) if known else np.nan


def bias_field_strength(image: Floats, regions: Codes) -> float:
    """Range (95th less 5th percentile) of the smooth field in the logarithm of the image.

    The field is a polynomial of degree 3 fitted by least squares, each tissue with its own level; MRIQC's ``inu_range``
    takes the field that N4 estimated.

    References
    ----------
    Esteban et al. (2017); Tustison et al. (2010), doi:10.1109/TMI.2010.2046908, for the model.
    """
    used = (regions > 0) & (image > 0)
    levels = [code for code in (1, 2, 3) if (used & (regions == code)).sum() >= SMALLEST]
    if not levels:
        return np.nan
    voxels = np.flatnonzero(used & np.isin(regions, levels))
    # A field of 19 terms needs no more voxels than this.
    voxels = voxels[:: max(1, voxels.size // FIELD_VOXELS)]
    basis = _polynomials(voxels, image.shape)
    tissues = np.stack([(regions.flat[voxels] == code).astype(np.float64) for code in levels], axis=1)
    logarithm = np.log(image.flat[voxels])
    design = np.hstack([tissues, basis])
    # Normal equations with a touch of ridge, for images too small to fit ten terms: many times faster than a QR.
    gram = design.T @ design
    gram += 1e-10 * np.trace(gram) / len(gram) * np.eye(len(gram))
    field = basis @ np.linalg.solve(gram, design.T @ logarithm)[len(levels) :]
    low, high = np.percentile(field, (5, 95))
    return float(high - low)


def entropy(image: Floats, foreground: Booleans) -> float:
    """Shannon entropy (bits) of the histogram of the foreground between its first and 99th percentile, 64 bins."""
    inside = image[foreground]
    if inside.size < SMALLEST:
        return np.nan
    low, high = np.percentile(inside, (1, 99))
    if high <= low:
        return 0.0
    counts = np.histogram(inside, bins=ENTROPY_BINS, range=(float(low), float(high)))[0]
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def intensity_clusters(image: Floats, foreground: Booleans) -> Codes:
    """Three clusters of intensity inside the foreground, the two largest first.

    Lloyd's algorithm on the histogram. Which cluster is which tissue depends on the contrast (WM is the brightest in
    T1, not in FLAIR), so the two largest stand in for grey and white matter, whichever is which.

    Returns
    -------
    int8 (*shape)
        1 and 2 the two largest, 3 the smallest, 0 outside.

    References
    ----------
    Lloyd (1982), IEEE Transactions on Information Theory 28:129.
    """
    codes = np.zeros(image.shape, dtype=np.int8)
    inside = image[foreground]
    if inside.size < SMALLEST or np.ptp(inside) == 0:
        return codes
    low, high = np.percentile(inside, (1, 99))
    counts, edges = np.histogram(np.clip(inside, low, high), bins=BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    centres = np.quantile(inside, [0.1, 0.5, 0.9])
    for _ in range(ROUNDS):
        nearest = np.abs(middles[:, None] - centres).argmin(axis=1)
        weights = np.bincount(nearest, counts, CLUSTERS)
        sums = np.bincount(nearest, counts * middles, CLUSTERS)
        moved = np.where(weights > 0, sums / np.maximum(weights, 1), centres)
        if np.allclose(moved, centres, rtol=0, atol=1e-9 * max(high - low, 1e-30)):
            break
        centres = moved
    own = np.abs(inside[:, None] - centres).argmin(axis=1)
    order = np.argsort(-np.bincount(own, minlength=CLUSTERS), kind="stable")
    codes[foreground] = np.argsort(order)[own] + 1
    return codes


def _polynomials(voxels: Indices, shape: tuple[int, ...]) -> Floats:
    """Products of Legendre polynomials up to total degree 3 at the chosen voxels, the constant left out."""
    positions = np.unravel_index(voxels, shape)
    axes = [2 * position / max(1, size - 1) - 1 for position, size in zip(positions, shape, strict=True)]
    values = [legendre.legvander(axis, DEGREE) for axis in axes]
    degrees = np.stack(np.meshgrid(*[range(DEGREE + 1)] * len(shape), indexing="ij"), -1).reshape(-1, len(shape))
    chosen = [degree for degree in degrees if 0 < degree.sum() <= DEGREE]
    columns = [np.prod([v[:, d] for v, d in zip(values, degree, strict=True)], axis=0) for degree in chosen]
    return np.stack(columns, axis=1)
