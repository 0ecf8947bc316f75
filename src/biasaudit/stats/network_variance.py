"""How far an estimate would move had other networks been trained, by the seeds of every fold.

A bootstrap over subjects leaves the networks as they are, and so covers what these networks do. Its interval is widened
to cover the mean over all networks that the same recipe trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

__all__ = ["NetworkVariance", "between_seeds", "widening"]


@dataclass(frozen=True)
class NetworkVariance:
    """Variance of an estimate between trainings, subjects and folds being the same.

    Attributes
    ----------
    variance : float
    freedom : int
        Degrees of freedom that it has.
    """

    variance: float
    freedom: int


def between_seeds(estimates: ArrayLike) -> NetworkVariance:
    """Variance over seeds of an estimate that rests on all networks of all folds.

    Parameters
    ----------
    estimates
        (folds, seeds) the estimate with one fold's network replaced by that of one seed alone, the other folds as they
        are, their seeds averaged; at least two seeds.

    Returns
    -------
    NetworkVariance
        Of the estimate with the seeds of every fold averaged: folds are independent, and in each the mean of S networks
        varies by 1 / S of the variance of one; S - 1 degrees of freedom a fold.

    References
    ----------
    Hoeffding (1948), Annals of Mathematical Statistics 19:293 (variance by one argument at a time).
    """
    values = np.asarray(estimates, dtype=np.float64)
    folds, seeds = values.shape
    return NetworkVariance(float(values.var(axis=1, ddof=1).sum() / seeds), folds * (seeds - 1))


def widening(subjects: float, networks: NetworkVariance, level: float) -> float:
    """Factor by which an interval for the subjects is widened to cover other networks as well.

    Parameters
    ----------
    subjects
        Variance of the estimate that is owed to the subjects.
    networks
        What is known of the networks.
    level
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    float
        At least 1: the variances are added, with Student's quantile at the degrees of freedom of the sum. 1 where one
        of them is not known or 0.

    References
    ----------
    Satterthwaite (1946), Biometrics Bulletin 2:110 (degrees of freedom of a sum).
    """
    if not subjects > 0 or not networks.variance > 0:
        return 1.0
    total = subjects + networks.variance
    freedom = networks.freedom * (total / networks.variance) ** 2
    upper = (1 + level) / 2
    return float(sqrt(total / subjects) * stats.t.ppf(upper, freedom) / stats.norm.ppf(upper))
