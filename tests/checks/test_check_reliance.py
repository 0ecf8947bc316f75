"""The fast bootstrap of the reliance against the plain statistic on the same resamples."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.effects import auc, origin_sensitivity
from biasaudit.stats.intervals import resample_weights
from biasaudit.stats.reliance import bootstrap_origin_sensitivity, origin_effect
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
