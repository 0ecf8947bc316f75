"""Kernel ridge regression in closed form: ridges, distances, constant columns."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats import kernels


def test_ridge_is_positive_for_a_single_feature():
    column = np.linspace(-1, 1, 9)[:, None]
    assert 0 < kernels.shrinkage_ridge(column @ column.T, 1) < np.inf


def test_median_heuristic_of_coinciding_points():
    assert kernels.median_squared_distance(np.zeros((4, 4))) == 1.0
    distances = kernels.squared_distances(np.array([[0.0], [0], [0], [0], [2]]))
    assert kernels.median_squared_distance(distances) == pytest.approx(4.0)
