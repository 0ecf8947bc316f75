"""Midranks along the last axis, without a loop over rows."""

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.strata import Floats


def midranks(values: ArrayLike) -> Floats:
    """Rank from 1 to n along the last axis; ties share the mean of their ranks.

    Parameters
    ----------
    values
        (..., n) numbers without NaN.

    Returns
    -------
    (..., n) midranks; each row sums to n (n + 1) / 2.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return array.copy()
    order = np.argsort(array, axis=-1)
    ordered = np.take_along_axis(array, order, axis=-1)
    index = np.arange(array.shape[-1])
    opens = np.ones(array.shape, dtype=bool)
    opens[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    closes = np.ones(array.shape, dtype=bool)
    closes[..., :-1] = opens[..., 1:]
    first = np.maximum.accumulate(np.where(opens, index, 0), axis=-1)
    last = np.where(closes, index, index.size)[..., ::-1]
    last = np.minimum.accumulate(last, axis=-1)[..., ::-1]
    ranks = np.empty(array.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=-1)
    return ranks
