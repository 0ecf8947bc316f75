from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.effects import auc
from biasaudit.stats.site_direction import auc_without_origin, removed_from_logits

WIDTH = 6


def simulated(generator, reads_origin, *, n=160, site=2.0, disease=1.5, confounding=0.6, origins=2, width=WIDTH):
    """A layer that shows the origin (channel 0, of a third one 1) and the disease (last), and a linear logit."""
    positive = np.arange(n) % 2 == 1
    origin = np.where(generator.random(n) < confounding, positive, generator.integers(0, origins, n)).astype(int)
    features = generator.standard_normal((n, width))
    features[:, 0] += site * (origin == 1)
    features[:, 1] += site * (origin == 2)
    features[:, -1] += disease * positive
    slope = np.zeros(width)
    slope[:2], slope[-1] = reads_origin, 1.0
    folds = np.arange(n) // 2 % 3
    return features, np.tile(slope, (n, 1)), features @ slope, positive, positive, origin, folds


def loss(generator, reads_origin, **kwargs):
    return auc_without_origin(*simulated(generator, reads_origin, **kwargs), 99, generator)


def test_a_decision_on_the_origin_loses_its_auc():
    found = loss(np.random.default_rng(0), 2.0, n=480, disease=0.3)
    assert found.auc > 0.65
    assert found.without < 0.55
    assert found.loss > 0.1
    assert found.p_value == pytest.approx(0.01)


def test_an_origin_that_is_there_and_not_read_takes_nothing():
    found = loss(np.random.default_rng(1), 0.0, n=480)
    assert found.without == pytest.approx(found.auc, abs=0.02)


def test_the_auc_without_is_that_of_a_logit_without_the_channel():
    """The truth where the direction is known: the logit less its channel of the origin."""
    generator = np.random.default_rng(2)
    features, slopes, logits, positive, classes, origin, folds = simulated(generator, 1.0, n=3000)
    found = auc_without_origin(features, slopes, logits, positive, classes, origin, folds, 9, generator)
    assert found.without == pytest.approx(auc(features[:, -1] + features[:, 1], positive), abs=0.02)


def test_what_is_removed_is_an_orthogonal_projection_learnt_from_the_other_parts():
    generator = np.random.default_rng(3)
    features, slopes, _, positive, _, origin, _ = simulated(generator, 1.0, n=48, origins=3)
    parts = np.arange(48) % 4
    found = removed_from_logits(features, slopes, positive.astype(int), origin[None], parts)[0]
    for part in range(4):
        known = parts != part
        apart = features[known].copy()
        for code in (False, True):
            apart[positive[known] == code] -= apart[positive[known] == code].mean(axis=0)
        means = np.stack([apart[origin[known] == code].mean(axis=0) for code in range(3)])
        basis = np.linalg.svd(means, full_matrices=False)[2][:2]
        shifted = (features - features.mean(axis=0))[~known]
        np.testing.assert_allclose(found[~known], shifted @ basis.T @ basis @ slopes[0], atol=1e-8)


def test_without_a_difference_between_origins_the_size_is_nominal():
    generator = np.random.default_rng(4)
    p_values = np.array([loss(generator, 1.0, n=96, site=0.0).p_value for _ in range(120)])
    assert np.mean(p_values <= 0.05) == pytest.approx(0.05, abs=0.04)


def test_power_against_a_decision_that_rests_on_the_origin():
    generator = np.random.default_rng(5)
    p_values = np.array([loss(generator, 2.0, n=120, disease=0.3).p_value for _ in range(30)])
    assert np.mean(p_values <= 0.05) > 0.8


@pytest.mark.parametrize("what", ["one origin per class", "one class per fold"])
def test_where_nothing_can_be_compared_there_is_no_answer(what):
    generator = np.random.default_rng(6)
    features, slopes, logits, positive, classes, origin, folds = simulated(generator, 1.0)
    if what == "one origin per class":
        origin = positive.astype(int)
    else:
        folds = positive.astype(int)
    found = auc_without_origin(features, slopes, logits, positive, classes, origin, folds, 9, generator)
    assert found.n == 0
    assert np.isnan(found.p_value)
