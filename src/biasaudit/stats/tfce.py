"""Threshold-free cluster enhancement, exact and without thresholds.

The value of a voxel is an integral over the heights below it, and the cluster it lies in changes with the height only
where two clusters merge. So the clusters of all heights form a tree, whose leaves are the summits of the map: every
voxel belongs to the summit that steepest ascent leads it to, and two summits merge at the highest saddle between them.
The tree holds a few hundred nodes where the map holds tens of thousands of voxels, and everything else is done for
all voxels at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

from biasaudit.stats.strata import Booleans, Floats, Indices

__all__ = ["EXTENT_POWER", "HEIGHT_POWER", "Neighbours", "enhanced", "enhanced_peaks", "neighbours"]

EXTENT_POWER, HEIGHT_POWER = 0.5, 2
"""E and H of Smith and Nichols (2009)."""

Ranks = NDArray[np.int32]


@dataclass(frozen=True)
class Neighbours:
    """Which voxels touch: those that share a face (6 in 3-D, 4 in 2-D).

    Attributes
    ----------
    slots
        (v,) places of the voxels in the flattened grid, which has a margin of one voxel.
    steps
        Distance of neighbours in the flattened grid, per axis.
    size
        Places of the flattened grid.
    """

    slots: Ranks
    steps: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class _Tree:
    """Clusters of one map at all heights; a node is a cluster between two merges.

    Attributes
    ----------
    order
        (u,) voxels of height above 0, the lowest first; the voxel of rank r is `order[r - 1]`.
    parent
        (nodes,) the node that a node merges into, itself if none; children come before their parents.
    birth
        (nodes,) rank of the highest voxel: a summit, or the saddle of a merge.
    home
        (u,) node that the voxel of rank 1, 2, ... belongs to.
    """

    order: Indices
    parent: Indices
    birth: Ranks
    home: Indices


def neighbours(inside: Booleans) -> Neighbours:
    """Prepare a grid for `enhanced`.

    Parameters
    ----------
    inside
        (*shape) which voxels of the grid there are values for.

    Returns
    -------
    Neighbours
        For values in the order of ``inside.nonzero()``.
    """
    margin = np.pad(np.asarray(inside, dtype=bool), 1)
    steps = tuple(int(np.prod(margin.shape[axis + 1 :])) for axis in range(margin.ndim))
    return Neighbours(np.flatnonzero(margin).astype(np.int32), steps, margin.size)


def enhanced(values: Floats, grid: Neighbours) -> Floats:
    """Threshold-free cluster enhancement of one map.

    Parameters
    ----------
    values
        (v,) finite signed statistics, such as t; voxels of opposite sign never share a cluster.
    grid
        Where the voxels lie.

    Returns
    -------
    (v,) the integral over h from 0 to ``|value|`` of ``extent(h) ** E * h ** H``, E = .5 and H = 2, with the sign of
    the value; extent is the number of voxels in the voxel's cluster above h.

    Notes
    -----
    The integral is exact. fslmaths and nilearn sum the integrand at 100 heights and do not multiply by their distance,
    so that their values are about ``100 / max|value|`` times as large and carry the error of the steps.

    References
    ----------
    Smith and Nichols (2009), NeuroImage 44:83; Najman and Couprie (2006), IEEE Transactions on Image Processing
    15:3531 (component trees).
    """
    tree = _tree(values, grid)
    result = np.zeros(values.shape, dtype=np.float64)
    if tree is None:
        return result
    members, partial, sums = _integrals(values, tree)
    below = _below(tree.parent, sums)
    result[tree.order[members]] = partial + below[tree.home[members]]
    return np.copysign(result, values)


def enhanced_peaks(maps: Floats, grid: Neighbours) -> Floats:
    """Return the largest absolute value of `enhanced` of every map, (m, v) to (m,); 0 for a map of zeros."""
    return np.array([_peak(values, grid) for values in maps])


def _peak(values: Floats, grid: Neighbours) -> float:
    """Values grow towards a summit, so the largest is that of a node without children."""
    tree = _tree(values, grid)
    if tree is None:
        return 0.0
    sums = _integrals(values, tree)[2]
    return float((sums + _below(tree.parent, sums)).max())


def _tree(values: Floats, grid: Neighbours) -> _Tree | None:
    """Build the tree of a map, None if all values are 0."""
    heights = np.abs(values)
    order = np.argsort(heights)[np.count_nonzero(heights == 0) :]
    if order.size == 0:
        return None
    # Ranks break ties, and the sign keeps clusters of opposite sign apart.
    signed = np.zeros(values.size, dtype=np.int32)
    signed[order] = np.arange(1, order.size + 1, dtype=np.int32)
    np.negative(signed, out=signed, where=values < 0)
    padded = np.zeros(grid.size, dtype=np.int32)
    padded[grid.slots] = signed
    summit = _summits(padded, grid, order.size)
    summits = np.flatnonzero(summit[1:] == np.arange(1, order.size + 1)) + 1
    leaf = np.zeros(order.size + 1, dtype=np.intp)
    leaf[summits] = np.arange(summits.size)
    pairs, saddles = _merges(_saddles(padded, grid, leaf[summit]), summits.size, order.size)
    parent = _parents(pairs, summits.size)
    birth = np.concatenate([summits, saddles]).astype(np.int32)
    return _Tree(order, parent, birth, _homes(parent, birth, leaf[summit[1:]]))


def _summits(padded: Ranks, grid: Neighbours, n: int) -> Ranks:
    """Rank of the summit that steepest ascent reaches from every rank, (n + 1,); ranks start at 1."""
    highest, lowest = padded.copy(), padded.copy()
    for step in grid.steps:
        for own, other in ((slice(step, None), slice(None, -step)), (slice(None, -step), slice(step, None))):
            np.maximum(highest[own], padded[other], out=highest[own])
            np.minimum(lowest[own], padded[other], out=lowest[own])
    signed = padded[grid.slots]
    best = np.where(signed > 0, highest[grid.slots], lowest[grid.slots])
    upward = np.zeros(n + 1, dtype=np.int32)
    upward[np.abs(signed)] = np.abs(best)
    upward[0] = 0
    while True:
        further = upward[upward]
        if np.array_equal(further, upward):
            return upward
        upward = further


@dataclass(frozen=True)
class _Edges:
    """Neighbours that ascend to different summits.

    Attributes
    ----------
    one, other
        (e,) leaves that they ascend to.
    saddle
        (e,) rank of the lower voxel.
    """

    one: Indices
    other: Indices
    saddle: Ranks


def _saddles(padded: Ranks, grid: Neighbours, leaf: Indices) -> _Edges:
    first, second = [], []
    for step in grid.steps:
        here, there = padded[:-step], padded[step:]
        same_sign = np.flatnonzero(((here ^ there) >= 0) & (here != 0) & (there != 0))
        first.append(here[same_sign])
        second.append(there[same_sign])
    one, other = np.abs(np.concatenate(first)), np.abs(np.concatenate(second))
    apart = leaf[one] != leaf[other]
    return _Edges(leaf[one[apart]], leaf[other[apart]], np.minimum(one, other)[apart])


def _merges(edges: _Edges, n_leaves: int, n: int) -> tuple[list[tuple[int, int]], Ranks]:
    """Keep the highest saddles that connect everything connected; the highest first."""
    order = np.argsort(edges.one, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(edges.one, minlength=n_leaves))])
    # Written row by row, since a sum of parallel edges is not a saddle; weights are above 0, the highest the least.
    weights = (n + 1 - edges.saddle[order]).astype(np.float64)
    graph = csr_array(
        (weights, edges.other[order].astype(np.int32), starts.astype(np.int32)), shape=(n_leaves, n_leaves)
    )
    spanning = minimum_spanning_tree(graph).tocoo()
    highest = np.argsort(spanning.data)
    pairs = list(zip(spanning.row[highest].tolist(), spanning.col[highest].tolist(), strict=True))
    return pairs, (n + 1 - spanning.data[highest]).astype(np.int32)


def _parents(pairs: list[tuple[int, int]], n_leaves: int) -> Indices:
    """Count the merges on from the leaves and say what each node merges into; union-find with halved paths."""
    count = n_leaves + len(pairs)
    parent, root = list(range(count)), list(range(count))
    for merged, (one, other) in enumerate(pairs, n_leaves):
        for leaf in (one, other):
            node = leaf
            while root[node] != node:
                root[node] = root[root[node]]
                node = root[node]
            parent[node] = root[node] = merged
    return np.array(parent, dtype=np.intp)


def _homes(parent: Indices, birth: Ranks, leaf: Indices) -> Indices:
    """Find the oldest ancestor of a voxel's leaf that is born no lower than the voxel, by steps of powers of 2."""
    ancestors = [parent]
    while not np.array_equal(further := ancestors[-1][ancestors[-1]], ancestors[-1]):
        ancestors.append(further)
    ranks = np.arange(1, leaf.size + 1)
    home = leaf
    for jump in reversed(ancestors):
        candidate = jump[home]
        home = np.where(birth[candidate] >= ranks, candidate, home)
    return home


def _integrals(values: Floats, tree: _Tree) -> tuple[Indices, Floats, Floats]:
    """Integrate within every node.

    Returns
    -------
    members
        (u,) positions in `order`, node by node, the highest voxel first.
    partial
        (u,) integral from the lower end of the voxel's node up to the voxel.
    sums
        (nodes,) integral over the whole node.
    """
    n, n_nodes = tree.home.size, tree.parent.size
    own = np.bincount(tree.home, minlength=n_nodes)
    starts = np.concatenate([[0], np.cumsum(own)])
    # Sorting small integers is several times faster.
    small = tree.home.astype(np.min_scalar_type(n_nodes))
    members = n - 1 - np.argsort(small[::-1], kind="stable")
    node = tree.home[members]
    extent = _inherited(tree.parent, own)[node] + np.arange(1, n + 1) - starts[node]
    powers = np.abs(values[tree.order]).astype(np.float64) ** (HEIGHT_POWER + 1) / (HEIGHT_POWER + 1)
    is_root = tree.parent == np.arange(n_nodes)
    floors = np.where(is_root, 0.0, powers[tree.birth[tree.parent] - 1])
    heights = powers[members]
    lower = np.append(heights[1:], 0.0)
    occupied = own > 0
    lower[starts[1:][occupied] - 1] = floors[occupied]
    total = np.concatenate([[0.0], np.cumsum(extent**EXTENT_POWER * (heights - lower))])
    return members, total[starts[node + 1]] - total[:-1], total[starts[1:]] - total[starts[:-1]]


def _inherited(parent: Indices, own: Indices) -> Indices:
    """Voxels that a node's children bring into it, (nodes,)."""
    counts, inherited = own.tolist(), [0] * own.size
    for node, above in enumerate(parent.tolist()):
        if above != node:
            inherited[above] += counts[node] + inherited[node]
    return np.array(inherited, dtype=np.intp)


def _below(parent: Indices, sums: Floats) -> Floats:
    """Integral from 0 to the lower end of every node, (nodes,): that of all it merges into."""
    amounts, below = sums.tolist(), [0.0] * sums.size
    parents = parent.tolist()
    for node in range(len(parents) - 1, -1, -1):
        if parents[node] != node:
            below[node] = below[parents[node]] + amounts[parents[node]]
    return np.array(below)
