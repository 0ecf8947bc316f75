"""The AUC of origin inside classes, and covariates removed beside the origin."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.effects import auc
from biasaudit.stats.intervals import resample_weights
from biasaudit.stats.origin_effect import origin_effect, without_covariates
from biasaudit.stats.pair_auc import Block, pair_auc
from biasaudit.stats.strata import HeldFixed, joint_codes


def test_effect_is_the_auc_inside_classes():
    generator = np.random.default_rng(2)
    positive = np.arange(80) % 2 == 1
    origin = np.where(np.arange(80) // 2 % 2, "b", "a")
    scores = 5 * positive + (origin == "b") + generator.normal(size=80)
    effect = origin_effect(scores, origin, HeldFixed(positive), 99, generator, 0.9)
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


def test_origins_that_never_overlap_are_not_known_for_certain():
    positive = np.arange(40) % 2 == 1
    origin = np.where(np.arange(40) // 2 % 2, "b", "a")
    effect = origin_effect((origin == "b") * 1.0, origin, HeldFixed(positive), 99, np.random.default_rng(1), 0.9)
    assert effect.estimate[0] == effect.high[0] == 1
    assert 0.7 < effect.low[0] < 0.98


def test_resamples_that_end_with_the_scale_are_no_bound():
    """One subject in twenty-five out of order: the percentiles reach 1, Newcombe's lower bound lies below theirs."""
    positive, origin = np.zeros(50, dtype=bool), np.repeat(["a", "b"], 25)
    scores = np.where(origin == "b", 1.0, 0.0) + np.arange(50) / 1000
    scores[-1] = -1.0
    found = origin_effect(scores, origin, HeldFixed(positive), 400, np.random.default_rng(1), 0.9)
    area = pair_auc(scores, [Block(np.arange(25, 50), np.arange(25), 1.0)]).interval(0.9)
    assert found.estimate[0] == pytest.approx(0.96)
    assert found.high[0] == 1
    assert found.low[0] <= area.low
