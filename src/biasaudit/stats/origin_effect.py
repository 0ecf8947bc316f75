"""Estimate how well a score orders the origins inside classes, pair by pair, with covariates held fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biasaudit.stats.effects import auc_many
from biasaudit.stats.intervals import Interval, percentile_interval
from biasaudit.stats.pair_auc import Block, blocks_of, pair_auc
from biasaudit.stats.strata import (
    Floats,
    HeldFixed,
    Indices,
    indicator_matrix,
    integer_codes,
    joint_codes,
    members_of,
    require_same_length,
    vector_without_nan,
)

__all__ = ["CELLS_PER_BLOCK", "SMALLEST_SHARE", "Columns", "OriginEffect", "origin_effect", "without_covariates"]


CELLS_PER_BLOCK = 2**21
"""Numbers held at once by one block of resamples; bounds the memory, not the result's quality."""


Columns = NDArray[np.floating[Any]]


SMALLEST_SHARE = 1e-6
"""Directions of the covariates that vary less than this share of the largest get no slope."""


@dataclass(frozen=True)
class OriginEffect:
    """How well scores order the origins inside classes, pair by pair of origins.

    Attributes
    ----------
    pairs
        (p,) pairs of origins; the AUC is the probability that a subject of the second scores higher.
    estimate
        (p,) AUC pooled over the classes that hold both origins, weighted by their precision; nan where none does.
    low, high
        (p,) bounds of the bootstrap interval.
    by_class
        (c, p) AUC inside each class, in sorted order of the classes; nan where a class lacks one of the origins.
    """

    pairs: tuple[tuple[str, str], ...]
    estimate: Floats
    low: Floats
    high: Floats
    by_class: Floats

    @property
    def largest(self) -> int | None:
        """Position of the pair whose AUC is farthest from .5; None if no pair can be compared."""
        if not np.isfinite(self.estimate).any():
            return None
        return int(np.nanargmax(np.abs(self.estimate - 0.5)))


def origin_effect(
    scores: ArrayLike,
    origin: ArrayLike,
    held: HeldFixed,
    n_bootstraps: int,
    generator: np.random.Generator,
    level: float,
) -> OriginEffect:
    """AUC of origin by the score inside classes, with bootstrap intervals.

    Parameters
    ----------
    scores
        (n,) numbers without NaN.
    origin
        (n,) origin names.
    held
        Its strata are the classes, each with its own slopes; the effect of the covariates inside classes and origins
        is removed (`without_covariates`), anew in every resample.
    n_bootstraps
        Number of resamples B, inside cells of class and origin.
    generator
        Source of randomness.
    level
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    OriginEffect

    Raises
    ------
    ValueError
        If scores hold NaN or the lengths differ.
    """
    values, names = vector_without_nan(scores, "scores"), np.asarray(origin, dtype=str)
    strata = integer_codes(held.strata)
    require_same_length(scores=values, origin=names, classes=strata)
    known = np.unique(names)
    origins = integer_codes(names)
    pairs = list(combinations(range(known.size), 2))
    cells = joint_codes(strata, origins)
    columns = np.empty((values.size, 0)) if held.covariates is None else np.asarray(held.covariates)
    as_they_are = without_covariates(values, columns, strata, cells, np.ones((1, values.size)))[0]
    by_class, weights = _pair_aucs(as_they_are[None], origins, strata, pairs)
    draws = []
    for positions in _resampled(cells, n_bootstraps, generator):
        adjusted = without_covariates(values, columns, strata, cells, _counts(positions))
        rows = np.take_along_axis(np.broadcast_to(adjusted, positions.shape), positions, axis=1)
        draws.append(_pooled(_pair_aucs(rows, origins, strata, pairs)[0], weights))
    estimate = _pooled(by_class, weights)[:, 0]
    distribution = np.concatenate(draws, axis=1)
    bounds = [percentile_interval(*each, level) for each in zip(estimate, distribution, strict=True)]
    for place, bound in enumerate(bounds):
        if bound.low <= 0 or bound.high >= 1:  # resamples end where the sample does, which is no bound
            blocks = _blocks_of_pair(origins, strata, pairs[place])
            bounds[place] = _hull(bound, pair_auc(as_they_are, blocks).interval(level))
    return OriginEffect(
        tuple((str(known[first]), str(known[second])) for first, second in pairs),
        estimate,
        np.array([bound.low for bound in bounds]),
        np.array([bound.high for bound in bounds]),
        by_class[:, :, 0],
    )


def _hull(first: Interval, second: Interval) -> Interval:
    """Return the shortest interval that holds both."""
    return Interval(first.estimate, min(first.low, second.low), max(first.high, second.high))


def _blocks_of_pair(origins: Indices, strata: Indices, pair: tuple[int, int]) -> list[Block]:
    """Pairs of subjects of two origins inside each class."""
    groups = (members[np.isin(origins[members], pair)] for members in members_of(strata))
    return [block for members in groups for block in blocks_of(members, origins == pair[1])]


def without_covariates(
    values: Floats, covariates: Columns, classes: Indices, cells: Indices, weights: Floats
) -> Floats:
    """Remove what covariates explain inside classes and origins.

    Slopes are fitted beside the origins, so that a covariate that differs between origins does not take the
    effect of the origin with it.

    Parameters
    ----------
    values
        (n,) finite scores.
    covariates
        (n, c) finite numbers.
    classes
        (n,) integer codes; every class has its own slopes.
    cells
        (n,) integer codes of class x origin.
    weights
        (b, n) how often each subject counts in each of b fits, the same number in all for every cell.

    Returns
    -------
    (b, n) scores as they would be at the class's mean of every covariate; (1, n), the values themselves, without
    covariates.

    References
    ----------
    Cochran (1957), Biometrics 13:261 (analysis of covariance).
    """
    if covariates.shape[1] == 0:
        return values[None, :]
    adjusted = np.tile(values, (weights.shape[0], 1))
    for members in members_of(classes):
        columns = covariates[members] - covariates[members].mean(axis=0)
        slopes = _slopes(values[members], columns, indicator_matrix(integer_codes(cells[members])), weights[:, members])
        adjusted[:, members] -= slopes @ columns.T
    return adjusted


def _slopes(values: Floats, columns: Columns, cells: Floats, weights: Floats) -> Floats:
    """Slopes (b, c) of the weighted regressions on columns and cells; 0 along directions that do not vary."""
    c = columns.shape[1]
    scale = np.sqrt((columns**2).sum(axis=0))
    scaled = np.divide(columns, scale, out=np.zeros_like(columns), where=scale > 0)
    joined = np.column_stack([scaled, values])
    sizes = weights @ cells
    sums = np.einsum("bn,nk,nj->bkj", weights, cells, joined, optimize=True)
    products = (joined[:, :, None] * joined[:, None, :]).reshape(values.size, -1)
    total = (weights @ products).reshape(-1, c + 1, c + 1)
    moments = total - np.einsum("bki,bkj,bk->bij", sums, sums, 1 / np.maximum(sizes, 1))
    inverse = np.linalg.pinv(moments[:, :c, :c], rcond=SMALLEST_SHARE, hermitian=True)
    slopes = np.einsum("bij,bj->bi", inverse, moments[:, :c, c])
    found: Floats = np.divide(slopes, scale, out=np.zeros_like(slopes), where=scale > 0)
    return found


def _resampled(groups: Indices, n_bootstraps: int, generator: np.random.Generator) -> Iterator[Indices]:
    """Blocks (b, n) of positions resampled inside groups, every subject's group keeping its place."""
    size = max(1, CELLS_PER_BLOCK // max(1, groups.size))
    for start in range(0, n_bootstraps, size):
        count = min(size, n_bootstraps - start)
        block = np.empty((count, groups.size), dtype=np.intp)
        for members in members_of(groups):
            block[:, members] = members[generator.integers(0, members.size, (count, members.size))]
        yield block


def _counts(positions: Indices) -> Floats:
    """How often each subject was drawn, (b, n)."""
    b, n = positions.shape
    offsets = np.arange(b)[:, None] * n
    counts: Floats = np.bincount((positions + offsets).ravel(), minlength=b * n).reshape(b, n).astype(np.float64)
    return counts


def _pair_aucs(rows: Floats, origins: Indices, strata: Indices, pairs: list[tuple[int, int]]) -> tuple[Floats, Floats]:
    """AUCs (c, p, b) of rows (b, n), nan where a cell is empty, and the precision (c, p) of each."""
    groups = list(members_of(strata))
    areas = np.full((len(groups), len(pairs), rows.shape[0]), np.nan)
    weights = np.zeros((len(groups), len(pairs)))
    for c, members in enumerate(groups):
        for p, (first, second) in enumerate(pairs):
            used = members[np.isin(origins[members], (first, second))]
            later = origins[used] == second
            if later.any() and not later.all():
                areas[c, p] = auc_many(rows[:, used], later)
                weights[c, p] = later.sum() * (~later).sum() / (used.size + 1)
    return areas, weights


def _pooled(areas: Floats, weights: Floats) -> Floats:
    """Weighted mean over classes, (p, b); nan where no class counts."""
    total = weights.sum(axis=0)[:, None]
    sums = np.einsum("cpb,cp->pb", np.nan_to_num(areas), weights)
    pooled: Floats = np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)
    return pooled
