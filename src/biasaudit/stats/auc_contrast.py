"""Differences and slopes of AUCs of the same subjects: an interval that keeps its level where the AUCs are near 1.

The variance that the sample shows falls to 0 where both AUCs are 1, and an interval made of it to a point. Here the
bounds of every single AUC, which are never a point, are put together instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from biasaudit.stats.intervals import Interval
from biasaudit.stats.pair_auc import PairAuc
from biasaudit.stats.strata import Floats

__all__ = ["AucContrast", "auc_contrast", "auc_difference"]

_HALVINGS = 40
_MOST_ERRORS = 37.0
"""Beyond so many standard errors a tail of the normal distribution is no longer a positive number."""


@dataclass(frozen=True)
class AucContrast:
    """A weighted sum of AUCs of the same subjects.

    Attributes
    ----------
    interval : Interval
        nan without a pair.
    p_value : float
        Two-sided, that the sum is 0; at most 1 less the level exactly where the interval leaves 0 out. Never 0.
    """

    interval: Interval
    p_value: float

    @property
    def p_above(self) -> float:
        """One-sided p-value of the claim that the sum is larger than 0."""
        return self.p_value / 2 if self.interval.estimate > 0 else 1 - self.p_value / 2

    @property
    def p_below(self) -> float:
        """One-sided p-value of the claim that the sum is smaller than 0."""
        return self.p_value / 2 if self.interval.estimate < 0 else 1 - self.p_value / 2


def auc_difference(first: PairAuc, second: PairAuc, level: float, widening: float = 1.0) -> AucContrast:
    """First AUC less the second, over the same pairs of the same subjects; see `auc_contrast`."""
    return auc_contrast((first, second), (1.0, -1.0), level, widening)


def auc_contrast(areas: Sequence[PairAuc], coefficients: ArrayLike, level: float, widening: float = 1.0) -> AucContrast:
    """Weighted sum of AUCs of the same subjects, such as a difference or a slope.

    Parameters
    ----------
    areas
        k of them, made with the same blocks.
    coefficients
        (k,) their weights.
    level
        Coverage, between 0 and 1.
    widening
        Factor of the standard errors.

    Returns
    -------
    AucContrast

    Raises
    ------
    ValueError
        If `level` is outside (0, 1).

    Notes
    -----
    The distances from every AUC to the bound of its own interval take the place of standard errors, with DeLong's
    correlations; 0 where an AUC is 1 and has none, and at most 1 - 2/n (Newcombe's correction at complete agreement),
    since the equal order of n subjects does not show two scores to order everybody alike. Measured coverage of the
    difference and of DeLong's interval: `benchmarks/auc_intervals.py`, docs/benchmarks.md.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27:1693; Zou, Huang and Zhang (2009), Computational Statistics and
    Data Analysis 53:1080 (sums); Newcombe (1998), Statistics in Medicine 17:2635 (paired proportions); DeLong, DeLong
    and Clarke-Pearson (1988), Biometrics 44:837 (correlation).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    weights = np.asarray(coefficients, dtype=np.float64)
    estimate = float(weights @ [area.estimate for area in areas])
    if np.isnan(estimate):
        return AucContrast(Interval(np.nan, np.nan, np.nan), np.nan)
    correlations = _correlations(areas)

    def bounds(errors: float) -> Interval:
        return _bounds(areas, weights, correlations, widening * errors)

    return AucContrast(bounds(float(ndtri((1 + level) / 2))), _p_value(bounds, float(ndtri((1 + level) / 2))))


def _correlations(areas: Sequence[PairAuc]) -> Floats:
    """Return the sampling correlations (k, k) of AUCs, from what every subject adds to each."""
    influence = np.stack([area.influence for area in areas])
    size = np.sqrt((influence**2).sum(axis=1))
    scaled = np.divide(influence, size[:, None], out=np.zeros_like(influence), where=size[:, None] > 0)
    n = max(2, int((areas[0].weight > 0).sum()))
    found: Floats = np.minimum(scaled @ scaled.T, 1 - 2 / n)
    np.fill_diagonal(found, 1.0)
    return found


def _bounds(areas: Sequence[PairAuc], weights: Floats, correlations: Floats, errors: float) -> Interval:
    """Bounds of the sum, each AUC's own bounds lying so many of its standard errors away."""
    each = [area.within(errors) for area in areas]
    estimates = np.array([own.estimate for own in each])
    down = estimates - [own.low for own in each]
    up = np.array([own.high for own in each]) - estimates
    estimate, rising = float(weights @ estimates), weights > 0
    below, above = weights * np.where(rising, down, up), weights * np.where(rising, up, down)
    low, high = (float(np.sqrt(max(0.0, float(side @ correlations @ side)))) for side in (below, above))
    least, most = float(np.minimum(weights, 0).sum()), float(np.maximum(weights, 0).sum())
    return Interval(estimate, max(least, estimate - low), min(most, estimate + high))


def _p_value(bounds: Callable[[float], Interval], errors: float) -> float:
    """Invert the interval: the level at which it begins to hold 0, sought on the side of `errors` that it lies on."""

    def leaves_out(reach: float) -> bool:
        found = bounds(reach)
        return found.low > 0 or found.high < 0

    inside, outside = (errors, _MOST_ERRORS) if leaves_out(errors) else (0.0, errors)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if leaves_out(middle) else (inside, middle)
    return 2 * float(ndtr(-inside))
