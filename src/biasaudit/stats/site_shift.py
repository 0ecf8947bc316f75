"""How far the scores of each site lie from those of the others, class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from biasaudit.stats.strata import Floats, integer_codes, require_same_length, vector_without_nan

__all__ = ["SiteShifts", "site_shifts"]


@dataclass(frozen=True)
class SiteShifts:
    """Shift of every site against the other sites, within classes.

    Attributes
    ----------
    sites
        Names, those that share a class with another site, in the order of their shifts.
    estimate, low, high
        (s,) in units of the scores.
    n
        (s,) subjects of the site.
    """

    sites: tuple[str, ...]
    estimate: Floats
    low: Floats
    high: Floats
    n: Floats


def site_shifts(scores: ArrayLike, classes: ArrayLike, sites: ArrayLike, level: float) -> SiteShifts:
    """Estimate the shift of every site: its mean less that of all others, averaged over classes.

    In class c, site s has a subjects and the others b; their difference of means d_c counts with w_c = ab / (a + b), as
    its variance is s^2 / w_c. The shift is sum(w_c d_c) / sum(w_c) with variance s^2 / sum(w_c), where s^2 is the
    variance inside cells of class and site, pooled.

    Parameters
    ----------
    scores
        (n,) finite numbers on one scale.
    classes, sites
        (n,) names or codes.
    level
        Coverage of each interval, between 0 and 1; the intervals of many sites do not hold at once.

    Returns
    -------
    SiteShifts
        Intervals are nan where no cell has two subjects.

    Raises
    ------
    ValueError
        If the lengths differ or a score is nan.

    References
    ----------
    Cochran (1954), Biometrics 10:417, section 5 (weights of differences that are combined over strata).
    """
    values, strata, names = vector_without_nan(scores, "scores"), integer_codes(classes), np.asarray(sites).astype(str)
    require_same_length(scores=values, classes=strata, sites=names)
    known, codes = np.unique(names, return_inverse=True)
    shape = known.size, int(strata.max(initial=-1)) + 1
    cells = np.ravel_multi_index((codes, strata), shape) if values.size else codes
    counts, sums = (np.bincount(cells, weights, known.size * shape[1]).reshape(shape) for weights in (None, values))
    others = counts.sum(axis=0) - counts
    weights = counts * others / np.maximum(counts + others, 1)
    means = sums / np.maximum(counts, 1)
    gaps = means - (sums.sum(axis=0) - sums) / np.maximum(others, 1)
    total = weights.sum(axis=1)
    compared = np.flatnonzero(total > 0)
    shift = (weights * gaps).sum(axis=1)[compared] / total[compared]
    order = np.argsort(shift, kind="stable")
    rows, estimate = compared[order], shift[order]
    reach = _reach(values - means.ravel()[cells], int((counts > 0).sum()), level) / np.sqrt(total[rows])
    own = tuple(str(known[row]) for row in rows)
    return SiteShifts(own, estimate, estimate - reach, estimate + reach, counts.sum(axis=1)[rows].astype(float))


def _reach(residuals: Floats, n_cells: int, level: float) -> float:
    """Half the width of an interval of unit weight; nan where nothing is left to estimate a variance from."""
    freedom = residuals.size - n_cells
    if freedom < 1:
        return float("nan")
    return float(student.ppf((1 + level) / 2, freedom) * np.sqrt(residuals @ residuals / freedom))
