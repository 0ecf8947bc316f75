"""Bootstrap intervals; subjects are resampled with replacement inside groups.

Every resample is a row of counts, so that a statistic of all resamples is a few matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from biasaudit.stats.network_variance import NetworkVariance, widening
from biasaudit.stats.strata import (
    Booleans,
    Floats,
    integer_codes,
    members_of,
    require_same_length,
    vector_without_nan,
)

Weights = NDArray[np.float32]

CELLS_PER_BLOCK = 2**21
"""Numbers held at once by one block of resamples; bounds the memory, not the result's quality."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval.

    Attributes
    ----------
    estimate, low, high
        In the unit of the statistic; nan where undefined.
    """

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Resampled:
    """An estimate and its bootstrap distribution.

    Attributes
    ----------
    estimate
        Of the sample; nan where undefined.
    draws
        (B,) of the resamples.
    """

    estimate: float
    draws: Floats

    def interval(self, level: float) -> Interval:
        """Percentile interval of coverage `level`, between 0 and 1."""
        return percentile_interval(self.estimate, self.draws, level)

    def widened(self, networks: NetworkVariance | None, level: float) -> Resampled:
        """Spread the resamples of subjects so that an interval of coverage `level` also covers other networks."""
        if networks is None or np.isnan(self.draws).all():
            return self
        return self._spread(widening(float(np.nanvar(self.draws)), networks, level))

    def expanded(self, n: int, level: float) -> Resampled:
        """Spread the resamples of a mean so that an interval of coverage `level` keeps it with few subjects.

        Parameters
        ----------
        n
            Subjects behind the mean.
        level
            Coverage of the interval, between 0 and 1.

        Returns
        -------
        Resampled
            By Student's quantile over the normal one, and for the variance of resamples, which is (n - 1) / n of the
            unbiased one. All nan with one subject, whose spread is not known.

        References
        ----------
        Hesterberg (2015), The American Statistician 69:371 (expanded percentile interval).
        """
        if n < 2:
            return Resampled(self.estimate, np.full(self.draws.shape, np.nan))
        upper = (1 + level) / 2
        return self._spread(float(stdtrit(n - 1, upper) / ndtri(upper) * np.sqrt(n / (n - 1))))

    def within(self, least: float, most: float) -> Resampled:
        """Take the estimate and the resamples to the end of a scale that the estimate lies beyond.

        The interval is then that of an estimate at the end, and covers whatever lies on the scale at least as often. To
        cut resamples off at the end instead would leave a point where all lie beyond it.

        References
        ----------
        Mandelkern and Schultz (2002), Journal of Mathematical Physics 43:5701.
        """
        estimate = float(np.clip(self.estimate, least, most))
        return Resampled(estimate, self.draws + (estimate - self.estimate))

    def _spread(self, factor: float) -> Resampled:
        return Resampled(self.estimate, self.estimate + factor * (self.draws - self.estimate))


def resample_weights(groups: ArrayLike, n_bootstraps: int, generator: np.random.Generator) -> Weights:
    """Count how often each subject is drawn by each stratified bootstrap resample.

    Parameters
    ----------
    groups
        (n,) codes or names; the size of each group is kept.
    n_bootstraps
        Number of resamples B, at least 1.
    generator
        Source of randomness.

    Returns
    -------
    (B, n) counts as float32; inside every group a row sums to the size of the group.

    Raises
    ------
    ValueError
        If there are no subjects or no resamples.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 8.
    """
    codes = integer_codes(groups)
    n = codes.size
    if n == 0 or n_bootstraps < 1:
        raise ValueError(f"need subjects and resamples, got n = {n} and n_bootstraps = {n_bootstraps}")
    picks = np.empty((n_bootstraps, n), dtype=np.intp)
    for members in members_of(codes):
        draws = generator.integers(0, members.size, size=(n_bootstraps, members.size))
        picks[:, members] = members[draws]
    picks += np.arange(n_bootstraps, dtype=np.intp)[:, None] * n
    counts = np.bincount(picks.ravel(), minlength=n_bootstraps * n)
    return counts.reshape(n_bootstraps, n).astype(np.float32)


def weight_blocks(
    groups: ArrayLike, n_bootstraps: int, generator: np.random.Generator, width: int = 1
) -> Iterator[Weights]:
    """Yield the rows of `resample_weights` in blocks, so small that `width` numbers for each count fit into memory."""
    codes = integer_codes(groups)
    size = max(1, CELLS_PER_BLOCK // max(1, codes.size * width))
    for start in range(0, n_bootstraps, size):
        yield resample_weights(codes, min(size, n_bootstraps - start), generator)


def bootstrap_gap_share(
    full: ArrayLike,
    edited: ArrayLike,
    positive: ArrayLike,
    groups: ArrayLike,
    n_bootstraps: int,
    generator: np.random.Generator,
) -> Floats:
    """Bootstrap distribution of `gap_share`; a subject's two logits stay together.

    Parameters
    ----------
    full, edited
        (n,) logits of the untouched and of the edited images of the same subjects.
    positive
        (n,) booleans: patients.
    groups
        (n,) groups inside which subjects are resampled.
    n_bootstraps
        Number of resamples B.
    generator
        Source of randomness.

    Returns
    -------
    (B,) shares; nan where a resample lacks a class or its full gap is 0.

    Raises
    ------
    ValueError
        If logits hold NaN or the lengths differ.
    """
    logits = np.stack([vector_without_nan(full, "full"), vector_without_nan(edited, "edited")], axis=1)
    truth = np.asarray(positive, dtype=bool)
    require_same_length(full=logits, positive=truth, groups=integer_codes(groups))
    blocks = weight_blocks(groups, n_bootstraps, generator)
    return np.concatenate([_gap_shares(weights, logits, truth) for weights in blocks])


def _gap_shares(weights: Weights, logits: Floats, truth: Booleans) -> Floats:
    """Gap of the edited logits over the gap of the full ones, (B,)."""
    gaps = _weighted_means(weights[:, truth], logits[truth]) - _weighted_means(weights[:, ~truth], logits[~truth])
    full, edited = gaps.T
    undefined = np.full(full.shape, np.nan)
    shares: Floats = np.divide(edited, full, out=undefined, where=np.isfinite(full) & (full != 0))
    return shares


def _weighted_means(weights: Weights, values: Floats) -> Floats:
    """Means (B, c) of `values` (n, c) under `weights` (B, n); nan where no weight is left."""
    total = weights.sum(axis=1, dtype=np.float64)[:, None]
    sums = weights.astype(np.float64) @ values
    means: Floats = np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)
    return means


def bootstrap_means(values: ArrayLike, groups: ArrayLike, n_bootstraps: int, generator: np.random.Generator) -> Floats:
    """Bootstrap distribution of a mean.

    Parameters
    ----------
    values
        (n,) numbers without NaN.
    groups
        (n,) groups inside which subjects are resampled.
    n_bootstraps
        Number of resamples B.
    generator
        Source of randomness.

    Returns
    -------
    (B,) means.

    Raises
    ------
    ValueError
        If values hold NaN or the lengths differ.
    """
    vector = vector_without_nan(values, "values")
    require_same_length(values=vector, groups=integer_codes(groups))
    blocks = weight_blocks(groups, n_bootstraps, generator)
    return np.concatenate([_weighted_means(weights, vector[:, None])[:, 0] for weights in blocks])


def percentile_interval(estimate: float, distribution: ArrayLike, level: float) -> Interval:
    """Percentile interval of a bootstrap distribution.

    Parameters
    ----------
    estimate
        The statistic of the sample itself.
    distribution
        (B,) the statistic of the resamples; nan (undefined resamples) are left out.
    level
        Coverage, between 0 and 1.

    Returns
    -------
    Interval
        With nan bounds if the estimate is nan or no resample is defined.

    Raises
    ------
    ValueError
        If `level` is outside (0, 1).

    References
    ----------
    Efron and Tibshirani (1993), chapter 13.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    values = np.asarray(distribution, dtype=np.float64)
    values = values[~np.isnan(values)]
    if np.isnan(estimate) or values.size == 0:
        return Interval(float(estimate), float("nan"), float("nan"))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(estimate), float(low), float(high))


def one_sided_p(distribution: ArrayLike, threshold: float) -> float:
    """Bootstrap p-value of the claim that a quantity exceeds a threshold.

    Parameters
    ----------
    distribution
        (B,) bootstrap distribution; nan speak against the claim.
    threshold
        Value to exceed.

    Returns
    -------
    (1 + #{distribution <= threshold}) / (1 + B), never 0.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap Methods and their Application, section 4.4.
    """
    values = np.asarray(distribution, dtype=np.float64)
    against = int((~(values > threshold)).sum())
    return (1 + against) / (1 + values.size)
