"""Effect sizes: how large an association is, without saying whether it is chance."""

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.ranks import midranks
from biasaudit.stats.strata import (
    Floats,
    require_same_length,
    vector_without_nan,
)


def auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Area under the ROC curve: probability that a positive scores higher, ties counted half.

    Parameters
    ----------
    scores
        (n,) numbers, larger for the positive group.
    positive
        (n,) booleans.

    Returns
    -------
    AUC from 0 to 1, or nan if one of the groups is empty.

    Raises
    ------
    ValueError
        If scores hold NaN or the lengths differ.

    References
    ----------
    Mann and Whitney (1947); Hanley and McNeil (1982), Radiology 143:29.
    """
    return float(auc_many(vector_without_nan(scores, "scores")[None, :], positive)[0])


def auc_many(scores: ArrayLike, positive: ArrayLike) -> Floats:
    """AUC of many score vectors for one division of the subjects.

    Parameters
    ----------
    scores
        (m, n) numbers.
    positive
        (n,) booleans.

    Returns
    -------
    (m,) AUCs from 0 to 1, all nan if one of the groups is empty.

    Raises
    ------
    ValueError
        If scores hold NaN, are not two-dimensional or the lengths differ.
    """
    rows = np.asarray(scores, dtype=np.float64)
    group = np.asarray(positive, dtype=bool)
    if rows.ndim != 2 or np.isnan(rows).any():
        raise ValueError(f"scores must have shape (m, n) and no NaN, got shape {rows.shape}")
    require_same_length(scores=rows.T, positive=group)
    n_positive, n_negative = int(group.sum()), int((~group).sum())
    if n_positive == 0 or n_negative == 0:
        return np.full(rows.shape[0], np.nan)
    rank_sum = midranks(rows)[:, group].sum(axis=1)
    wins: Floats = rank_sum - n_positive * (n_positive + 1) / 2
    return wins / (n_positive * n_negative)


def balanced_accuracy(predicted_positive: ArrayLike, positive: ArrayLike) -> float:
    """Mean of sensitivity and specificity.

    Parameters
    ----------
    predicted_positive
        (n,) booleans, the decisions.
    positive
        (n,) booleans, the truth.

    Returns
    -------
    From 0 to 1, chance .5; nan if one of the groups is empty.

    Raises
    ------
    ValueError
        If the lengths differ.

    References
    ----------
    Brodersen et al. (2010), ICPR.
    """
    decided = np.asarray(predicted_positive, dtype=bool)
    truth = np.asarray(positive, dtype=bool)
    require_same_length(predicted_positive=decided, positive=truth)
    if truth.all() or not truth.any():
        return float("nan")
    return float((decided[truth].mean() + (~decided[~truth]).mean()) / 2)


def cramers_v(table: ArrayLike) -> float:
    """Cramér's V of a contingency table with Bergsma's correction of its upward bias.

    Parameters
    ----------
    table
        (r, c) counts, for instance classes by origins. Empty rows and columns are dropped.

    Returns
    -------
    From 0 (no association, or only one row or column left) to 1. A one-to-one table (each class
    has an origin of its own) gives exactly 1; a class spread over several origins of its own a
    little less, and much less when those origins hold only a few subjects each.

    Raises
    ------
    ValueError
        If the table is not two-dimensional or holds negative or non-finite counts.

    References
    ----------
    Bergsma (2013), Journal of the Korean Statistical Society 42:323.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError(f"table must be (r, c) counts of 0 or more, got shape {counts.shape}: {counts}")
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    if min(counts.shape) < 2:
        return 0.0
    occupied = counts > 0
    if (occupied.sum(axis=0) == 1).all() and (occupied.sum(axis=1) == 1).all():
        return 1.0
    return _bergsma(counts)


def _bergsma(counts: Floats) -> float:
    total = counts.sum()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    phi_squared = ((counts - expected) ** 2 / expected).sum() / total
    rows, columns = counts.shape
    corrected = max(0.0, phi_squared - (rows - 1) * (columns - 1) / (total - 1))
    room = min(size - 1 - (size - 1) ** 2 / (total - 1) for size in (rows, columns))
    return float(min(1.0, np.sqrt(corrected / room))) if room > 0 else 0.0


def gap_share(
    full_positive: ArrayLike,
    edited_positive: ArrayLike,
    full_negative: ArrayLike,
    edited_negative: ArrayLike,
) -> float:
    """Share of the class gap that is left after matched erasure (check U4).

    `(mean(edited_positive) - mean(edited_negative)) / (mean(full_positive) - mean(full_negative))`.

    Parameters
    ----------
    full_positive, edited_positive
        (n_positive,) logits of the patients, untouched and with the pathology erased.
    full_negative, edited_negative
        (n_negative,) logits of the healthy, untouched and sham-erased.

    Returns
    -------
    The share, not clipped: 0 if the gap closes, 1 if erasing changes nothing; below 0 or above 1
    is possible by chance. nan if a group is empty or the full gap is 0.

    References
    ----------
    DESIGN.md section 5, U4.
    """
    groups = [
        vector_without_nan(values, name)
        for values, name in (
            (full_positive, "full_positive"),
            (edited_positive, "edited_positive"),
            (full_negative, "full_negative"),
            (edited_negative, "edited_negative"),
        )
    ]
    if any(values.size == 0 for values in groups):
        return float("nan")
    patients, erased, healthy, sham = (float(values.mean()) for values in groups)
    gap = patients - healthy
    return (erased - sham) / gap if gap != 0 else float("nan")


def pair_weights(variances: ArrayLike) -> Floats:
    """Weights of all pairs of origins, from the sampling variances of the cell means.

    Parameters
    ----------
    variances
        (c, k) of the classes and origins, nan where a cell is empty.

    Returns
    -------
    (c, k, k) symmetric, 0 on the diagonal and where a cell is empty; sum 1, or 0 if there is no pair. Where cells do
    not vary at all, pairs count alike.
    """
    sums = np.asarray(variances)[:, :, None] + np.asarray(variances)[:, None, :]
    known = np.isfinite(sums) & ~np.eye(sums.shape[1], dtype=bool)
    constant = known & (sums <= 0)
    weights = constant if constant.any() else np.divide(1.0, sums, out=np.zeros_like(sums), where=known)
    total = float(np.sum(weights))
    scaled: Floats = np.asarray(weights, dtype=np.float64) / (total if total > 0 else 1.0)
    return scaled
