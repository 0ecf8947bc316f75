"""Origin given the label and continuous covariates, such as severity."""

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.permutation import (
    RELATIVE_TOLERANCE,
    TestResult,
    informative_subjects,
    linear_rank_test,
    normal_scores_within,
    nothing_to_compare,
)
from biasaudit.stats.strata import (
    Floats,
    Indices,
    centre_within,
    indicator_matrix,
    integer_codes,
    members_of,
    require_same_length,
    vector_without_nan,
)


def residual_ranks(scores: ArrayLike, covariates: ArrayLike, strata: ArrayLike) -> Floats:
    """Remove from scores, stratum by stratum, what covariates explain linearly.

    The residuals are meant to be ranked inside strata, hence the name; they are not ranks yet.

    Parameters
    ----------
    scores
        (n,) finite scores.
    covariates
        (n,) or (n, c) numbers; nan is replaced by the mean of the stratum. Transform a skewed
        covariate first (lesion volume: its logarithm): the adjustment is linear.
    strata
        (n,) codes or names.

    Returns
    -------
    (n,) residuals of mean 0 in every stratum. A stratum of c + 2 subjects or fewer is only centred.

    Raises
    ------
    ValueError
        If scores hold nan or infinite values, covariates infinite ones, or the lengths differ.

    References
    ----------
    Frisch and Waugh (1933), Econometrica 1:387.
    """
    vector = vector_without_nan(scores, "scores")
    if not np.isfinite(vector).all():
        raise ValueError("scores must be finite to be adjusted; give logits, not saturated log-odds")
    return _adjusted(vector, _covariate_columns(covariates), integer_codes(strata))


def _covariate_columns(covariates: ArrayLike) -> Floats:
    """Covariates as (n, c), nan allowed."""
    columns = np.asarray(covariates, dtype=np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or np.isinf(columns).any():
        raise ValueError(f"covariates must have shape (n,) or (n, c), none infinite; got {columns.shape}")
    return columns


def _adjusted(values: Floats, covariates: Floats, strata: Indices) -> Floats:
    """Residuals of the columns of `values` on the covariates inside strata."""
    require_same_length(scores=values, covariates=covariates, strata=strata)
    residuals = centre_within(values, strata)
    for members in members_of(strata):
        if members.size > covariates.shape[1] + 2:
            columns = _centred_and_imputed(covariates[members])
            slopes = np.linalg.lstsq(columns, residuals[members], rcond=None)[0]
            residuals[members] -= columns @ slopes
    return residuals


def _centred_and_imputed(covariates: Floats) -> Floats:
    """Columns of mean 0 and unit length, nan set to the mean; constant columns become 0."""
    known = ~np.isnan(covariates)
    filled = np.where(known, covariates, 0.0)
    means = filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, covariates - means, 0.0)
    lengths: Floats = np.linalg.norm(centred, axis=0)
    floor = RELATIVE_TOLERANCE * np.linalg.norm(filled, axis=0)
    columns: Floats = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > floor)
    return columns


def severity_adjusted_test(
    scores: ArrayLike,
    origin: ArrayLike,
    strata: ArrayLike,
    covariates: ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
) -> TestResult:
    """Test whether scores depend on origin inside strata beyond what covariates explain.

    Freedman and Lane's scheme with ranks: scores are replaced by their residuals on the covariates,
    the residuals by normal scores inside strata, and these are permuted against origin indicators
    from which the covariates have been removed as well. Without that last step the test would be
    conservative, the more so the more severity differs between origins. The null is widened by the
    degrees of freedom that the covariates have used up.

    Parameters
    ----------
    scores
        (n,) finite held-out scores.
    origin
        (n,) origin names or codes.
    strata
        (n,) what is held fixed, as in `origin_dependence_test`.
    covariates
        (n,) or (n, c), as in `residual_ranks`.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.

    Returns
    -------
    TestResult
        p = nan with a reason if no stratum holds two origins, or if the covariates determine the
        origin.

    Raises
    ------
    ValueError
        As `residual_ranks`.

    Notes
    -----
    Approximate, not exact: residuals are exchangeable only as far as the linear adjustment is
    right. Measured size at nominal .05, with severity of the patients 0, 1 or 2 SD apart between two
    origins: .043 to .058 at n = 40, .049 to .059 at n = 100 (2 000 runs each), where the test
    without adjustment has .05 to .84, and where not adjusting the origin gives down to .004.

    References
    ----------
    Freedman and Lane (1983), Journal of Business and Economic Statistics 1:292; Winkler et al.
    (2014), NeuroImage 92:381.
    """
    residuals = residual_ranks(scores, covariates, strata)
    origins, codes = integer_codes(origin), integer_codes(strata)
    require_same_length(scores=residuals, origin=origins)
    used = informative_subjects(origins, codes)
    if not used.any():
        return nothing_to_compare("no stratum holds two origins")
    codes = integer_codes(codes[used])
    ranks = normal_scores_within(residuals[used], codes)
    indicators = indicator_matrix(integer_codes(origins[used]))
    columns = _covariate_columns(covariates)[used]
    design = _adjusted(indicators, columns, codes)
    if np.abs(design).max() < RELATIVE_TOLERANCE:
        return nothing_to_compare("the covariates determine the origin")
    scale = _freedom_scale(codes, columns.shape[1])
    return linear_rank_test(ranks, design, codes, n_permutations, generator, scale)


def _freedom_scale(strata: Indices, n_covariates: int) -> Floats:
    """Root of (n_s - 1) / (n_s - 1 - c), (n,): residuals vary in c directions fewer than permuted ones."""
    scale = np.ones(strata.size)
    for members in members_of(strata):
        if members.size > n_covariates + 2:
            scale[members] = np.sqrt((members.size - 1) / (members.size - 1 - n_covariates))
    return scale
