"""Clusters of maps against scikit-learn's, and their association with origin counted subject by subject."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from scipy.stats import chi2_contingency
from sklearn.cluster import SpectralClustering

from biasaudit.stats.spectral import map_strategies_test, spectral_clusters


def local_affinity(points):
    n = len(points)
    distance = np.array([[np.sqrt(((a - b) ** 2).sum()) for b in points] for a in points])
    scale = [sorted(distance[i])[5] for i in range(n)]
    return np.array([
        [0.0 if i == j else np.exp(-(distance[i, j] ** 2) / (scale[i] * scale[j])) for j in range(n)] for i in range(n)
    ])  # fmt: skip


def test_clusters_are_those_of_scikit_learn():
    chance = np.random.default_rng(3)
    points = chance.normal(size=(24, 4)) + 3 * chance.normal(size=(3, 4))[np.arange(24) % 3]
    found = spectral_clusters(points).labels
    count = len(np.unique(found))
    reference = SpectralClustering(count, affinity="precomputed", assign_labels="cluster_qr", random_state=0)
    expected = reference.fit_predict(local_affinity(points))
    agree = (found[:, None] == found) == (expected[:, None] == expected)
    assert agree.mean() > 0.9


def test_association_and_p_by_enumeration():
    chance = np.random.default_rng(4)
    origin = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    maps = chance.normal(size=(8, 3)) + 2 * origin[:, None]
    folds = np.repeat([0, 1], 4)
    result, clusters = map_strategies_test(maps, origin, folds, 4000, chance)

    def association(own):
        table = np.array([[np.sum((clusters.labels == a) & (own == b)) for b in (0, 1)] for a in (0, 1)])
        return np.sqrt(chi2_contingency(table, correction=False).statistic / 8)

    everything = [
        association(np.array([*first, *second]))
        for first in permutations(origin[:4])
        for second in permutations(origin[4:])
    ]
    np.testing.assert_allclose(result.statistic, association(origin))
    exact = np.mean(np.array(everything) >= result.statistic - 1e-9)
    assert abs(result.p_value - exact) < 0.03
