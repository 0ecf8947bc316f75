"""Maps prepared for voxelwise tests: equal gains, means of regions, columns of unit length."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biasaudit.stats.permutation import CELLS_PER_BLOCK
from biasaudit.stats.strata import (
    Floats,
    Indices,
    centre_within,
    integer_codes,
    members_of,
)

__all__ = ["CONSTANT", "Reals", "equal_gain", "region_means", "unit_columns"]


CONSTANT = 1e-6
"""Spread of a voxel, relative to its largest value, below which it does not vary."""


Reals = NDArray[np.float32] | Floats


def equal_gain(maps: ArrayLike, blocks: ArrayLike, networks: ArrayLike) -> Floats:
    """Scale maps so that those of every network vary equally about their block means.

    Networks of different folds answer with different gains, and without this the loudest decides. The scale depends on
    the blocks alone, so permuting inside blocks stays exact.

    Parameters
    ----------
    maps
        (n, v) finite maps.
    blocks
        (n,) codes or names; each block lies in one network.
    networks
        (n,) codes or names.

    Returns
    -------
    (n, v) maps over the root mean square of their network's differences from block means; unchanged where that is 0.
    """
    values, codes = np.array(maps, dtype=np.float64), integer_codes(blocks)
    for members in members_of(integer_codes(networks)):
        spread = float(np.sqrt((centre_within(values[members], codes[members]) ** 2).mean()))
        values[members] /= spread or 1.0
    return values


def region_means(maps: ArrayLike, regions: Indices) -> Floats:
    """Mean of every map in every region.

    Parameters
    ----------
    maps
        (n, v) maps.
    regions
        (v,) region of each voxel, from 1; 0 is none.

    Returns
    -------
    (n, r) means in the order of the regions that occur.
    """
    order = np.argsort(regions, kind="stable")[np.count_nonzero(regions == 0) :]
    starts = np.flatnonzero(np.diff(regions[order], prepend=0))
    sums = np.add.reduceat(np.asarray(maps, dtype=np.float64)[:, order], starts, axis=1)
    means: Floats = sums / np.diff(starts, append=order.size)
    return means


def unit_columns(values: NDArray[np.floating], blocks: Indices, precision: type[np.floating]) -> Reals:
    """Remove block means and scale to length 1, 0 where a column is constant; voxels in chunks."""
    columns: Reals = np.empty(values.shape, dtype=precision)
    step = max(1, CELLS_PER_BLOCK // max(1, values.shape[0]))
    for start in range(0, values.shape[1], step):
        part = np.asarray(values[:, start : start + step], dtype=np.float64)
        centred = centre_within(part, blocks)
        length = np.sqrt((centred**2).sum(axis=0))
        varies = length > CONSTANT * np.abs(part).max(axis=0)
        columns[:, start : start + step] = np.divide(centred, length, out=np.zeros_like(part), where=varies)
    return columns
