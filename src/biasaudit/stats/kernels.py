"""Kernel ridge regression in closed form: distances, ridge penalties, leave-one-out scores, decorrelated columns."""

import numpy as np

from biasaudit.stats.permutation import (
    RELATIVE_TOLERANCE,
)
from biasaudit.stats.strata import (
    Floats,
)

SMALLEST_SHRINKAGE = 1e-3
"""Ledoit and Wolf's intensity is kept this far from 0 and 1, where the ridge is singular or empty."""


def standardised_columns(features: Floats) -> Floats:
    """Scale columns to mean 0 and variance 1, and drop the constant ones.

    Parameters
    ----------
    features
        (b, d) finite numbers.

    Returns
    -------
    (b, d') with d' at most d.
    """
    centred = features - features.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    varies = spread > RELATIVE_TOLERANCE * np.maximum(1e-300, np.abs(features).max(axis=0))
    columns: Floats = centred[:, varies] / spread[varies]
    return columns


def squared_distances(columns: Floats) -> Floats:
    """Squared Euclidean distances between rows.

    Parameters
    ----------
    columns
        (b, d) numbers.

    Returns
    -------
    (b, b) distances with zero diagonal.
    """
    gram = columns @ columns.T
    norms = np.diag(gram)
    distances = np.maximum(0.0, norms[:, None] + norms[None, :] - 2 * gram)
    np.fill_diagonal(distances, 0.0)
    return distances


def median_squared_distance(distances: Floats) -> float:
    """Median heuristic for the squared bandwidth.

    Parameters
    ----------
    distances
        (b, b) squared distances, b at least 2.

    Returns
    -------
    Median over pairs; over the pairs that differ, if more than half coincide; 1 if all do.

    References
    ----------
    Gretton et al. (2012), Journal of Machine Learning Research 13:723, section 8.
    """
    pairs = distances[np.triu_indices(distances.shape[0], 1)]
    median = float(np.median(pairs))
    if median > 0:
        return median
    positive = pairs[pairs > 0]
    return float(np.median(positive)) if positive.size else 1.0


def shrinkage_ridge(gram: Floats, n_columns: int) -> float:
    """Ridge penalty that corresponds to Ledoit and Wolf's shrinkage of the covariance.

    The penalty depends on the features alone, never on the labels, so that it need not be chosen
    again under permutation.

    Parameters
    ----------
    gram
        (b, b) products Z Z' of centred features.
    n_columns
        Number of columns d of Z.

    Returns
    -------
    Penalty lambda > 0 for (Z Z' + lambda I).

    References
    ----------
    Ledoit and Wolf (2004), Journal of Multivariate Analysis 88:365.
    """
    n = gram.shape[0]
    mean_variance = float(np.trace(gram)) / (n * n_columns)
    squares = float((gram**2).sum()) / n**2
    noise = (float((np.diag(gram) ** 2).sum()) / n - squares) / (n * n_columns)
    distance = squares / n_columns - mean_variance**2
    shrinkage = noise / distance if distance > RELATIVE_TOLERANCE * mean_variance**2 else 1.0
    shrinkage = min(max(shrinkage, SMALLEST_SHRINKAGE), 1 - SMALLEST_SHRINKAGE)
    return float(n * mean_variance * shrinkage / (1 - shrinkage))


def half_rank_ridge(eigenvalues: Floats) -> float:
    """Ridge penalty at which the smoother spends half of the kernel's rank as degrees of freedom.

    Parameters
    ----------
    eigenvalues
        (b,) of the kernel, 0 or more, not all 0.

    Returns
    -------
    Penalty lambda > 0 with sum of e / (e + lambda) equal to half the number of non-zero e.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 5.4.1.
    """
    positive = eigenvalues[eigenvalues > RELATIVE_TOLERANCE * eigenvalues.max()]
    low, high = float(positive.min()), float(positive.max())
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        if (positive / (positive + middle)).sum() > positive.size / 2:
            low = middle
        else:
            high = middle
    return float(np.sqrt(low * high))


def leave_one_out_operator(eigenvalues: Floats, vectors: Floats, ridge: float) -> Floats:
    """Linear map from labels to leave-one-out scores of kernel ridge regression, in closed form.

    Parameters
    ----------
    eigenvalues, vectors
        (b,) and (b, b) of the kernel.
    ridge
        Penalty > 0.

    Returns
    -------
    (b, b) operator A of zero diagonal: A y holds, for each subject, the prediction of the
    regression (without intercept) fitted to all others.

    References
    ----------
    Cawley and Talbot (2003), Pattern Recognition 36:2585; Hastie et al. (2009), section 7.10.
    """
    weights = np.maximum(eigenvalues, 0.0)
    weights = weights / (weights + ridge)
    hat = (vectors * weights) @ vectors.T
    leverage = np.diag(hat).copy()
    np.fill_diagonal(hat, 0.0)
    return hat / (1 - leverage)[:, None]


def decorrelated_columns(columns: Floats, eigenvalues: Floats, vectors: Floats, ridge: float) -> Floats:
    """Each feature with what the others predict of it removed, up to a ridge.

    A shift of a few correlated features stands out of the noise that they share with the others only after
    that noise has been predicted and removed.

    Parameters
    ----------
    columns
        (b, d) features Z of mean 0.
    eigenvalues, vectors
        (b,) and (b, b) of Z Z'.
    ridge
        Penalty lambda > 0.

    Returns
    -------
    (b, d') columns of (Z Z' + lambda I)^-1 Z = Z (Z' Z + lambda I)^-1, scaled to variance 1.

    References
    ----------
    Cai, Liu and Xia (2014), Journal of the Royal Statistical Society B 76:349 (features times the
    precision matrix, against sparse shifts).
    """
    inverse = (vectors / (np.maximum(eigenvalues, 0.0) + ridge)) @ vectors.T
    return standardised_columns(inverse @ columns)
