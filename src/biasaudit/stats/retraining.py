"""Differences between networks that were trained on different subjects and scored on the same ones.

Scores of different folds come from different networks, so only subjects of one stratum are compared. Training sets of
folds overlap, which a bootstrap over test subjects does not see: `widened` allows for it.
"""

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.effects import auc_many
from biasaudit.stats.strata import Booleans, Floats, Indices, integer_codes, joint_codes, members_of

__all__ = ["bootstrap_stratified_auc", "overlap_factor", "stratified_auc", "widened"]


def stratified_auc(scores: ArrayLike, positive: ArrayLike, strata: ArrayLike) -> Floats:
    """AUC over all pairs of subjects that lie in one stratum.

    Parameters
    ----------
    scores
        (n, k) numbers without NaN, one column per network or condition.
    positive
        (n,) booleans.
    strata
        (n,) codes or names.

    Returns
    -------
    (k,) areas: the AUCs of the strata, weighted by their numbers of pairs; nan if no stratum holds a pair.

    References
    ----------
    van Elteren (1960), Bulletin of the International Statistical Institute 37:351 (comparison inside strata).
    """
    columns, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    rows = np.arange(truth.size, dtype=np.intp)[None, :]
    areas: Floats = _areas(columns, truth, integer_codes(strata), rows)[0]
    return areas


def bootstrap_stratified_auc(
    scores: ArrayLike, positive: ArrayLike, strata: ArrayLike, n_bootstraps: int, generator: np.random.Generator
) -> Floats:
    """Bootstrap distribution of `stratified_auc`; the columns share the resamples, so that they are paired.

    Parameters
    ----------
    scores
        (n, k) numbers without NaN.
    positive
        (n,) booleans.
    strata
        (n,) codes or names; subjects are resampled inside stratum and class.
    n_bootstraps
        Number of resamples B.
    generator
        Source of randomness.

    Returns
    -------
    (B, k) areas.
    """
    columns, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    picks = np.empty((n_bootstraps, truth.size), dtype=np.intp)
    for members in members_of(joint_codes(strata, truth)):
        picks[:, members] = members[generator.integers(0, members.size, (n_bootstraps, members.size))]
    return _areas(columns, truth, integer_codes(strata), picks)


def overlap_factor(n_test: ArrayLike, n_train: ArrayLike) -> float:
    """Widening for overlapping training sets: sqrt(1 + folds x mean of test / training size).

    Parameters
    ----------
    n_test, n_train
        (folds,) subjects tested and trained on.

    Returns
    -------
    1 or more; 1 for a single fold.

    References
    ----------
    Nadeau and Bengio (2003), Machine Learning 52:239.
    """
    tested, trained = np.asarray(n_test, dtype=np.float64), np.asarray(n_train, dtype=np.float64)
    return 1.0 if tested.size < 2 else float(np.sqrt(1 + tested.size * np.mean(tested / trained)))


def widened(estimate: float, draws: ArrayLike, factor: float) -> Floats:
    """Spread a bootstrap distribution about its estimate.

    Parameters
    ----------
    estimate
        The statistic of the sample itself.
    draws
        (B,) the statistic of the resamples.
    factor
        1 leaves them as they are.

    Returns
    -------
    (B,) draws.
    """
    spread: Floats = estimate + factor * (np.asarray(draws, dtype=np.float64) - estimate)
    return spread


def _areas(columns: Floats, truth: Booleans, strata: Indices, picks: Indices) -> Floats:
    """Areas (B, k) of the resamples `picks` (B, n), which keep every position's class and stratum."""
    wins, pairs = np.zeros((picks.shape[0], columns.shape[1])), 0
    for members in members_of(strata):
        own = truth[members]
        if own.all() or not own.any():
            continue
        count = int(own.sum() * (~own).sum())
        areas = [auc_many(columns[picks[:, members], column], own) for column in range(columns.shape[1])]
        wins += count * np.stack(areas, axis=1)
        pairs += count
    return wins / pairs if pairs else np.full(wins.shape, np.nan)
