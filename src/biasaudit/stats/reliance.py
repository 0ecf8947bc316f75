"""How far a score answers to the origin: effects and their bootstrap distributions.

Logits of different folds come from different networks. `standardised_logits` and `aligned_logits` put them on one
scale first; the bootstrap then resamples subjects inside cells of class and origin.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.effects import auc_many
from biasaudit.stats.intervals import percentile_interval, resample_weights
from biasaudit.stats.strata import (
    Booleans,
    Floats,
    Indices,
    indicator_matrix,
    integer_codes,
    joint_codes,
    members_of,
    require_same_length,
    vector_without_nan,
)

CELLS_PER_BLOCK = 2**21
"""Numbers held at once by one block of resamples; bounds the memory, not the result's quality."""

SMALLEST_CELL = 3
"""A cell of class and fold with fewer subjects has no spread to speak of: logits are then left as they are."""


def standardised_logits(logits: ArrayLike, positive: ArrayLike, folds: ArrayLike) -> Floats:
    """Logits of mean 0 and variance 1 inside every cell of class and fold.

    For questions asked inside a class. At 50 + 50 subjects in 5 folds the stratified permutation test keeps the power
    that it has on a single network (.70 at bias .25; .66 when permuting inside class x fold instead), and keeps it
    when offset and scale differ between folds (.70 against .52 without); size .048.

    Parameters
    ----------
    logits
        (n,) finite numbers.
    positive
        (n,) booleans, or names or codes of more classes.
    folds
        (n,) codes.

    Returns
    -------
    (n,) numbers. Where a cell has fewer than `SMALLEST_CELL` subjects the fold is not told apart: its class is
    standardised as a whole. A constant cell becomes 0.
    """
    values, classes = vector_without_nan(logits, "logits"), integer_codes(positive)
    cells = joint_codes(classes, folds)
    standardised = np.zeros(values.size)
    for members in members_of(classes):
        smallest = min(rows.size for rows in members_of(cells[members]))
        parts = members_of(cells[members]) if smallest >= SMALLEST_CELL else [np.arange(members.size)]
        for part in parts:
            standardised[members[part]] = _standardised(values[members[part]])
    return standardised


def _standardised(values: Floats) -> Floats:
    centred = values - values.mean()
    spread = centred.std(ddof=1) if values.size > 1 else 0.0
    scaled: Floats = centred / spread if spread > 0 else np.zeros_like(centred)
    return scaled


def aligned_logits(logits: ArrayLike, positive: ArrayLike, folds: ArrayLike) -> Floats:
    """Logits with the midpoint of the classes and the spread inside classes made equal between folds.

    For questions that compare classes. One affine map per fold, so that ratios of differences of means inside a fold
    are untouched.

    Parameters
    ----------
    logits
        (n,) finite numbers.
    positive
        (n,) booleans.
    folds
        (n,) codes.

    Returns
    -------
    (n,) numbers in units of the spread inside classes, 0 halfway between the classes; the logits as they are if a
    fold has fewer than `SMALLEST_CELL` subjects of a class, or a spread of 0.
    """
    values, truth = vector_without_nan(logits, "logits"), np.asarray(positive, dtype=bool)
    aligned = np.empty(values.size)
    for rows in members_of(integer_codes(folds)):
        first, second = values[rows][truth[rows]], values[rows][~truth[rows]]
        if min(first.size, second.size) < SMALLEST_CELL:
            return values.copy()
        squares = first.var() * first.size + second.var() * second.size
        spread = np.sqrt(squares / (rows.size - 2))
        if not spread > 0:
            return values.copy()
        aligned[rows] = (values[rows] - (first.mean() + second.mean()) / 2) / spread
    return aligned


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
    classes: ArrayLike,
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
    classes
        (n,) names or codes; subjects of different classes are never compared.
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
    strata = integer_codes(classes)
    require_same_length(scores=values, origin=names, classes=strata)
    known = np.unique(names)
    origins = integer_codes(names)
    pairs = list(combinations(range(known.size), 2))
    by_class, weights = _pair_aucs(values[None, :], origins, strata, pairs)
    blocks = _resampled(values, joint_codes(strata, origins), n_bootstraps, generator)
    draws = [_pooled(_pair_aucs(block, origins, strata, pairs)[0], weights) for block in blocks]
    estimate = _pooled(by_class, weights)[:, 0]
    distribution = np.concatenate(draws, axis=1)
    bounds = [percentile_interval(*each, level) for each in zip(estimate, distribution, strict=True)]
    return OriginEffect(
        tuple((str(known[first]), str(known[second])) for first, second in pairs),
        estimate,
        np.array([bound.low for bound in bounds]),
        np.array([bound.high for bound in bounds]),
        by_class[:, :, 0],
    )


def _resampled(values: Floats, groups: Indices, n_bootstraps: int, generator: np.random.Generator) -> Iterator[Floats]:
    """Blocks (b, n) of values resampled inside groups, every subject's group keeping its place."""
    size = max(1, CELLS_PER_BLOCK // max(1, groups.size))
    for start in range(0, n_bootstraps, size):
        count = min(size, n_bootstraps - start)
        block = np.empty((count, groups.size))
        for members in members_of(groups):
            block[:, members] = values[members[generator.integers(0, members.size, (count, members.size))]]
        yield block


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


def bootstrap_origin_sensitivity(
    scores: ArrayLike,
    positive: ArrayLike,
    origin: ArrayLike,
    n_bootstraps: int,
    generator: np.random.Generator,
    strata: ArrayLike | None = None,
) -> Floats:
    """Bootstrap distribution of the ratio of `biasaudit.stats.effects.origin_sensitivity`.

    Subjects are resampled inside cells of stratum and origin; twice the sampling variance is subtracted, because
    resampling adds it a second time.

    Parameters
    ----------
    scores
        (n,) finite logits.
    positive
        (n,) booleans.
    origin
        (n,) origin names or codes.
    n_bootstraps
        Number of resamples B.
    generator
        Source of randomness.
    strata
        (n,) classes inside which origins are compared, if a side pools several; by default the sides.

    Returns
    -------
    (B,) ratios from 0 to 1; nan where undefined, throughout if no class spans two origins or no origin holds both
    classes.

    Raises
    ------
    ValueError
        If scores hold NaN or the lengths differ.

    References
    ----------
    DESIGN.md section 5, the truth R*.
    """
    values, truth = vector_without_nan(scores, "scores"), np.asarray(positive, dtype=bool)
    origins = integer_codes(origin)
    require_same_length(scores=values, positive=truth, origin=origins)
    n_origins = int(origins.max(initial=0)) + 1
    cells = indicator_matrix(truth * n_origins + origins, 2 * n_origins)
    groups = truth.astype(np.intp) if strata is None else integer_codes(strata)
    inside = (
        cells
        if strata is None
        else indicator_matrix(groups * n_origins + origins, (int(groups.max(initial=0)) + 1) * n_origins)
    )
    centred = values - values.mean()
    size = max(1, CELLS_PER_BLOCK // max(1, values.size))
    ratios = []
    for start in range(0, n_bootstraps, size):
        count = min(size, n_bootstraps - start)
        weights = resample_weights(joint_codes(groups, origins), count, generator).astype(np.float64)
        ratios.append(_sensitivity_ratios(weights, centred, (cells, inside), n_origins))
    return np.concatenate(ratios)


def _sensitivity_ratios(weights: Floats, values: Floats, cells: tuple[Floats, Floats], n_origins: int) -> Floats:
    """Ratio site / (site + pathology) of every resample, (b,); cells of side and origin, and of stratum and origin."""
    means, variances = _resampled_means(weights, values, cells[1], n_origins)
    site = np.sqrt(np.maximum(0.0, _mean_square_difference(means, variances)))
    sides = means if cells[0] is cells[1] else _resampled_means(weights, values, cells[0], n_origins)[0]
    steps = sides[:, 1] - sides[:, 0]
    both = np.isfinite(steps[0])
    if not both.any():
        return np.full(weights.shape[0], np.nan)
    pathology = np.abs(steps[:, both].mean(axis=1))
    total = site + pathology
    ratios: Floats = np.divide(site, total, out=np.full(total.shape, np.nan), where=total > 0)
    return ratios


def _resampled_means(weights: Floats, values: Floats, cells: Floats, n_origins: int) -> tuple[Floats, Floats]:
    """Cell means and their sampling variances, (b, c, k)."""
    counts = cells.sum(axis=0)
    size = np.where(counts > 0, counts, np.nan)
    means = (weights * values) @ cells / size
    squares = np.maximum(0.0, (weights * values**2) @ cells - size * means**2)
    shape = (weights.shape[0], -1, n_origins)
    return means.reshape(shape), _mean_variances(squares.reshape(shape), counts.reshape(-1, n_origins))


def _mean_variances(squares: Floats, counts: Floats) -> Floats:
    """Return the sampling variance (b, c, k) of the cell means; a cell of one subject borrows from its class."""
    freedom = np.maximum(counts - 1, 0)
    own = squares / np.where(freedom > 0, freedom, np.nan)
    total = freedom.sum(axis=1, keepdims=True)
    pooled = np.nansum(squares, axis=2, keepdims=True) / np.where(total > 0, total, np.nan)
    variances: Floats = np.where(freedom > 0, own, pooled) / np.where(counts > 0, counts, np.nan)
    return variances


def _mean_square_difference(means: Floats, variances: Floats) -> Floats:
    """Mean over classes and pairs of origins of the squared difference less twice its noise, (b,)."""
    total, pairs = np.zeros(means.shape[0]), 0
    for c in range(means.shape[1]):
        known: Booleans = np.isfinite(means[0, c]) & np.isfinite(variances[0, c])
        size = int(known.sum())
        if size > 1:
            spread = means[:, c, known].var(axis=1) * size
            total += size * spread - 2 * (size - 1) * variances[:, c, known].sum(axis=1)
            pairs += size * (size - 1) // 2
    return total / pairs if pairs else np.full(total.shape, np.nan)


def bootstrap_fold_auc(
    scores: ArrayLike,
    origin_codes: ArrayLike,
    folds: ArrayLike,
    n_bootstraps: int,
    generator: np.random.Generator,
) -> Floats:
    """Bootstrap distribution of the mean over folds of the macro one-versus-rest AUC.

    Parameters
    ----------
    scores
        (n, k) held-out logits or probabilities, one column per origin.
    origin_codes
        (n,) the column of the true origin.
    folds
        (n,) codes.
    n_bootstraps
        Number of resamples B, inside cells of fold and origin.
    generator
        Source of randomness.

    Returns
    -------
    (B,) areas; nan throughout if no fold holds two origins.

    References
    ----------
    `biasaudit.stats.permutation.cross_validated_auc_statistic` is the estimate.
    """
    columns, origins = np.asarray(scores, dtype=np.float64), np.asarray(origin_codes)
    parts = [
        _resampled_macro_auc(columns[rows], origins[rows], n_bootstraps, generator)
        for rows in members_of(integer_codes(folds))
        if np.unique(origins[rows]).size > 1
    ]
    areas: Floats = np.mean(parts, axis=0) if parts else np.full(n_bootstraps, np.nan)
    return areas


def _resampled_macro_auc(
    columns: Floats, origins: Indices, n_bootstraps: int, generator: np.random.Generator
) -> Floats:
    picks = np.empty((n_bootstraps, origins.size), dtype=np.intp)
    for members in members_of(integer_codes(origins)):
        picks[:, members] = members[generator.integers(0, members.size, (n_bootstraps, members.size))]
    areas = [auc_many(columns[picks, int(code)], origins == code) for code in np.unique(origins)]
    mean: Floats = np.mean(areas, axis=0)
    return mean
