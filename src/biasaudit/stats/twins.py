"""Images of the same subject under two names: outliers of the similarity between subjects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


_BLOCK = 512
"""Images whose products with all others are made at once."""


@dataclass(frozen=True)
class Similarity:
    """Similarity of every pair of images.

    Attributes
    ----------
    images : int
        n.
    correlation
        (n (n - 1) / 2,) correlation of what is left of the images without the means of their origins: of the first
        with all later ones, of the second with all later ones, and so on.
    middle, spread : float
        Median and robust standard deviation of the Fisher-transformed correlations; the spread is 0 where too few
        images say what is usual, or all pairs are alike.
    """

    images: int
    correlation: Floats
    middle: float
    spread: float

    def correlations(self, pairs: Indices) -> Floats:
        """Correlation of some pairs (m, 2), the first row smaller than the second; (m,)."""
        first, second = np.asarray(pairs, dtype=np.intp).reshape(-1, 2).T
        return np.asarray(self.correlation[_start(self.images, first) + second - first - 1])

    def heights(self, pairs: Indices) -> Floats:
        """Return the same in robust standard deviations above the usual one; 0 where none is known."""
        correlations = self.correlations(pairs)
        if self.spread == 0:
            return np.zeros_like(correlations)
        return np.asarray((_transformed(correlations) - self.middle) / self.spread)


def similarities(images: Iterable[ArrayLike], origins: ArrayLike) -> Similarity:
    """Correlate every image with every other one.

    Parameters
    ----------
    images
        n small, normalised images (d,) of rows that are to be compared, taken one at a time.
    origins
        (n,) names; what the images of an origin share is taken away, shrunk towards what all share, because the
        signature of an origin is no sign of a repeated subject.

    Returns
    -------
    Similarity

    Notes
    -----
    Half a matrix product, block by block: 1 000 images of 4 000 voxels take half a second, 10 000 of 8 000 voxels half
    a minute on one core, in the memory of the images and of their pairs (0.4 GB) in double precision.
    """
    codes = integer_codes(np.asarray(origins))
    own = _without_means(_gathered(images, len(codes)), codes)
    own -= own.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", own, own))[:, None]
    np.divide(own, length, out=own, where=length > 0)
    count = len(own)
    correlation = np.empty(count * (count - 1) // 2)
    for rows, values in _later(own):
        correlation[rows] = values
    del own
    return Similarity(count, correlation, *_usual(correlation, count))


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
    if similarity.spread == 0:
        return np.zeros((0, 2), dtype=np.intp)
    # A little less than the bound, since the inverse of the transform rounds.
    bound = float(np.tanh(similarity.middle + height * similarity.spread)) - 1e-6
    pairs = _pairs_at(similarity.images, np.flatnonzero(similarity.correlation > max(bound, floor)))
    pairs = pairs[similarity.heights(pairs) > height]
    order = np.argsort(-similarity.correlations(pairs), kind="stable")
    return np.asarray(pairs[order], dtype=np.intp)


def _gathered(images: Iterable[ArrayLike], count: int) -> Floats:
    """Put images that come one at a time into one array, of which there is no second copy."""
    found = np.zeros((0, 0))
    for row, image in enumerate(images):
        values = np.asarray(image, dtype=np.float64)
        if row == 0:
            found = np.empty((count, values.size))
        found[row] = values
    return found


def _without_means(result: Floats, origins: Indices) -> Floats:
    """Take away, in place, what all images and those of one origin share."""
    result -= result.mean(axis=0)
    for rows in members_of(origins):
        chosen = np.zeros(len(result))
        chosen[rows] = 1.0 / (rows.size + PRIOR)
        shift = chosen @ result
        for row in rows:
            result[row] -= shift
    return result


def _later(own: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield where the correlations of an image with all later ones are kept, and these."""
    for first in range(0, len(own), _BLOCK):
        products = np.clip(own[first : first + _BLOCK] @ own[first:].T, -1.0, 1.0)
        for place, values in enumerate(products):
            start = int(_start(len(own), first + place))
            yield slice(start, start + len(own) - first - place - 1), values[place + 1 :]


def _start(count: int, first: ArrayLike) -> Indices:
    """Place of the pair of an image with the next one among all pairs."""
    row = np.asarray(first, dtype=np.intp)
    return np.asarray(row * count - row * (row + 1) // 2)


def _pairs_at(count: int, places: Indices) -> Indices:
    """Return the rows of pairs, by their places among all pairs; (m, 2)."""
    starts = _start(count, np.arange(count))
    first = np.searchsorted(starts[:-1], places, side="right") - 1
    return np.column_stack([first, places - starts[first] + first + 1]).astype(np.intp)


def _usual(correlation: Floats, count: int) -> tuple[float, float]:
    """Median and spread of Fisher-transformed correlations; the spread from quartiles, which twins cannot move."""
    if count < FEWEST:
        return 0.0, 0.0
    low, middle, high = _quartiles(correlation)
    return middle, (high - low) / (2 * float(ndtri(0.75)))


def _quartiles(correlation: Floats) -> Sequence[float]:
    """Quartiles of the transformed correlations of all ordered pairs, so that each of the values counts twice."""
    places = [share * (2 * correlation.size - 1) for share in (0.25, 0.5, 0.75)]
    ends = [(int(place) // 2, min(int(place) + 1, 2 * correlation.size - 1) // 2) for place in places]
    ordered = np.partition(correlation, sorted({end for both in ends for end in both}))
    found = []
    for place, both in zip(places, ends, strict=True):
        low, high = (float(value) for value in _transformed(ordered[list(both)]))
        found.append(low + (high - low) * (place - int(place)))
    return found


def _transformed(correlation: Floats) -> Floats:
    return np.asarray(np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12)))
