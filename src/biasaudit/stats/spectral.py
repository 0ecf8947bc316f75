"""Spectral clusters of attribution maps, and whether they go with the origin (SpRAy).

References
----------
Lapuschkin et al. (2019), Nature Communications 10:1096 (clusters of relevance maps); Zelnik-Manor & Perona (2004),
NeurIPS (affinity with local scales); von Luxburg (2007), Statistics and Computing 17:395 (normalised Laplacian,
eigengap); Damle, Minden & Ying (2019), Information and Inference 8:181 (clusters from eigenvectors by pivoted QR).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.spatial.distance import pdist, squareform

from biasaudit.stats.permutation import TestResult, nothing_to_compare, p_value, permutation_blocks
from biasaudit.stats.strata import centre_within, indicator_matrix, integer_codes, require_same_length

__all__ = ["Clusters", "coarse_maps", "map_strategies_test", "spectral_clusters"]

Floats = npt.NDArray[np.float64]

_BLOCKS = 10
"""Coarse voxels along the longest axis."""
_NEIGHBOUR = 5
"""The distance to this neighbour is a map's own scale."""
_MOST = 6
_SMALLEST = 4
"""Subjects that there must be for each cluster, on average."""


@dataclass(frozen=True)
class Clusters:
    """Clusters of maps.

    Attributes
    ----------
    labels : int (m,)
        From 0.
    gap : float
        The eigengap that chose their number, from 0 to 2; small where the maps form no clusters.
    """

    labels: NDArray[np.intp]
    gap: float


def coarse_maps(maps: ArrayLike, inside: ArrayLike) -> Floats:
    """Sum maps over coarse voxels and scale each to length 1, so that only where relevance lies is compared.

    Parameters
    ----------
    maps
        (m, voxels) signed relevance.
    inside
        (*shape) bool; its True voxels, in order, are the columns of the maps.

    Returns
    -------
    (m, coarse voxels); a map that is zero everywhere stays so.
    """
    values, where = np.asarray(maps, dtype=np.float64), np.asarray(inside, dtype=bool)
    side = -(-max(where.shape) // _BLOCKS)
    _, block = np.unique(np.argwhere(where) // side, axis=0, return_inverse=True)
    coarse = values @ indicator_matrix(block.ravel())
    size = np.linalg.norm(coarse, axis=1, keepdims=True)
    scaled: Floats = np.divide(coarse, size, out=np.zeros_like(coarse), where=size > 0)
    return scaled


def spectral_clusters(points: ArrayLike) -> Clusters:
    """Cluster points by their normalised graph Laplacian; the largest eigengap chooses two to six clusters.

    Parameters
    ----------
    points
        (m, d), m at least 8.

    Returns
    -------
    Clusters
    """
    values, vectors = linalg.eigh(_laplacian(np.asarray(points, dtype=np.float64)))
    most = min(_MOST, len(values) // _SMALLEST)
    gaps = np.diff(values)[1:most]  # after 2, 3 ... clusters
    count = int(np.argmax(gaps)) + 2
    return Clusters(_assigned(vectors[:, :count]), float(gaps.max()))


def _laplacian(points: Floats) -> Floats:
    distance = squareform(pdist(points))
    scale = np.sort(distance, axis=1)[:, min(_NEIGHBOUR, len(points) - 1)]
    product = np.maximum(np.outer(scale, scale), np.finfo(float).tiny)
    affinity = np.exp(-np.minimum(distance**2 / product, 500.0))
    np.fill_diagonal(affinity, 0.0)
    root = np.sqrt(affinity.sum(axis=1))
    laplacian: Floats = np.eye(len(points)) - affinity / np.outer(root, root)
    return laplacian


def _assigned(vectors: Floats) -> NDArray[np.intp]:
    """Take the points that the eigenvectors tell apart best as the clusters' own, and turn the axes to them."""
    _, pivots = linalg.qr(vectors.T, mode="r", pivoting=True)
    left, _, right = linalg.svd(vectors[pivots[: vectors.shape[1]]].T)
    labels: NDArray[np.intp] = np.argmax(np.abs(vectors @ (left @ right)), axis=1)
    return labels


def map_strategies_test(
    maps: ArrayLike, origin: ArrayLike, folds: ArrayLike, n_permutations: int, generator: np.random.Generator
) -> tuple[TestResult, Clusters | None]:
    """Test whether clusters of maps go with the origin, permuting origins inside folds.

    The maps of different folds come from different networks, so each fold's mean map is taken off first. The clusters
    do not know the origins, so permuting those tests the clusters as they are.

    Parameters
    ----------
    maps
        (m, d) coarse maps of subjects of one class.
    origin
        (m,) names.
    folds
        (m,) fold of each map's network.
    n_permutations
        Number of permutations.
    generator
        Source of randomness.

    Returns
    -------
    result : TestResult
        Statistic: Cramer's V of cluster and origin, 0 to 1.
    clusters : Clusters or None
        None if there was nothing to compare.
    """
    values, strata = np.asarray(maps, dtype=np.float64), integer_codes(folds)
    origins = integer_codes(origin)
    require_same_length(maps=values, origin=origins, folds=strata)
    if len(values) < 2 * _SMALLEST:
        return nothing_to_compare(f"{len(values)} maps are too few for clusters"), None
    if origins.max() == 0:
        return nothing_to_compare("all maps are of one origin"), None
    centred = centre_within(values, strata)
    if not np.isfinite(centred).all() or not np.any(np.abs(centred) > 1e-12):
        return nothing_to_compare("the maps of a fold do not differ"), None
    clusters = spectral_clusters(centred)
    own, sites = indicator_matrix(clusters.labels), indicator_matrix(origins)
    if own.shape[1] < 2:
        return nothing_to_compare("all maps fall into one cluster"), None
    null = np.concatenate([
        _cramers_v(np.einsum("mc,pmo->pco", own, sites[block]))
        for block in permutation_blocks(strata, n_permutations, generator)
    ])  # fmt: skip
    observed = float(_cramers_v((own.T @ sites)[None])[0])
    return TestResult(observed, p_value(observed, null), len(values), null), clusters


def _cramers_v(tables: Floats) -> Floats:
    """Cramer's V of tables (p, clusters, origins) that share their margins."""
    total = tables[0].sum()
    expected = np.outer(tables[0].sum(axis=1), tables[0].sum(axis=0)) / total
    filled = expected > 0
    squares = ((tables - expected) ** 2)[:, filled] / expected[filled]
    smaller = min(int((tables[0].sum(axis=1) > 0).sum()), int((tables[0].sum(axis=0) > 0).sum())) - 1
    found: Floats = np.sqrt(squares.sum(axis=1) / (total * max(smaller, 1)))
    return found
