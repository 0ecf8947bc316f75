"""Are two groups of subjects comparable in what is known of them, and how strong must what is not known be?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, sqrt

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from biasaudit.stats.strata import Booleans, Floats

__all__ = ["Balance", "balance", "e_value", "matched", "mean_difference"]

CALIPER = 0.2
"""Standard deviations of the logit of the propensity by which matched subjects may differ (Austin 2011)."""

_RIDGE = 1e-3
"""Penalty of the propensity in units of subjects, so that groups without overlap have a finite one."""


@dataclass(frozen=True)
class Balance:
    """How one covariate differs between two groups.

    Attributes
    ----------
    difference : float
        Second group less the first in pooled standard deviations (Austin 2009); of words the largest difference of a
        level's share. Infinite where the groups have nothing in common; nan where it is known of nobody in one.
    error : float
        Its standard error.
    variance_ratio : float
        Variance in the second group over that in the first; nan for words.
    missing : tuple of float
        Share of either group of whom it is not known.
    compared : int
        Differences of which this is the largest: the levels of words, of two levels one; 1 for numbers.
    """

    difference: float
    error: float
    variance_ratio: float
    missing: tuple[float, float]
    compared: int = 1

    @property
    def z(self) -> float:
        """The difference over its standard error, in standard deviations of both groups together: at most 2 of them."""
        size = abs(self.difference)
        return (2.0 if np.isinf(size) else size / sqrt(1 + size**2 / 4)) / self.error


def balance(cells: Sequence[float | str | None], first: Booleans, second: Booleans) -> Balance:
    """Compare a covariate between two groups.

    Parameters
    ----------
    cells
        (n,) numbers or words; None where missing.
    first, second
        (n,) members of the groups.

    References
    ----------
    Austin (2009), Statistics in Medicine 28:3083.
    """
    known = np.array([cell is not None for cell in cells])
    missing = (float((~known)[first].mean()), float((~known)[second].mean()))
    one, two = ([cells[row] for row in np.flatnonzero(group & known).tolist()] for group in (first, second))
    if not one or not two:
        return Balance(np.nan, np.nan, np.nan, missing)
    error = _error(len(one), len(two))
    if any(isinstance(cell, str) for cell in (*one, *two)):
        levels = sorted({str(cell) for cell in (*one, *two)})
        each = [mean_difference(*([str(c) == level for c in group] for group in (one, two))) for level in levels]
        return Balance(max(each, key=abs), error, np.nan, missing, len(levels) if len(levels) > 2 else 1)
    low, high = np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
    ratio = float(high.var() / low.var()) if low.var() > 0 else np.nan
    return Balance(mean_difference(low, high), error, ratio, missing)


def mean_difference(first: ArrayLike, second: ArrayLike) -> float:
    """Mean of the second group less that of the first, over the root mean of their variances; 0 where both agree."""
    low, high = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    gap, spread = float(high.mean() - low.mean()), sqrt((low.var() + high.var()) / 2)
    if spread > 0:
        return gap / spread
    return inf if gap > 0 else -inf if gap < 0 else 0.0


def _error(n_first: int, n_second: int) -> float:
    """Return the standard error of a standardised difference that is small."""
    return sqrt(1 / n_first + 1 / n_second)


def matched(columns: Floats, group: Booleans) -> Booleans:
    """Keep pairs of a subject of the group and one outside of it who are alike in some columns.

    Parameters
    ----------
    columns
        (n, c) finite numbers.
    group
        (n,) members.

    Returns
    -------
    (n,) who is kept: as many inside as outside of the group, none twice, pairs within `CALIPER` standard deviations of
    the logit of the propensity, the hardest to match first.

    References
    ----------
    Rosenbaum and Rubin (1985), American Statistician 39:33; Austin (2011), Pharmaceutical Statistics 10:150.
    """
    score = _propensity(columns, group)
    reach = CALIPER * sqrt((score[group].var() + score[~group].var()) / 2) + 1e-9
    few, many = (group, ~group) if group.sum() <= (~group).sum() else (~group, group)
    free, kept = np.flatnonzero(many), np.zeros(group.size, dtype=bool)
    for row in sorted(np.flatnonzero(few), key=lambda row: -abs(score[row] - score[many].mean())):
        if not free.size:
            break
        nearest = int(np.argmin(np.abs(score[free] - score[row])))
        if abs(score[free[nearest]] - score[row]) <= reach:
            kept[[row, free[nearest]]] = True
            free = np.delete(free, nearest)
    return kept


def _propensity(columns: Floats, group: Booleans) -> Floats:
    """Logit of the chance of being a member, by a logistic regression on standardised columns."""
    penalised = LogisticRegression(C=1 / (_RIDGE * len(columns)), solver="newton-cholesky", tol=1e-8)
    model = make_pipeline(StandardScaler(), penalised).fit(columns, group)
    logit: Floats = model.decision_function(columns)
    return logit


def e_value(difference: float, error: float = 0.0) -> float:
    """Strength of an unmeasured difference that would explain a standardised mean difference.

    Parameters
    ----------
    difference
        In standard deviations.
    error
        1.96 of these are taken off first, for the bound of the interval nearer to 0.

    Returns
    -------
    Risk ratio, 1 or more, by which an unmeasured binary trait would have to be more frequent in one group and, at the
    same time, to raise the chance of a high value, beyond what is held fixed.

    Examples
    --------
    >>> round(e_value(0.5), 2)
    2.53

    References
    ----------
    VanderWeele and Ding (2017), Annals of Internal Medicine 167:268; Chinn (2000), Statistics in Medicine 19:3127.
    """
    size = max(0.0, abs(difference) - 1.96 * error)
    ratio = exp(min(0.91 * size, 50.0))
    return ratio + sqrt(ratio * (ratio - 1))
