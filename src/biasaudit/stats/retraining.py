"""Differences between networks that were trained on different subjects and scored on the same ones.

Scores of different folds come from different networks, so only subjects of one stratum are compared. Training sets of
folds overlap, which the spread of the test subjects does not show: `overlap_factor` allows for it.
"""

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.effects import auc_many
from biasaudit.stats.strata import Booleans, Floats, Indices, integer_codes, members_of

__all__ = ["overlap_factor", "stratified_auc"]


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
    return _areas(columns, truth, integer_codes(strata))


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


def _areas(columns: Floats, truth: Booleans, strata: Indices) -> Floats:
    wins, pairs = np.zeros(columns.shape[1]), 0
    for members in members_of(strata):
        own = truth[members]
        if own.all() or not own.any():
            continue
        count = int(own.sum() * (~own).sum())
        wins += count * auc_many(columns[members].T, own)
        pairs += count
    return wins / pairs if pairs else np.full(wins.shape, np.nan)
