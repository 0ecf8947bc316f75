from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.concepts import class_effect, origin_effect_along_features


def simulate(generator, shift, n=90, d=8):
    origin, blocks = np.arange(n) % 2, np.arange(n) // 2 % 3
    features = generator.standard_normal((n, d))
    features[:, 0] += shift * origin
    slopes = np.zeros((n, d))
    slopes[:, 0] = 2.0
    return features, slopes + 0.1 * generator.standard_normal((n, d)), origin, blocks


def test_effect_is_the_shift_times_the_slope():
    generator = np.random.default_rng(0)
    found = origin_effect_along_features(*simulate(generator, 3.0, n=900), 99, generator)
    assert found.effect == pytest.approx(6.0, abs=0.4)
    assert found.share == 1.0
    assert found.p_value == pytest.approx(0.01)


def test_directions_of_noise_are_rejected_as_often_as_they_should():
    generator = np.random.default_rng(1)
    p_values = [origin_effect_along_features(*simulate(generator, 0.0), 99, generator).p_value for _ in range(300)]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_what_the_logit_does_not_read_has_no_effect():
    generator = np.random.default_rng(2)
    features, slopes, origin, blocks = simulate(generator, 3.0)
    slopes[:, 0] = 0.0
    assert origin_effect_along_features(features, slopes, origin, blocks, 99, generator).effect < 1.0


def test_one_origin_per_block_gives_no_pair():
    features, slopes, origin, _ = simulate(np.random.default_rng(3), 1.0)
    found = origin_effect_along_features(features, slopes, origin, origin, 19, np.random.default_rng(4))
    assert np.isnan(found.p_value)


def test_class_effect_is_taken_inside_strata():
    features, slopes, origin, blocks = simulate(np.random.default_rng(5), 0.0, n=400)
    positive = (np.arange(400) // 6 % 2).astype(bool)
    features[:, 0] += 1.5 * positive + 10.0 * origin
    assert class_effect(features, slopes, positive, origin, blocks) == pytest.approx(3.0, abs=0.5)
    assert np.isnan(class_effect(features, slopes, origin == 1, origin, blocks))
