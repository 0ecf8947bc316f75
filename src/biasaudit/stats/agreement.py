"""Do the networks of different folds answer to the origins alike?

What a network makes use of, the labels have taught it, and taught the networks of all folds alike. The chance in its
weights is its own: it moves the scores of an origin up in one fold and down in another. So the product of an origin's
deviations in two folds, whose subjects and networks are different ones, is on average the square of what the folds
share; neither chance weights nor the noise of subjects has to be taken off. Networks of different folds share most of
their training subjects, and with them some chance: what they agree on is an upper limit of what was taught.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from biasaudit.stats.origin_effect import without_covariates
from biasaudit.stats.prevalence import FEWEST_ORIGINS
from biasaudit.stats.strata import (
    Booleans,
    Floats,
    Indices,
    indicator_matrix,
    integer_codes,
    joint_codes,
    members_of,
    require_same_length,
)

__all__ = ["FoldAgreement", "fold_agreement"]


@dataclass(frozen=True)
class FoldAgreement:
    """How much of the response of the networks of all folds is owed to the origin in the same way.

    Attributes
    ----------
    share : float
        Size of the differences between origins on which folds agree / (this size + the difference between the classes
        inside origins), 0 to 1, as reliance.
    low : float
        Its lower bound, one-sided at the level asked for.
    p_value : float
        One-sided: of folds that agree on nothing.
    """

    share: float
    low: float
    p_value: float


def fold_agreement(
    scores: ArrayLike,
    positive: ArrayLike,
    origin: ArrayLike,
    classes: ArrayLike,
    folds: ArrayLike,
    covariates: Floats,
    alpha: float,
) -> FoldAgreement | None:
    """Multiply the deviations of origins inside classes between the networks of different folds.

    Parameters
    ----------
    scores
        (n,) finite numbers, the folds on one scale.
    positive
        (n,) booleans.
    origin
        (n,) origin names or codes.
    classes
        (n,) names or codes of the classes, inside which origins are compared.
    folds
        (n,) names or codes; every fold has networks of its own.
    covariates
        (n, c) finite columns held fixed.
    alpha
        One less the level of the lower bound, above 0 and below .5.

    Returns
    -------
    FoldAgreement or None
        None with fewer than `FEWEST_ORIGINS` origins, with one fold, where a fold lacks an origin or leaves no freedom
        to compare them, or where no origin holds both sides.

    Notes
    -----
    With d_aj the deviation of origin j in fold a, the mean over pairs of folds of sum_j d_aj d_bj / (k - 1), twice, is
    the mean squared difference between two origins that the folds share. It is a mean over origins, which are few: its
    standard error is that of the jackknife over origins, with k - 1 degrees of freedom. That holds the subjects, who
    belong to origins, as well.

    References
    ----------
    Efron and Stein (1981), Annals of Statistics 9:586 (the jackknife's variance).
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    origins, inside, parts = integer_codes(origin), integer_codes(classes), integer_codes(folds)
    require_same_length(scores=values, positive=truth, origin=origins, classes=inside, folds=parts)
    k = int(origins.max(initial=-1)) + 1
    if k < FEWEST_ORIGINS:
        return None
    groups = joint_codes(inside, origins)
    adjusted = without_covariates(values, covariates, inside, groups, np.ones((1, values.size)))[0]
    step = _class_step(adjusted, truth, origins)
    found = [_deviations(adjusted[rows], origins[rows], inside[rows], k) for rows in members_of(parts)]
    known = [each for each in found if each is not None]
    if len(known) < max(2, len(found)) or step is None:
        return None
    return _judged(np.array(known), step, alpha)


def _judged(deviations: Floats, step: float, alpha: float) -> FoldAgreement | None:
    """Turn deviations (folds, k) and the difference between the classes into a share, its bound and a p-value."""
    k = deviations.shape[1]
    square = _shared_square(deviations)
    without = np.array([_shared_square(np.delete(deviations, place, axis=1)) for place in range(k)])
    error = sqrt((k - 1) / k * float(((without - without.mean()) ** 2).sum()))
    if not error > 0:
        return None
    low = square - float(stats.t.isf(alpha, k - 1)) * error
    return FoldAgreement(_share(square, step), _share(low, step), float(stats.t.sf(square / error, k - 1)))


def _shared_square(deviations: Floats) -> float:
    """Mean squared difference between two origins that folds share, from deviations (folds, k); can be negative."""
    n_folds, k = deviations.shape
    centred = deviations - deviations.mean(axis=1, keepdims=True)
    products = float((centred.sum(axis=0) ** 2 - (centred**2).sum(axis=0)).sum())
    return float(2 * products / (n_folds * (n_folds - 1) * (k - 1)))


def _share(square: float, step: float) -> float:
    size = sqrt(max(0.0, square))
    return size / (size + step) if size > 0 else 0.0


def _class_step(values: Floats, positive: Booleans, origins: Indices) -> float | None:
    """Mean of the positive side less that of the negative one inside origins, without its sign."""
    sides = [(values[rows][positive[rows]], values[rows][~positive[rows]]) for rows in members_of(origins)]
    steps = [first.mean() - second.mean() for first, second in sides if first.size and second.size]
    return abs(float(np.mean(steps))) if steps else None


def _deviations(values: Floats, origins: Indices, classes: Indices, k: int) -> NDArray[np.float64] | None:
    """Means (k,) of the origins of one fold beside the classes; None if an origin is missing or nothing is left."""
    inside = indicator_matrix(origins, k)
    columns = np.column_stack([inside, indicator_matrix(integer_codes(classes))[:, 1:]])
    if not inside.any(axis=0).all() or np.linalg.matrix_rank(columns) < columns.shape[1]:
        return None
    coefficients, *_ = np.linalg.lstsq(columns, values, rcond=None)
    return coefficients[:k].astype(np.float64)
