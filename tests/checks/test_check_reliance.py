"""The fast bootstrap of the reliance against the plain statistic on the same resamples."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.effects import auc, origin_sensitivity
from biasaudit.stats.intervals import resample_weights
from biasaudit.stats.reliance import (
    bootstrap_origin_sensitivity,
    origin_effect,
    standardised_logits,
    without_covariates,
)
from biasaudit.stats.strata import joint_codes


def test_bootstrap_equals_the_statistic_of_every_resample():
    generator = np.random.default_rng(1)
    positive = np.arange(90) % 2 == 1
    origin = generator.choice(["a", "b", "c"], 90)
    logits = 2 * positive + (origin == "b") + generator.normal(size=90)
    fast = bootstrap_origin_sensitivity(logits, positive, origin, 20, np.random.default_rng(4))
    weights = resample_weights(joint_codes(positive, origin), 20, np.random.default_rng(4)).astype(int)
    for ratio, counts in zip(fast, weights, strict=True):
        rows = np.repeat(np.arange(90), counts)
        assert ratio == pytest.approx(origin_sensitivity(logits[rows], positive[rows], origin[rows], noise=2).ratio)


def test_effect_is_the_auc_inside_classes():
    generator = np.random.default_rng(2)
    positive = np.arange(80) % 2 == 1
    origin = np.where(np.arange(80) // 2 % 2, "b", "a")
    scores = 5 * positive + (origin == "b") + generator.normal(size=80)
    effect = origin_effect(scores, origin, positive, 99, generator, 0.9)
    each = [auc(scores[side], origin[side] == "b") for side in (~positive, positive)]
    assert effect.pairs == (("a", "b"),)
    assert effect.by_class[:, 0] == pytest.approx(each)
    assert effect.estimate[0] == pytest.approx(np.mean(each))
    assert effect.low[0] < effect.estimate[0] < effect.high[0]


def test_covariates_are_removed_beside_the_origin_in_every_resample():
    """Against least squares with a column for every origin, on subjects repeated as often as they were drawn."""
    generator = np.random.default_rng(6)
    classes, origin = np.repeat([0, 1], 30), np.arange(60) % 3
    covariates = generator.normal(size=(60, 2)) + origin[:, None]
    values = covariates @ [1.0, -2.0] + origin + generator.normal(size=60)
    cells = joint_codes(classes, origin)
    weights = resample_weights(cells, 4, generator).astype(float)
    fast = without_covariates(values, covariates, classes, cells, weights)
    for adjusted, counts in zip(fast, weights.astype(int), strict=True):
        for side in (0, 1):
            inside = np.flatnonzero(classes == side)
            rows = np.repeat(inside, counts[inside])
            design = np.column_stack([covariates[rows], origin[rows][:, None] == np.arange(3)])
            slopes = np.linalg.lstsq(design, values[rows], rcond=None)[0][:2]
            centred = covariates[inside] - covariates[inside].mean(axis=0)
            np.testing.assert_allclose(adjusted[inside], values[inside] - centred @ slopes)


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
