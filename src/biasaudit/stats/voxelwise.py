"""Group differences of maps, voxel by voxel, with the error rate held over all of them.

Maps of different folds come from different networks, and maps of different origins carry different signatures: both
are blocks whose means are removed, and groups are permuted inside blocks only. Removing block means and permuting
inside blocks commute, so the tests are exact where subjects of a block are exchangeable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biasaudit.stats.map_columns import Reals, region_means, unit_columns
from biasaudit.stats.multiplicity import minimum_p
from biasaudit.stats.permutation import permutation_blocks
from biasaudit.stats.strata import (
    Booleans,
    Floats,
    Indices,
    centre_within,
    indicator_matrix,
    informative_subjects,
    integer_codes,
    require_same_length,
)
from biasaudit.stats.tfce import Neighbours, enhanced, enhanced_peaks

__all__ = ["Family", "MapDifference", "Places", "critical_value", "map_difference_test", "map_statistics"]

TIED = 1e-5
"""Relative difference below which two correlations, or two enhanced values, are equal: products may be of single
precision."""


@dataclass(frozen=True)
class Places:
    """Neighbourhood and regions of the voxels at which maps are compared.

    Attributes
    ----------
    neighbours
        Which voxels touch; with it threshold-free cluster enhancement is made.
    regions
        (v,) region of each voxel, from 1; 0 is none. With it the means of regions are compared as well.
    """

    neighbours: Neighbours | None = None
    regions: Indices | None = None


@dataclass(frozen=True)
class Family:
    """One set of places tested together.

    Attributes
    ----------
    statistic
        (p,) statistic of each place; of two groups signed, positive where the second in sorted order is larger.
    p_value
        (p,) corrected for all places of the family, never 0; 1 where the maps do not vary.
    peak
        Largest absolute statistic.
    null
        (m,) largest absolute statistic of every permutation.
    """

    statistic: Floats
    p_value: Floats
    peak: float
    null: Floats = field(repr=False)


@dataclass(frozen=True)
class MapDifference:
    """Outcome of `map_difference_test`.

    Attributes
    ----------
    p_value
        Of all families together; nan if there was nothing to compare.
    families
        ``voxels``, and as far as asked for ``tfce`` and ``regions``.
    n
        Maps that took part.
    reason
        Why `p_value` is nan; empty otherwise.
    """

    p_value: float
    families: Mapping[str, Family]
    n: int
    reason: str = ""


def critical_value(family: Family, alpha: float) -> float:
    """Value that a statistic must exceed to be significant: the (k + 1)-th largest of the null, k = alpha (1 + m) - 1.

    Parameters
    ----------
    family
        As tested.
    alpha
        Family-wise error rate.

    Returns
    -------
    Infinite if there are too few permutations for any to be significant.
    """
    allowed = int(alpha * (1 + family.null.size) * (1 + TIED)) - 1
    return float(np.sort(family.null)[::-1][allowed]) if allowed >= 0 else float("inf")


@dataclass(frozen=True)
class _Model:
    """Groups of every arrangement as an orthonormal basis, and what turns a correlation into a statistic.

    Attributes
    ----------
    basis
        (n, q) group contrasts, block means removed.
    freedom
        Residual degrees of freedom.
    """

    basis: Floats
    freedom: int

    def correlations(self, columns: Reals, indices: Indices) -> Reals:
        """Multiple correlation of permuted groups with columns of unit length, (m, p); signed if q is 1."""
        contrasts = [column[indices] for column in self.basis.T.astype(columns.dtype)]
        if len(contrasts) == 1:
            product: Reals = contrasts[0] @ columns
            return product
        squares = np.zeros((indices.shape[0], columns.shape[1]), dtype=columns.dtype)
        for contrast in contrasts:
            squares += (contrast @ columns) ** 2
        lengths: Reals = np.sqrt(squares)
        return lengths

    def statistics(self, correlations: Reals) -> Floats:
        """Of two groups t; of more the normal equivalent of F, at least 0. Both grow with the correlation."""
        values = np.asarray(correlations, dtype=np.float64)
        # Rounding may carry a perfect correlation past 1.
        explained = np.minimum(values**2, 1 - 1e-9)
        ratio = explained / (1 - explained) * self.freedom
        q = self.basis.shape[1]
        if q == 1:
            signed: Floats = np.copysign(np.sqrt(ratio), values)
            return signed
        root, between, within = np.cbrt(ratio / q), 2 / (9 * q), 2 / (9 * self.freedom)
        normal = ((1 - within) * root - (1 - between)) / np.sqrt(between + within * root**2)
        positive: Floats = np.maximum(normal, 0.0)
        return positive


def map_statistics(maps: ArrayLike, groups: ArrayLike, blocks: ArrayLike) -> Floats:
    """Statistic of every voxel, without a test.

    Parameters
    ----------
    maps, groups, blocks
        As in `map_difference_test`.

    Returns
    -------
    (v,) of two groups t, positive where the second in sorted order is larger; of more the normal equivalent of F. 0
    where the maps do not vary.

    Raises
    ------
    ValueError
        If `map_difference_test` would have nothing to compare.
    """
    values, group, block, used = _checked(maps, groups, blocks)
    if not used.any():
        raise ValueError("no block holds two groups")
    group, block = integer_codes(group[used]), integer_codes(block[used])
    model = _model(group, block)
    columns = unit_columns(values[used], block, np.float32)
    return model.statistics(model.correlations(columns, np.arange(group.size)[None, :])[0])


def map_difference_test(
    maps: ArrayLike,
    groups: ArrayLike,
    blocks: ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
    places: Places | None = None,
) -> MapDifference:
    """Test whether maps differ between groups inside blocks, and where.

    Every voxel gets the statistic of a linear model with the block means as covariates; the largest one of every
    permutation of the groups inside blocks is what a voxel must exceed. Cluster enhancement and region means share the
    permutations, and all are combined by `minimum_p`.

    Parameters
    ----------
    maps
        (n, v) finite maps, one per subject.
    groups
        (n,) what is compared: origins of one class, or classes.
    blocks
        (n,) what is held fixed: folds, or origin and fold. Blocks of a single group take no part.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.
    places
        Neighbours for cluster enhancement, regions; by default neither.

    Returns
    -------
    MapDifference
        p = nan with a reason if no block holds two groups or no degree of freedom is left.

    Raises
    ------
    ValueError
        If lengths differ or a map is not finite.

    Notes
    -----
    Cost: 2 n v m operations as matrix products, in blocks of `CELLS_PER_BLOCK` numbers; in single precision unless
    clusters are enhanced. p-values are not affected, since correlations within `TIED` of each other count as equal.
    Measured size and power: docs/benchmarks.md, tests/calibration/test_calibration_voxelwise.py.

    References
    ----------
    Nichols and Holmes (2002), Human Brain Mapping 15:1 (max-T); Winkler et al. (2014), NeuroImage 92:381
    (exchangeability blocks, general linear model); Winkler et al. (2016), Human Brain Mapping 37:1486 (combination by
    shared permutations); Paulson (1942), Annals of Mathematical Statistics 13:233 (normal equivalent of F).
    """
    values, group, block, used = _checked(maps, groups, blocks)
    if not used.any():
        return MapDifference(float("nan"), {}, 0, "no block holds two groups")
    values, group, block = values[used], integer_codes(group[used]), integer_codes(block[used])
    model = _model(group, block)
    if model.freedom < 1:
        return MapDifference(float("nan"), {}, group.size, "too few subjects for the number of blocks")
    width = max(1, values.shape[1] // group.size)
    arrangements = permutation_blocks(block, n_permutations, generator, width)
    families = _families(_columns(values, block, places), model, arrangements)
    observed = [family.peak for family in families.values()]
    p, _ = minimum_p(observed, np.column_stack([family.null for family in families.values()]))
    return MapDifference(p, families, group.size)


def _checked(
    maps: ArrayLike, groups: ArrayLike, blocks: ArrayLike
) -> tuple[NDArray[np.floating], Indices, Indices, Booleans]:
    """Read maps, group and block codes, and who lies in a block of two groups."""
    values = np.asarray(maps)
    group, block = integer_codes(groups), integer_codes(blocks)
    require_same_length(maps=values, groups=group, blocks=block)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"maps must be finite and of shape (n, v), got {values.shape}; leave maps that are not out")
    return values, group, block, informative_subjects(group, block)


def _model(groups: Indices, blocks: Indices) -> _Model:
    basis = _basis(groups, blocks)
    return _Model(basis, groups.size - (int(blocks.max()) + 1) - basis.shape[1])


def _basis(groups: Indices, blocks: Indices) -> Floats:
    """Orthonormal basis of the group indicators less their block means, (n, q); of two groups the second."""
    centred = centre_within(indicator_matrix(groups)[:, 1:], blocks)
    if centred.shape[1] == 1:
        unit: Floats = centred / np.sqrt((centred**2).sum())
        return unit
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    basis: Floats = left[:, lengths > 1e-9 * lengths[0]]
    return basis


@dataclass(frozen=True)
class _Columns:
    """Maps and region means as columns of mean 0 in every block and of length 1, and the neighbours."""

    places: Mapping[str, Reals]
    neighbours: Neighbours | None


def _columns(maps: NDArray[np.floating], blocks: Indices, places: Places | None) -> _Columns:
    where = places or Places()
    # t close to a perfect correlation magnifies the last digits, and enhancement does so again.
    precision = np.float32 if where.neighbours is None else np.float64
    columns = {"voxels": unit_columns(maps, blocks, precision)}
    if where.regions is not None and (where.regions > 0).any():
        columns["regions"] = unit_columns(region_means(maps, where.regions), blocks, precision)
    return _Columns(columns, where.neighbours)


def _families(columns: _Columns, model: _Model, arrangements: Iterator[Indices]) -> dict[str, Family]:
    own = np.arange(model.basis.shape[0])[None, :]
    observed = {name: model.correlations(each, own)[0] for name, each in columns.places.items()}
    peaks = [_peaks(columns, model, indices) for indices in arrangements]
    null = {name: np.concatenate([block[name] for block in peaks]) for name in peaks[0]}
    families = {
        name: _family(correlations, model.statistics(correlations), null[name], model)
        for name, correlations in observed.items()
    }
    if columns.neighbours is not None:
        values = enhanced(families["voxels"].statistic, columns.neighbours)
        families["tfce"] = _family(values, values, null["tfce"], None)
    return families


def _peaks(columns: _Columns, model: _Model, indices: Indices) -> dict[str, Reals]:
    """Largest absolute correlation, or enhanced value, of every arrangement."""
    correlations = {name: model.correlations(each, indices) for name, each in columns.places.items()}
    peaks = {name: np.maximum(each.max(axis=1), -each.min(axis=1)) for name, each in correlations.items()}
    if columns.neighbours is not None:
        peaks["tfce"] = enhanced_peaks(model.statistics(correlations["voxels"]), columns.neighbours)
    return peaks


def _family(values: Reals, statistic: Floats, null: Reals, model: _Model | None) -> Family:
    """Count which permutations reach the values; with a model they are correlations."""
    size: Floats = np.abs(np.asarray(values, dtype=np.float64))
    reached: Floats = np.sort(np.asarray(null, dtype=np.float64))
    larger = reached.size - np.searchsorted(reached, size * (1 - TIED), side="left")
    peak = float(size.max())
    # An arrangement that equals the observed one may differ in its last digits.
    largest: Floats = np.where(np.abs(null - peak) <= TIED * peak, peak, null).astype(np.float64)
    if model is not None:
        peak, largest = float(model.statistics(np.array([peak]))[0]), model.statistics(largest)
    corrected = np.asarray((1.0 + larger) / (1.0 + reached.size), dtype=np.float64)
    return Family(statistic, corrected, peak, largest)
