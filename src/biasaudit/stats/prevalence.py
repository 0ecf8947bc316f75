"""Do scores differ between origins as the share of patients there would have taught a network, or by chance?

A network that makes use of the origin gives higher scores to subjects from origins that hold more patients. A network
fitted to few subjects also answers to origins that look unlike each other for no reason: its weights hold chance, and
chance points in every direction between origins alike. The first is a slope of the origins' scores on their log odds of
the positive class, the second the spread of the origins about this line; the slope is held against that spread, and not
against the noise of subjects, which shrinks as their number grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from biasaudit.stats.permutation import RELATIVE_TOLERANCE
from biasaudit.stats.strata import Floats, Indices, indicator_matrix, integer_codes, require_same_length

__all__ = ["FEWEST_ORIGINS", "PrevalenceSlope", "prevalence_slope"]

FEWEST_ORIGINS = 6
"""Origins below which too few directions are left beside the line to see how far chance spreads them."""


@dataclass(frozen=True)
class PrevalenceSlope:
    """How the scores of origins follow the classes' shares there.

    Attributes
    ----------
    slope : float
        Scores per unit of log odds of the positive class, inside classes.
    spread : float
        Standard deviation of the origins' scores about the line, the noise of subjects taken off.
    p_value : float
        One-sided: of a slope of 0 or less; 1 where every origin holds the classes in one proportion, which teaches
        nothing of the origin.
    n_origins : int
    """

    slope: float
    spread: float
    p_value: float
    n_origins: int


def prevalence_slope(
    scores: ArrayLike, positive: ArrayLike, origin: ArrayLike, classes: ArrayLike, covariates: Floats
) -> PrevalenceSlope | None:
    """Regress the scores of origins inside classes on their log odds of the positive class.

    Parameters
    ----------
    scores
        (n,) finite numbers on one scale.
    positive
        (n,) booleans.
    origin
        (n,) origin names or codes.
    classes
        (n,) names or codes of the classes, inside which origins are compared.
    covariates
        (n, c) finite columns held fixed.

    Returns
    -------
    PrevalenceSlope or None
        None with fewer than `FEWEST_ORIGINS` origins, or where subjects are too few to know their noise.

    Notes
    -----
    A meta-regression with one study per origin: random effects by the method of moments, and the errors of Knapp and
    Hartung with k - 2 degrees of freedom, never smaller than those of the random effects model.

    References
    ----------
    DerSimonian and Laird (1986), Controlled Clinical Trials 7:177; Knapp and Hartung (2003), Statistics in Medicine
    22:2693.
    """
    values, truth, origins = (
        np.asarray(scores, dtype=np.float64),
        np.asarray(positive, dtype=bool),
        integer_codes(origin),
    )
    require_same_length(scores=values, positive=truth, origin=origins, covariates=covariates)
    k = int(origins.max(initial=-1)) + 1
    fitted = _origin_means(values, origins, integer_codes(classes), covariates)
    if k < FEWEST_ORIGINS or fitted is None:
        return None
    means, variances = fitted
    odds = _log_odds(truth, origins)
    if np.ptp(odds) <= RELATIVE_TOLERANCE:
        return PrevalenceSlope(0.0, _spread(means, np.ones((k, 1)), variances), 1.0, k)
    design = np.column_stack([np.ones(k), odds - odds.mean()])
    spread = _spread(means, design, variances)
    line = _Fit.of(means, design, 1 / (variances + spread**2))
    error = sqrt(line.covariance[1, 1] * max(1.0, line.heterogeneity / (k - 2)))
    slope = float(line.coefficients[1])
    return PrevalenceSlope(slope, spread, float(stats.t.sf(slope / error, k - 2)), k)


def _log_odds(positive: np.ndarray, origins: Indices) -> Floats:
    """Log odds (k,) of the positive class at every origin, half a subject of each class added."""
    inside = indicator_matrix(origins)
    found: Floats = np.log((positive @ inside + 0.5) / (~positive @ inside + 0.5))
    return found


def _origin_means(
    values: Floats, origins: Indices, classes: Indices, covariates: Floats
) -> tuple[Floats, Floats] | None:
    """Means (k,) of the origins beside class and covariates, and their sampling variances; None without freedom."""
    inside = indicator_matrix(origins)
    columns = np.column_stack([inside, indicator_matrix(classes)[:, 1:], covariates])
    coefficients, _, rank, _ = np.linalg.lstsq(columns, values, rcond=None)
    means = coefficients[: inside.shape[1]].astype(np.float64)
    freedom = values.size - int(rank)
    if freedom < 1:
        return None
    residuals = values - columns @ coefficients
    variance = max(float(residuals @ residuals) / freedom, RELATIVE_TOLERANCE)
    return means, variance / inside.sum(axis=0)


@dataclass(frozen=True)
class _Fit:
    """A weighted regression: coefficients, their covariance, and the weighted sum of squares that is left."""

    coefficients: Floats
    covariance: Floats
    heterogeneity: float

    @staticmethod
    def of(values: Floats, design: Floats, weights: Floats) -> _Fit:
        """Fit (k,) values on (k, c) columns with (k,) weights."""
        covariance = np.linalg.inv(design.T @ (design * weights[:, None])).astype(np.float64)
        coefficients = covariance @ (design.T @ (weights * values))
        left = values - design @ coefficients
        return _Fit(coefficients, covariance, float(weights @ left**2))


def _spread(values: Floats, design: Floats, variances: Floats) -> float:
    """Return the standard deviation of values about their regression, their sampling variances taken off."""
    weights = 1 / variances
    fit = _Fit.of(values, design, weights)
    freedom = values.size - design.shape[1]
    scale = weights.sum() - float(np.trace(fit.covariance @ (design.T @ (design * weights[:, None] ** 2))))
    return sqrt(max(0.0, (fit.heterogeneity - freedom) / scale))
