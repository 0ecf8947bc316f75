"""Logits of several folds on one scale."""

from __future__ import annotations

import numpy as np

from biasaudit.stats.fold_scales import fold_columns, standardised_logits


def test_scales_of_folds_are_drawn_together_as_far_as_they_differ_by_chance():
    generator = np.random.default_rng(7)
    folds, positive = np.arange(100) % 5, np.arange(100) // 5 % 2 == 1
    alike = generator.normal(size=100)
    apart = alike * np.exp([0, 2, 4, 6, 8])[folds]
    cells = [np.flatnonzero((folds == fold) & positive) for fold in range(5)]

    def spreads(logits):
        return np.array([logits[cell].std(ddof=1) for cell in cells])

    assert np.ptp(spreads(standardised_logits(apart, positive, folds))) < 0.1
    factors = spreads(standardised_logits(alike, positive, folds)) / spreads(alike)
    assert factors.max() / factors.min() < 1.05
    assert spreads(alike).max() / spreads(alike).min() > 1.2
    assert standardised_logits(np.where(folds == 2, 1.0, alike), positive, folds)[folds == 2].tolist() == [0.0] * 20


def test_folds_are_told_apart_in_every_class_by_itself():
    """Seven subjects of one class are too few for five folds; those of the others are not."""
    label = np.repeat(["healthy", "ms", "tumour"], [60, 60, 7])
    folds = np.arange(127) % 5
    columns = fold_columns(label, folds)
    assert (columns[label == "tumour"] == 0).all()
    assert (columns[label != "tumour"].sum(axis=1) == 1).all()
