"""Many tests, one error rate."""

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.permutation import RELATIVE_TOLERANCE
from biasaudit.stats.strata import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjustment: family-wise error held under any dependence.

    Parameters
    ----------
    p_values
        (k,) from 0 to 1; nan (a test that could not be made) stays nan and does not count.

    Returns
    -------
    (k,) adjusted p-values, at most 1.

    Raises
    ------
    ValueError
        If a p-value is outside 0 to 1.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65.
    """
    values = np.asarray(p_values, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(values))
    if ((values[made] < 0) | (values[made] > 1)).any():
        raise ValueError(f"p-values must lie between 0 and 1, got {values}")
    order = made[np.argsort(values[made], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    adjusted = np.full(values.shape, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return adjusted


def can_reject(smallest: ArrayLike, alpha: float) -> bool:
    """Whether Holm's adjustment leaves any test a p-value of at most `alpha`.

    Parameters
    ----------
    smallest
        (k,) smallest p-values that the tests can have.
    alpha
        Level.

    Returns
    -------
    bool
        False of no tests.
    """
    floors = np.asarray(smallest, dtype=np.float64)
    return bool(floors.size) and bool(floors.min() * floors.size <= alpha)


def minimum_p(
    statistics_observed: ArrayLike, statistics_null: ArrayLike, weights: ArrayLike | None = None
) -> tuple[float, Floats]:
    """Combine dependent tests by their smallest p-value, calibrated by shared permutations.

    Every statistic, observed or permuted, is replaced by its rank p-value among all 1 + m
    arrangements; the smallest p of the observed arrangement is compared with the smallest p of
    each permutation. Exact whatever the dependence between the statistics. Smallest p-values are
    multiples of 1 / (1 + m) and tie often, about t times each; ties are broken by the geometric
    mean of the t p-values, without which the size at .05 is about .04 for t = 4 and m = 199.

    Parameters
    ----------
    statistics_observed
        (t,) observed statistics, large if the null hypothesis is wrong; nan leaves the test out.
    statistics_null
        (m, t) the same statistics under the same m permutations.
    weights
        (t,) positive numbers, by default 1: p-values are divided by them before the smallest is taken, so
        that a test of larger weight keeps more of its power. Fixed before the data are seen.

    Returns
    -------
    p_combined
        From 1 / (1 + m) to 1; nan if every statistic is nan.
    p_each
        (t,) p-values of the single tests, not adjusted.

    Raises
    ------
    ValueError
        If the shapes disagree or a weight is not positive.

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing; Tippett (1931), The Methods
    of Statistics; Fisher (1932), Statistical Methods for Research Workers (tie-break);
    Genovese, Roeder and Wasserman (2006), Biometrika 93:509 (weights).
    """
    observed = np.asarray(statistics_observed, dtype=np.float64)
    null = np.asarray(statistics_null, dtype=np.float64)
    if observed.ndim != 1 or null.ndim != 2 or null.shape[1] != observed.size:
        raise ValueError(f"need (t,) and (m, t) statistics, got {observed.shape} and {null.shape}")
    p_each = np.full(observed.size, np.nan)
    made = ~np.isnan(observed)
    if not made.any():
        return float("nan"), p_each
    weight = np.ones(observed.size) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != observed.shape or not (weight > 0).all():
        raise ValueError(f"weights must be {observed.size} positive numbers, got {weight}")
    ranked = _rank_p(np.vstack([observed[made], np.where(np.isnan(null), np.inf, null)[:, made]]))
    p_each[made] = ranked[0]
    evidence = (ranked / weight[made]).min(axis=1) + 0.5 * np.exp(np.log(ranked).mean(axis=1)) / ranked.shape[0]
    return float((evidence <= evidence[0] * (1 + RELATIVE_TOLERANCE)).mean()), p_each


def _rank_p(statistics: Floats) -> Floats:
    """Share of rows, itself included, that are at least as large: (1 + m, t)."""
    count = statistics.shape[0]
    shares = np.empty_like(statistics)
    for column, values in enumerate(statistics.T):
        floors = values - RELATIVE_TOLERANCE * np.maximum(1.0, np.abs(values))
        smaller = np.searchsorted(np.sort(values), floors, side="left")
        shares[:, column] = (count - smaller) / count
    return shares
