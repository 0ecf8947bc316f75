"""Images of the same subject under two names: outliers of the similarity between subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from biasaudit.stats.strata import Floats, Indices, integer_codes, members_of

__all__ = ["Similarity", "outlying_pairs", "similarities"]

FEWEST = 8
"""Images below which the usual similarity is not known."""

PRIOR = 4.0
"""Weight of the mean of all images in the mean of one origin, in images."""


@dataclass(frozen=True)
class Similarity:
    """Similarity of every pair of images.

    Attributes
    ----------
    correlation
        (n, n) correlation of what is left of the images without the means of their origins; NaN on the diagonal.
    height
        (n, n) the same in robust standard deviations above the usual correlation of different images.
    """

    correlation: Floats
    height: Floats


def similarities(images: ArrayLike, origins: ArrayLike) -> Similarity:
    """Correlate every image with every other one.

    Parameters
    ----------
    images
        (n, d) small, normalised images of rows that are to be compared.
    origins
        (n,) names; what the images of an origin share is taken away, shrunk towards what all share, because the
        signature of an origin is no sign of a repeated subject.

    Returns
    -------
    Similarity
        Heights are 0 throughout below 8 images.

    Notes
    -----
    One matrix product; 1 000 images of 4 000 voxels take about a second.
    """
    own = _without_means(np.asarray(images, dtype=np.float64), integer_codes(np.asarray(origins)))
    own -= own.mean(axis=1, keepdims=True)
    length = np.sqrt((own**2).sum(axis=1, keepdims=True))
    own = np.divide(own, length, out=np.zeros_like(own), where=length > 0)
    correlation = np.clip(own @ own.T, -1.0, 1.0)
    np.fill_diagonal(correlation, np.nan)
    return Similarity(correlation, _heights(correlation))


def outlying_pairs(similarity: Similarity, height: float, floor: float) -> Indices:
    """Pairs far more alike than different subjects are.

    Parameters
    ----------
    similarity : Similarity
    height : float
        Robust standard deviations above the usual similarity.
    floor : float
        Smallest correlation of a repeated subject.

    Returns
    -------
    (m, 2) rows, the first smaller than the second, most alike first.
    """
    found = (similarity.height > height) & (similarity.correlation > floor)
    pairs = np.argwhere(np.triu(found, 1))
    order = np.argsort(-similarity.correlation[tuple(pairs.T)], kind="stable")
    return np.asarray(pairs[order], dtype=np.intp)


def _without_means(images: Floats, origins: Indices) -> Floats:
    overall = images.mean(axis=0)
    result: Floats = images - overall
    for rows in members_of(origins):
        result[rows] -= result[rows].mean(axis=0) * rows.size / (rows.size + PRIOR)
    return result


def _heights(correlation: Floats) -> Floats:
    """Robust z of Fisher-transformed correlations; the spread from quartiles, which repeated subjects cannot move."""
    if len(correlation) < FEWEST:
        return np.zeros_like(correlation)
    transformed = np.asarray(np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12)))
    low, middle, high = (float(value) for value in np.nanpercentile(transformed, (25, 50, 75)))
    spread = (high - low) / (2 * float(ndtri(0.75)))
    if spread == 0:
        return np.zeros_like(correlation)
    return np.asarray((transformed - middle) / spread)
