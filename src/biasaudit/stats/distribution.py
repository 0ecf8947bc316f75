"""A distribution in few numbers, so that a report can draw what a test compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["N_QUANTILES", "quantiles_of"]

N_QUANTILES = 41
"""From the smallest value to the largest in steps of 2.5 %, so that both ends of a 95 % interval are among them."""

_DIGITS = 5


def quantiles_of(draws: ArrayLike, observed: float, source: str) -> dict[str, Any]:
    """Sum up a distribution and the value that is held against it.

    Parameters
    ----------
    draws
        (m,) statistics under permutation, or of resamples; those that are not finite are left out.
    observed
        The statistic as observed.
    source
        Where the draws come from: ``permutations`` or ``resamples``.

    Returns
    -------
    dict
        ``quantiles``, a list of `N_QUANTILES` numbers that do not fall, or of none; ``observed`` and ``from``. Five
        significant digits.
    """
    values = np.asarray(draws, dtype=np.float64)
    known = values[np.isfinite(values)]
    found = np.quantile(known, np.linspace(0, 1, N_QUANTILES)).tolist() if known.size else []
    return {"quantiles": [_rounded(each) for each in found], "observed": _rounded(observed), "from": source}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
