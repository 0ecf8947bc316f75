"""Origin given the label and covariates: severity, age, and whatever else should be held fixed."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.permutation import RELATIVE_TOLERANCE, TestResult, nothing_to_compare
from biasaudit.stats.rank_tests import shift_scores
from biasaudit.stats.strata import (
    Floats,
    HeldFixed,
    Indices,
    centre_within,
    indicator_matrix,
    informative_subjects,
    integer_codes,
    joint_codes,
    members_of,
    require_same_length,
    vector_without_nan,
)
from biasaudit.stats.studentised import studentised_test

SMALLEST_FREEDOM = 3
"""Degrees of freedom that a group must keep beside its covariates, lest the residuals say nothing."""

SMALLEST_OVERLAP = 0.05
"""Share of the origin's variance that covariates must leave unexplained for the origin to be told from them."""

DETERMINED = "the covariates determine the origin"
"""Reason of a test that cannot tell the origin from the covariates."""


def centred_covariates(covariates: ArrayLike, strata: ArrayLike) -> Floats:
    """Covariates of mean 0 inside strata, nan set to the mean.

    Parameters
    ----------
    covariates
        (n,) or (n, c) numbers, nan allowed.
    strata
        (n,) codes or names.

    Returns
    -------
    (n, c) numbers. A column that is constant inside a stratum is exactly 0 there.

    Raises
    ------
    ValueError
        If covariates are infinite or the lengths differ.
    """
    columns = np.asarray(covariates, dtype=np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or np.isinf(columns).any():
        raise ValueError(f"covariates must have shape (n,) or (n, c), none infinite; got {columns.shape}")
    codes = integer_codes(strata)
    require_same_length(covariates=columns, strata=codes)
    centred = np.zeros_like(columns)
    for members in members_of(codes):
        centred[members] = _centred_and_imputed(columns[members])
    return centred


def _centred_and_imputed(columns: Floats) -> Floats:
    known = ~np.isnan(columns)
    filled = np.where(known, columns, 0.0)
    means = filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred: Floats = np.where(known, columns - means, 0.0)
    floor = RELATIVE_TOLERANCE * np.linalg.norm(filled, axis=0)
    centred[:, np.linalg.norm(centred, axis=0) <= floor] = 0.0
    return centred


def _finite(scores: ArrayLike) -> Floats:
    vector = vector_without_nan(scores, "scores")
    if not np.isfinite(vector).all():
        raise ValueError("scores must be finite to be adjusted; give logits, not saturated log-odds")
    return vector


def residuals(values: Floats, columns: Floats, strata: Indices, groups: Indices) -> Floats:
    """Remove from values what covariates explain linearly, with one set of slopes for each group of strata.

    Parameters
    ----------
    values
        (n,) or (n, k) finite numbers.
    columns
        (n, c) covariates of mean 0 inside strata: `centred_covariates`. Transform a skewed one first (lesion volume:
        its logarithm), since the adjustment is linear.
    strata, groups
        (n,) codes; groups are unions of strata.

    Returns
    -------
    Shape of `values`, mean 0 in every stratum. A group whose covariates leave fewer than `SMALLEST_FREEDOM` degrees
    of freedom is only centred.

    Raises
    ------
    ValueError
        If the lengths differ.

    References
    ----------
    Frisch and Waugh (1933), Econometrica 1:387.
    """
    require_same_length(scores=values, covariates=columns, strata=strata, groups=groups)
    left = centre_within(values, strata)
    for members in members_of(groups):
        if columns.shape[1] and _freedom(columns[members], strata[members]) >= SMALLEST_FREEDOM:
            scaled = _unit_length(columns[members])
            left[members] -= scaled @ np.linalg.lstsq(scaled, left[members], rcond=None)[0]
    return left


def _unit_length(columns: Floats) -> Floats:
    lengths = np.linalg.norm(columns, axis=0)
    scaled: Floats = np.divide(columns, lengths, out=np.zeros_like(columns), where=lengths > 0)
    return scaled


def _freedom(columns: Floats, strata: Indices) -> int:
    """Degrees of freedom that strata and covariates leave to the residuals of one group."""
    return strata.size - np.unique(strata).size - _rank(columns)


def _rank(columns: Floats) -> int:
    return int(np.linalg.matrix_rank(_unit_length(columns), tol=1e-7)) if columns.size else 0


def smooth_columns(values: ArrayLike, groups: ArrayLike) -> Floats:
    """Columns whose linear combinations follow a smooth, not only a straight, effect of a covariate.

    Parameters
    ----------
    values
        (n,) numbers, nan where missing.
    groups
        (n,) codes or names: the classes, inside which the covariate is standardised.

    Returns
    -------
    (n, 3) powers of the values clipped at 3 standard deviations; (n, 4) if some are missing: the mean of the
    group stands for them, and the last column marks them.

    Raises
    ------
    ValueError
        If values are infinite or the lengths differ.
    """
    known = np.isfinite(np.asarray(values, dtype=np.float64))
    centred = centred_covariates(values, groups)[:, 0]
    for members in members_of(integer_codes(groups)):
        spread = np.sqrt((centred[members] ** 2).sum() / max(1, known[members].sum()))
        centred[members] /= spread if spread > 0 else 1.0
    clipped = centred.clip(-3.0, 3.0)
    powers = [clipped, clipped**2, clipped**3]
    return np.column_stack(powers if known.all() else [*powers, ~known])


def covariate_adjusted_test(
    scores: ArrayLike,
    origin: ArrayLike,
    held: HeldFixed,
    n_permutations: int,
    generator: np.random.Generator,
    statistic: Literal["pooled", "per_stratum"] = "pooled",
) -> TestResult:
    """Test whether scores depend on origin inside strata beyond what covariates explain.

    Freedman and Lane's scheme: scores are replaced by their residuals on the covariates,
    the residuals by `shift_scores`, and these are permuted against origin indicators
    from which the covariates have been removed as well. Without that last step the test would be
    conservative, the more so the more a covariate differs between origins. The variance of the observed statistic is
    corrected for the degrees of freedom that the covariates have used up. The statistic is studentised
    (`studentised_test`): origins that differ in spread alone are not taken for a shift.

    Parameters
    ----------
    scores
        (n,) finite held-out scores.
    origin
        (n,) origin names or codes.
    held
        Strata: who may be exchanged, class, or class x category of a covariate. Covariates: nan is replaced by the mean
        of the stratum; curved effects need curved columns: `smooth_columns`.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.
    statistic
        "pooled" adds directions over strata, "per_stratum" sees shifts that point in opposite
        directions in different groups.

    Returns
    -------
    TestResult
        p = nan with a reason if no stratum holds two origins, if the covariates determine the
        origin, or if they leave a group too few degrees of freedom.

    Raises
    ------
    ValueError
        If scores hold nan or infinite values, covariates infinite ones, the lengths differ, or `statistic` is
        unknown.

    Notes
    -----
    Approximate, not exact: residuals are exchangeable only as far as the adjustment is right.
    Measured size: tests/calibration/test_calibration_covariates.py and docs/benchmarks.md.

    References
    ----------
    Freedman and Lane (1983), Journal of Business and Economic Statistics 1:292; Winkler et al.
    (2014), NeuroImage 92:381.
    """
    if statistic not in ("pooled", "per_stratum"):
        raise ValueError(f"statistic must be pooled or per_stratum, got {statistic!r}")
    values, codes = _finite(scores), integer_codes(held.strata)
    unions = codes if held.groups is None else integer_codes(held.groups)
    covariates = np.empty((codes.size, 0)) if held.covariates is None else held.covariates
    columns, origins = centred_covariates(covariates, codes), integer_codes(origin)
    require_same_length(scores=values, origin=origins, groups=unions)
    used = informative_subjects(origins, codes)
    if not used.any():
        return nothing_to_compare("no stratum holds two origins")
    values, columns = values[used], columns[used]
    codes, unions, origins = integer_codes(codes[used]), integer_codes(unions[used]), integer_codes(origins[used])
    fault = _too_small(columns, codes, unions)
    if fault:
        return nothing_to_compare(fault)
    cells = origins if statistic == "pooled" else joint_codes(unions, origins)
    indicators = centre_within(indicator_matrix(cells), codes)
    design = residuals(indicators, columns, codes, unions)
    if (design**2).sum() < SMALLEST_OVERLAP * (indicators**2).sum():
        return nothing_to_compare(DETERMINED)
    ranks = shift_scores(residuals(values, columns, codes, unions), codes)
    scale = _freedom_scale(columns, codes, unions)
    spread_alike = joint_codes(unions, origins)
    return studentised_test(ranks, design, spread_alike, codes, (n_permutations, generator), scale)


def _too_small(columns: Floats, strata: Indices, groups: Indices) -> str:
    """Say which group its covariates use up; empty if none."""
    for members in members_of(groups):
        used = _rank(columns[members])
        if used and _freedom(columns[members], strata[members]) < SMALLEST_FREEDOM:
            return f"{members.size} subjects are too few to hold {used} covariate columns fixed"
    return ""


def _freedom_scale(columns: Floats, strata: Indices, groups: Indices) -> Floats:
    """Root of the degrees of freedom without over those with covariates, (n,).

    Residuals vary in fewer directions than permuted residuals do.
    """
    scale = np.ones(strata.size)
    for members in members_of(groups):
        freedom = _freedom(columns[members], strata[members])
        if freedom >= SMALLEST_FREEDOM:
            scale[members] = np.sqrt((freedom + _rank(columns[members])) / freedom)
    return scale
