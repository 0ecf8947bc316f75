"""Midranks against scipy."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from biasaudit.stats.ranks import midranks


def test_ties_share_the_mean_of_their_ranks():
    values = np.random.default_rng(1).integers(0, 5, (3, 20)).astype(float)
    np.testing.assert_array_equal(midranks(values), rankdata(values, axis=1))
    assert midranks(np.array([3.0, 1.0, 3.0])).tolist() == [2.5, 1.0, 2.5]
