"""Relevance inside masks, against counting."""

from __future__ import annotations

import numpy as np

from biasaudit.stats.localisation import rank_accuracies


def test_rank_accuracy_counts_as_many_voxels_as_the_mask_has():
    relevance = np.array([[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    mask = np.array([[True, False, True, False, False], [False] * 5])
    found = rank_accuracies(relevance, mask)
    assert found[:, 0].tolist() == [0.5, 0.0]
    assert np.isnan(found[:, 1]).all()
