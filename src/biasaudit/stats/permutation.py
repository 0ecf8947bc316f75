"""Permutation tests of origin given the label: subjects are exchanged only inside strata.

A stratum is a set of subjects that the null hypothesis makes exchangeable, such as a class, or a
class inside a fold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from biasaudit.stats.ranks import midranks
from biasaudit.stats.strata import (
    Booleans,
    Floats,
    Indices,
    centre_within,
    indicator_matrix,
    integer_codes,
    joint_codes,
    members_of,
    require_same_length,
    vector_without_nan,
)

CELLS_PER_BLOCK = 2**21
"""Numbers held at once by one block of permutations; bounds the memory of a test."""

LARGEST_SKEWNESS, LARGEST_KURTOSIS = 0.5, 4.0
"""Third and fourth moment up to which scaled values count as normal; a normal sample of 100 rarely exceeds them."""

RELATIVE_TOLERANCE = 1e-9
"""Statistics closer than this are equal: sums in another order differ in their last digits."""


@dataclass(frozen=True)
class TestResult:
    """Outcome of one test.

    Attributes
    ----------
    statistic
        The observed statistic; nan if there was nothing to compare.
    p_value
        From 1 / (1 + m) to 1; nan if there was nothing to compare.
    n
        Subjects that took part.
    null
        (m,) the statistic under each permutation; empty if there was nothing to compare.
    reason
        Why `p_value` is nan; empty otherwise.
    """

    __test__: ClassVar[bool] = False  # the name begins with Test, and pytest would collect it

    statistic: float
    p_value: float
    n: int
    null: Floats = field(repr=False)
    reason: str = ""


def nothing_to_compare(reason: str) -> TestResult:
    """Outcome of a test that could not be made.

    Parameters
    ----------
    reason
        What is missing, one clause.

    Returns
    -------
    TestResult
        With nan for statistic and p-value, and 0 subjects.
    """
    return TestResult(float("nan"), float("nan"), 0, np.empty(0), reason)


def permutation_indices(strata: ArrayLike, n_permutations: int, generator: np.random.Generator) -> Indices:
    """Draw permutations that exchange subjects only inside strata.

    Parameters
    ----------
    strata
        (n,) codes or names.
    n_permutations
        Number of permutations m, at least 1.
    generator
        Source of randomness.

    Returns
    -------
    (m, n) indices: `values[indices]` are the permuted values, and `strata[indices]` equals
    `strata` in every row.

    Raises
    ------
    ValueError
        If `n_permutations` is below 1.
    """
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be 1 or more, got {n_permutations}")
    codes = integer_codes(strata)
    indices = np.tile(np.arange(codes.size, dtype=np.intp), (n_permutations, 1))
    for members in members_of(codes):
        if members.size > 1:
            keys = generator.random((n_permutations, members.size))
            indices[:, members] = members[np.argsort(keys, axis=1)]
    return indices


def permutation_blocks(
    strata: ArrayLike, n_permutations: int, generator: np.random.Generator, width: int = 1
) -> Iterator[Indices]:
    """Yield `permutation_indices` in blocks of bounded memory.

    Parameters
    ----------
    strata
        (n,) codes or names.
    n_permutations
        Number of permutations in all.
    generator
        Source of randomness.
    width
        Numbers that the caller holds per permutation and subject.

    Yields
    ------
    (b, n) indices; the blocks add up to `n_permutations` rows.

    Raises
    ------
    ValueError
        If `n_permutations` is below 1.
    """
    codes = integer_codes(strata)
    size = max(1, CELLS_PER_BLOCK // max(1, codes.size * width))
    for start in range(0, max(n_permutations, 1), size):
        yield permutation_indices(codes, min(size, n_permutations - start), generator)


def p_value(observed: float, null: ArrayLike) -> float:
    """Permutation p-value, the observed arrangement counted as one of the permutations.

    Parameters
    ----------
    observed
        The observed statistic, large if the null hypothesis is wrong.
    null
        (m,) the statistic under permutation; nan count as large.

    Returns
    -------
    (1 + #{null >= observed}) / (1 + m), never 0; nan if `observed` is nan. Values within
    `RELATIVE_TOLERANCE` count as equal.

    References
    ----------
    Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39.
    """
    if np.isnan(observed):
        return float("nan")
    values = np.asarray(null, dtype=np.float64)
    floor = observed - RELATIVE_TOLERANCE * max(1.0, abs(observed))
    return (1 + int((~(values < floor)).sum())) / (1 + values.size)


def rank_within(values: ArrayLike, strata: ArrayLike) -> Floats:
    """Midranks inside each stratum, scaled to mean 0 and variance 1.

    Parameters
    ----------
    values
        (n,) numbers without NaN.
    strata
        (n,) codes or names.

    Returns
    -------
    (n,) scaled ranks; 0 throughout a stratum of constant values or a single subject.

    Raises
    ------
    ValueError
        If values hold NaN or the lengths differ.
    """
    vector, codes = _vector_and_strata(values, strata)
    ranks = np.zeros(vector.size)
    for members in members_of(codes):
        ranks[members] = midranks(vector[members])
    return _scaled_within(ranks, codes)


def normal_scores_within(values: ArrayLike, strata: ArrayLike) -> Floats:
    """Turn midranks inside each stratum into normal quantiles, scaled to mean 0 and variance 1.

    As free of the scores' scale as the ranks themselves; against a shift never less efficient than
    the difference of means, whatever the distribution, and as efficient if it is normal.

    Parameters
    ----------
    values
        (n,) numbers without NaN.
    strata
        (n,) codes or names.

    Returns
    -------
    (n,) scaled normal scores; 0 throughout a stratum of constant values or a single subject.

    Raises
    ------
    ValueError
        If values hold NaN or the lengths differ.

    References
    ----------
    van der Waerden (1952), Indagationes Mathematicae 14:453; Chernoff and Savage (1958), Annals of
    Mathematical Statistics 29:972.
    """
    vector, codes = _vector_and_strata(values, strata)
    scores = np.zeros(vector.size)
    for members in members_of(codes):
        scores[members] = ndtri(midranks(vector[members]) / (members.size + 1))
    return _scaled_within(scores, codes)


def shift_scores(values: ArrayLike, strata: ArrayLike) -> Floats:
    """Scores for a test of shift: the values themselves where they look normal, else their normal scores.

    The choice looks at the values only, never at who belongs to which group, so that a permutation test made
    with the chosen scores is as valid as with either.

    Parameters
    ----------
    values
        (n,) numbers without NaN.
    strata
        (n,) codes or names.

    Returns
    -------
    (n,) scores of mean 0 and variance 1 inside strata; 0 throughout a constant stratum.

    Raises
    ------
    ValueError
        If values hold NaN or the lengths differ.

    Notes
    -----
    At 50 + 50 normal scores shifted by half a standard deviation the power is .687, where the t test has
    .691; normal scores of the ranks have .676 and ranks .660 (8 000 runs each).

    References
    ----------
    Hogg (1974), Journal of the American Statistical Association 69:909 (adaptive tests).
    """
    vector, codes = _vector_and_strata(values, strata)
    if np.isfinite(vector).all():
        scaled = _scaled_within(vector, codes)
        if abs((scaled**3).mean()) <= LARGEST_SKEWNESS and (scaled**4).mean() <= LARGEST_KURTOSIS:
            return scaled
    return normal_scores_within(vector, codes)


def _vector_and_strata(values: ArrayLike, strata: ArrayLike) -> tuple[Floats, Indices]:
    vector, codes = vector_without_nan(values, "scores"), integer_codes(strata)
    require_same_length(scores=vector, strata=codes)
    return vector, codes


def _scaled_within(values: Floats, codes: Indices) -> Floats:
    """Mean 0 and variance 1 in every group, 0 where constant."""
    scaled = centre_within(values, codes)
    for members in members_of(codes):
        spread = np.sqrt((scaled[members] ** 2).mean())
        scaled[members] = scaled[members] / spread if spread > RELATIVE_TOLERANCE else 0.0
    return scaled


def origin_statistic(ranks: ArrayLike, origin_onehot: ArrayLike, strata: ArrayLike) -> Floats:
    """Pooled difference between origins: a generalised van Elteren statistic.

    For each origin the rank deviations of its subjects are summed over all strata, squared, and
    divided by their permutation variance; the statistic is the sum over origins. Directions are
    pooled, so that a shift that is the same in every stratum adds up. With two origins and ranks it
    is twice the square of van Elteren's standardised statistic (strata weighted by the inverse of
    the rank's standard deviation).

    Parameters
    ----------
    ranks
        (n,) or (m, n) scores of mean 0 in every stratum: `rank_within`, `normal_scores_within`.
    origin_onehot
        (n, k) indicators of the origin.
    strata
        (n,) codes or names.

    Returns
    -------
    (m,) statistics, 0 or more; (1,) for one vector of ranks.

    References
    ----------
    van Elteren (1960), Bulletin of the International Statistical Institute 37:351; Landis, Heyman
    and Koch (1978), International Statistical Review 46:237 (mean score statistic).
    """
    rows = np.atleast_2d(np.asarray(ranks, dtype=np.float64))
    codes = integer_codes(strata)
    design = centre_within(np.asarray(origin_onehot, dtype=np.float64), codes)
    return _quadratic(rows, design, _permutation_variance(rows, design, codes))


def opposite_shift_statistic(ranks: ArrayLike, origin_onehot: ArrayLike, strata: ArrayLike) -> Floats:
    """Sum over strata of each stratum's own difference between origins.

    Shifts that point in opposite directions in different strata cancel in `origin_statistic`, but
    not here. In one stratum and without ties it is Kruskal and Wallis's statistic up to weights.

    Parameters
    ----------
    ranks
        (n,) or (m, n) scores of mean 0 in every stratum: `rank_within`, `normal_scores_within`.
    origin_onehot
        (n, k) indicators of the origin.
    strata
        (n,) codes or names.

    Returns
    -------
    (m,) statistics, 0 or more; (1,) for one vector of ranks.

    References
    ----------
    Kruskal and Wallis (1952), Journal of the American Statistical Association 47:583.
    """
    rows = np.atleast_2d(np.asarray(ranks, dtype=np.float64))
    codes = integer_codes(strata)
    design = _split_by_stratum(np.asarray(origin_onehot, dtype=np.float64), codes)
    return _quadratic(rows, design, _permutation_variance(rows, design, codes))


def _split_by_stratum(onehot: Floats, codes: Indices) -> Floats:
    """Centred indicators (n, strata * k) of every cell of stratum x origin."""
    cells = indicator_matrix(codes)[:, :, None] * onehot[:, None, :]
    return centre_within(cells.reshape(codes.size, -1), codes)


def _permutation_variance(rows: Floats, design: Floats, codes: Indices) -> Floats:
    """Variance (m, c) of `rows @ design` when the rows are permuted inside strata."""
    membership = indicator_matrix(codes)
    sizes = membership.sum(axis=0)
    spread = (rows**2) @ membership / np.maximum(sizes - 1, 1)
    variance: Floats = spread @ (membership.T @ design**2)
    return variance


def _quadratic(rows: Floats, design: Floats, variance: Floats) -> Floats:
    """Sum over columns of the squared sum over its variance, (m,)."""
    sums = rows @ design
    usable = np.broadcast_to(variance > RELATIVE_TOLERANCE, sums.shape)
    squares = np.divide(sums**2, variance, out=np.zeros_like(sums), where=usable)
    totals: Floats = squares.sum(axis=1)
    return totals


def informative_subjects(origin: Indices, strata: Indices) -> Booleans:
    """Subjects of strata that hold at least two origins.

    Parameters
    ----------
    origin, strata
        (n,) integer codes.

    Returns
    -------
    (n,) booleans.
    """
    used = np.zeros(origin.size, dtype=bool)
    for members in members_of(strata):
        used[members] = np.unique(origin[members]).size > 1
    return used


def linear_rank_test(
    ranks: Floats,
    design: Floats,
    strata: Indices,
    n_permutations: int,
    generator: np.random.Generator,
    null_scale: Floats | None = None,
) -> TestResult:
    """Permutation test of the sum of squared standardised products of ranks and design columns.

    Parameters
    ----------
    ranks
        (n,) scores of mean 0 inside strata.
    design
        (n, c) columns of mean 0 inside strata.
    strata
        (n,) integer codes.
    n_permutations
        Number of permutations m of the ranks inside strata.
    generator
        Source of randomness.
    null_scale
        (n,) factor on the permuted ranks, one value per stratum, where permuting understates how
        much the observed ranks vary; by default 1.

    Returns
    -------
    TestResult
        With p = 1 if the ranks are constant inside strata.

    Raises
    ------
    ValueError
        If `n_permutations` is below 1.
    """
    variance = _permutation_variance(ranks[None, :], design, strata)
    observed = float(_quadratic(ranks[None, :], design, variance)[0])
    blocks = permutation_blocks(strata, n_permutations, generator)
    permutable = ranks if null_scale is None else ranks * null_scale
    null = np.concatenate([_quadratic(permutable[indices], design, variance) for indices in blocks])
    return TestResult(observed, p_value(observed, null), ranks.size, null)


def origin_dependence_test(
    scores: ArrayLike,
    origin: ArrayLike,
    strata: ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
    statistic: Literal["pooled", "per_stratum"] = "pooled",
) -> TestResult:
    """Test whether scores depend on origin inside strata.

    Scores that look normal enter as they are, others as normal scores of their ranks inside strata
    (`shift_scores`), so that saturated scores and outliers cost no power.

    Parameters
    ----------
    scores
        (n,) held-out scores without NaN.
    origin
        (n,) origin names or codes.
    strata
        (n,) what is held fixed: class, or class x fold x covariate.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.
    statistic
        "pooled" adds directions over strata (`origin_statistic`); "per_stratum" sees opposite
        shifts as well, at some loss of power against equal ones (`opposite_shift_statistic`).

    Returns
    -------
    TestResult
        p = 1 for constant scores; nan with a reason if no stratum holds two origins. Strata with
        one origin contribute nothing and are not counted in `n`.

    Raises
    ------
    ValueError
        If scores hold NaN, lengths differ, or `statistic` is unknown.

    References
    ----------
    van Elteren (1960); Pesarin and Salmaso (2010), Permutation Tests for Complex Data.
    """
    designs: dict[str, Callable[[Floats, Indices], Floats]] = {
        "pooled": centre_within,
        "per_stratum": _split_by_stratum,
    }
    if statistic not in designs:
        raise ValueError(f"statistic must be one of {sorted(designs)}, got {statistic!r}")
    ranks = shift_scores(scores, strata)
    origins, codes = integer_codes(origin), integer_codes(strata)
    require_same_length(scores=ranks, origin=origins)
    used = informative_subjects(origins, codes)
    if not used.any():
        return nothing_to_compare("no stratum holds two origins")
    codes = integer_codes(codes[used])
    design = designs[statistic](indicator_matrix(integer_codes(origins[used])), codes)
    return linear_rank_test(ranks[used], design, codes, n_permutations, generator)


def cross_validated_auc_statistic(scores: Floats, origin: Indices, folds: Indices) -> float:
    """Mean over folds of the macro one-versus-rest AUC inside the fold.

    Parameters
    ----------
    scores
        (n, k) held-out logits or probabilities, one column per origin.
    origin
        (n,) codes, the column of the true origin.
    folds
        (n,) integer codes.

    Returns
    -------
    From 0 to 1, chance .5; nan if no fold holds two origins.

    References
    ----------
    Hand and Till (2001), Machine Learning 45:171; Forman and Scholz (2010), SIGKDD Explorations
    12:49 (average over folds rather than pool scores of different models).
    """
    areas = [_fold_auc(scores[rows], origin[rows][None, :]) for rows in members_of(folds)]
    parts = [area for area in areas if area is not None]
    return float(np.mean(parts)) if parts else float("nan")


def _fold_auc(scores: Floats, origins: Indices) -> Floats | None:
    """Macro AUC (m,) of one fold for (m, n) origins; None if the fold holds one origin."""
    ranks = midranks(scores.T)
    areas = []
    for column in range(scores.shape[1]):
        members = origins == column
        size, rest = int(members[0].sum()), int((~members[0]).sum())
        if size and rest:
            areas.append((members @ ranks[column] - size * (size + 1) / 2) / (size * rest))
    return np.mean(areas, axis=0) if areas else None


def cross_validated_auc_test(
    scores: ArrayLike,
    origin_codes: ArrayLike,
    folds: ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
    corrected: bool = True,
) -> TestResult:
    """Test whether a cross-validated origin classifier beats chance, origins permuted in folds.

    The classifiers are not trained again under permutation, and their training sets overlap, so
    that the fold AUCs vary together more than the permutations show. The null deviations from .5
    are therefore widened by Nadeau and Bengio's factor, unless the caller declines.

    Parameters
    ----------
    scores
        (n, k) held-out logits or probabilities, one column per origin, k at least 2.
    origin_codes
        (n,) integers from 0 to k - 1, the column of the true origin.
    folds
        (n,) codes or names of the folds that the subjects were held out in. A single fold is taken
        as an independent test set, without correction.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.
    corrected
        Whether to widen the null by sqrt(1 + number of folds x mean of held-out / training size).

    Returns
    -------
    TestResult
        One-sided. `statistic` is the mean over folds of the macro one-versus-rest AUC; p = nan with
        a reason if no fold holds two origins.

    Raises
    ------
    ValueError
        If scores hold NaN, shapes disagree, or a code has no column.

    Notes
    -----
    Measured size at nominal .05 on pure noise, cross-validated ridge classifiers, 5 to 500 features,
    60 to 200 subjects, 2 or 3 origins, 3 to 10 folds, 2 000 runs each: .10 to .13 without the
    correction (.03 to .05 at nominal .01), .031 to .039 with it (.003 to .008). See
    tests/calibration/test_calibration_scores.py.

    References
    ----------
    Nadeau and Bengio (2003), Machine Learning 52:239; Bengio and Grandvalet (2004), Journal of
    Machine Learning Research 5:1089; Ojala and Garriga (2010), same journal 11:1833.
    """
    columns, origins, fold_codes = _checked_columns(scores, origin_codes, folds)
    factor = _overlap_factor(fold_codes) if corrected else 1.0
    used = informative_subjects(origins, fold_codes)
    if not used.any():
        return nothing_to_compare("no fold holds two origins")
    columns, origins, fold_codes = columns[used], origins[used], fold_codes[used]
    observed = cross_validated_auc_statistic(columns, origins, fold_codes)
    total, n_folds = np.zeros(n_permutations), 0
    for rows in members_of(fold_codes):
        blocks = permutation_blocks(np.zeros(rows.size, dtype=np.intp), n_permutations, generator)
        areas = [_fold_auc(columns[rows], origins[rows][indices]) for indices in blocks]
        total += np.concatenate([area for area in areas if area is not None])
        n_folds += 1
    null = 0.5 + factor * (total / n_folds - 0.5)
    return TestResult(observed, p_value(observed, null), int(used.sum()), null)


def _overlap_factor(folds: Indices) -> float:
    """Widening of the null for overlapping training sets; 1 for a single fold."""
    sizes = np.bincount(folds, minlength=1)
    if sizes.size == 1:
        return 1.0
    return float(np.sqrt(1 + sizes.size * np.mean(sizes / (folds.size - sizes))))


def _checked_columns(scores: ArrayLike, origin_codes: ArrayLike, folds: ArrayLike) -> tuple[Floats, Indices, Indices]:
    columns = np.asarray(scores, dtype=np.float64)
    origins = np.asarray(origin_codes)
    if columns.ndim != 2 or columns.shape[1] < 2 or np.isnan(columns).any():
        raise ValueError(f"scores must have shape (n, k), k >= 2, and no NaN; got {columns.shape}")
    if origins.dtype.kind not in "iu" or (origins < 0).any() or (origins >= columns.shape[1]).any():
        raise ValueError(f"origin_codes must be integers from 0 to {columns.shape[1] - 1}, got {origins}")
    fold_codes = joint_codes(folds)
    require_same_length(scores=columns, origin_codes=origins, folds=fold_codes)
    return columns, origins.astype(np.intp), fold_codes
