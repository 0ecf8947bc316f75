"""Share of the class gap that images of a missing cell of class and origin show to be owed to the origin.

Healthy images of the patients' source, never trained on, score as the healthy do if the network reads the disease, and
as the patients do if it reads the source. Where they lie between the two is the origin's share of the class gap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from biasaudit.stats.intervals import Interval
from biasaudit.stats.network_variance import NetworkVariance, widening
from biasaudit.stats.strata import integer_codes, members_of

__all__ = ["FEWEST", "MOST", "Mean", "ProbeShare", "Spread", "mean_by_origin", "probe_share", "probes_needed"]

FEWEST = 3
"""Probes below which the spread of their scores is not known."""

MOST = 500
"""More probes than this say that the class gap itself is too uncertain, not how many to bring."""

_SMALLEST_P = 1e-12
"""Floor of the p-values, which the tail of the t distribution would take to 0."""


@dataclass(frozen=True)
class Mean:
    """A mean of scores, the sampling variance of it, and the degrees of freedom that this variance has."""

    value: float
    variance: float
    freedom: int


@dataclass(frozen=True)
class ProbeShare:
    """Share of the class gap, with its standard error.

    Attributes
    ----------
    estimate : float
        Not clipped: 0 where the probes score as their class does, 1 where they score as the other class does.
    error : float
    freedom : int
        Degrees of freedom of the error: those of the probes, which are the few.
    gap, gap_error : float
        Mean score of the other class less that of the probes' class, and its standard error.
    """

    estimate: float
    error: float
    freedom: int
    gap: float
    gap_error: float

    def interval(self, level: float) -> Interval:
        """Student's interval of coverage `level`, between 0 and 1."""
        half = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.error
        return Interval(self.estimate, self.estimate - half, self.estimate + half)

    def widened(self, networks: NetworkVariance | None, level: float) -> ProbeShare:
        """Return the share with an error that covers other networks as well, at intervals of coverage `level`."""
        if networks is None:
            return self
        return replace(self, error=self.error * widening(self.error**2, networks, level))

    def p_above(self, bound: float) -> float:
        """One-sided p-value of a share that is no larger than `bound`; never 0."""
        return max(_SMALLEST_P, float(stats.t.sf((self.estimate - bound) / self.error, self.freedom)))


def mean_by_origin(scores: ArrayLike, origins: ArrayLike, shares: ArrayLike | None = None) -> Mean:
    """Average scores, every origin by its weight.

    Parameters
    ----------
    scores
        (k,) numbers, at least two.
    origins
        (k,) names.
    shares
        (k,) weight of the origin that a score is from, such as its share of the patients; without it every score counts
        alike.

    Returns
    -------
    Mean
        The variance is that inside origins, pooled, where they hold enough scores to know it, else that of all scores.
    """
    values, codes = np.asarray(scores, dtype=np.float64), integer_codes(origins)
    if shares is None:
        return Mean(float(values.mean()), float(values.var(ddof=1)) / values.size, values.size - 1)
    groups = list(members_of(codes))
    weights = np.array([float(np.asarray(shares, dtype=np.float64)[rows[0]]) for rows in groups])
    weights /= weights.sum()
    mean = float(weights @ np.array([values[rows].mean() for rows in groups]))
    spread = float((weights**2 / np.array([rows.size for rows in groups])).sum())
    freedom = values.size - len(groups)
    if freedom < FEWEST - 1:
        return Mean(mean, float(values.var(ddof=1)) * spread, values.size - 1)
    squares = sum(float(((values[rows] - values[rows].mean()) ** 2).sum()) for rows in groups)
    return Mean(mean, squares / freedom * spread, freedom)


def probe_share(probes: Mean, own: Mean, other: Mean, prevalence: float = 0.0) -> ProbeShare:
    """Say how far the probes lie from their own class on the way to the other.

    Parameters
    ----------
    probes : Mean
        Scores of images of a cell that was never trained on.
    own, other : Mean
        Held-out scores of the probes' class at its own origins, and of the other class at the probes' origins.
    prevalence : float
        Largest share of the probes that may be of the other class, from 0 to below 1. What this takes away of their
        mean is the most that it can be, so that the share is then a lower bound.

    Returns
    -------
    ProbeShare
        By the delta method for a ratio of means; the variance of the class gap is part of it.

    References
    ----------
    Oehlert (1992), The American Statistician 46:27 (delta method); DESIGN.md section 5, the truth Omega*.
    """
    gap = other.value - own.value
    mean = (probes.value - prevalence * other.value) / (1 - prevalence)
    estimate = (mean - own.value) / gap
    slopes = (1 / (1 - prevalence), 1 - estimate, prevalence / (1 - prevalence) + estimate)
    variance = sum(slope**2 * part.variance for slope, part in zip(slopes, (probes, own, other), strict=True))
    error = sqrt(variance) / abs(gap)
    return ProbeShare(estimate, error, probes.freedom, gap, sqrt(own.variance + other.variance))


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the scores of a run, in units of its class gap, and what the gap is known from.

    Attributes
    ----------
    own, other : float
        Of subjects of the probes' class, and of the other.
    n_own, n_other : int
    """

    own: float
    other: float
    n_own: int
    n_other: int

    def error(self, share: float, k: int) -> float:
        """Return the standard error of the share that `k` probes give where `share` is true.

        Probes spread like the class that they score like.
        """
        probes = (1 - share) * self.own**2 + share * self.other**2
        return sqrt(probes / k + (1 - share) ** 2 * self.own**2 / self.n_own + share**2 * self.other**2 / self.n_other)


def probes_needed(spread: Spread, truth: float, bound: float, alpha: float, power: float = 0.8) -> int | None:
    """Count the probes that show a true share to lie above `bound`, or below it where it does.

    Parameters
    ----------
    spread : Spread
    truth : float
        The share that is true, not equal to `bound`.
    bound : float
    alpha : float
        Level of the one-sided test.
    power : float
        Chance to show it.

    Returns
    -------
    int or None
        At least `FEWEST`; None where `MOST` would not do.

    References
    ----------
    Noncentral t distribution: Johnson & Welch (1940), Biometrika 31:362.
    """
    counts = np.arange(FEWEST, MOST + 1)
    distance = np.array([abs(truth - bound) / spread.error(truth, int(k)) for k in counts])
    powers = stats.nct.sf(stats.t.ppf(1 - alpha, counts - 1), counts - 1, distance)
    enough = np.flatnonzero(powers >= power)
    return int(counts[enough[0]]) if enough.size else None
