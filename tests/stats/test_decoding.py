from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.decoding import decode, decoding_gain_test
from biasaudit.stats.effects import auc
from biasaudit.stats.kernels import leave_one_out_operator, shrinkage_ridge, standardised_columns
from biasaudit.stats.ranks import midranks


def simulate(generator, shift, n=90, d=12):
    labels, blocks = np.arange(n) % 2, np.arange(n) // 2 % 3
    features = generator.standard_normal((n, d))
    features[:, 0] += shift * labels
    return features, labels, blocks


def test_area_is_that_of_ridge_classifiers_fitted_to_all_others():
    features, labels, _ = simulate(np.random.default_rng(0), 1.0, n=30)
    found = decode(features, labels, np.zeros(30), 99, np.random.default_rng(1))
    columns = standardised_columns(features)
    ridge = shrinkage_ridge(columns @ columns.T, columns.shape[1])
    centred = labels - labels.mean()
    slow = []
    for row in range(30):
        rest = np.arange(30) != row
        gram = columns[rest] @ columns[rest].T + ridge * np.eye(29)
        slow.append(columns[row] @ columns[rest].T @ np.linalg.solve(gram, centred[rest]))
    np.testing.assert_allclose(found.ranks[:, 0] * 30, midranks(np.array(slow)))
    operator = leave_one_out_operator(*np.linalg.eigh(columns @ columns.T), ridge)
    generator = np.random.default_rng(1)
    orders = [generator.permutation(30) for _ in range(400)]
    chance = np.mean([auc(operator @ centred[order], labels[order] == 1) for order in orders])
    plain = auc(np.array(slow), labels == 1)
    levelled = 0.5 + 0.5 * (plain - chance) / (1 - chance) if plain > chance else 0.5 * plain / chance
    assert found.auc == pytest.approx(levelled, abs=0.05)


def test_noise_reads_as_one_half_and_is_rejected_as_often_as_it_should():
    generator = np.random.default_rng(2)
    found = [decode(*simulate(generator, 0.0), 99, generator) for _ in range(200)]
    assert np.mean([each.auc for each in found]) == pytest.approx(0.5, abs=0.02)
    assert np.mean([each.p_value <= 0.05 for each in found]) == pytest.approx(0.05, abs=0.035)
    assert min(each.p_value for each in found) > 0


def test_a_planted_origin_is_read():
    generator = np.random.default_rng(3)
    assert decode(*simulate(generator, 2.5), 99, generator).auc > 0.75
    features = generator.standard_normal((90, 12))
    three = np.arange(90) % 3
    features[np.arange(90), three] += 2.5
    assert decode(features, three, np.arange(90) // 3 % 3, 99, generator).auc > 0.75


def test_labels_that_are_seen_perfectly_have_an_area_of_one():
    labels = np.arange(40) % 2
    features = labels[:, None] + 1e-3 * np.random.default_rng(6).standard_normal((40, 3))
    assert decode(features, labels, np.zeros(40), 99, np.random.default_rng(7)).auc == pytest.approx(1.0)


def test_gain_is_found_and_two_equal_networks_are_not_told_apart():
    generator = np.random.default_rng(4)
    rejected = []
    for shift in (0.0, 2.5):
        hits = 0
        for _ in range(60):
            weak, labels, blocks = simulate(generator, 1.0)
            strong = generator.standard_normal(weak.shape)
            strong[:, 0] += (1.0 + shift) * labels
            ranks = [decode(own, labels, blocks, 19, generator).ranks for own in (strong, weak)]
            hits += decoding_gain_test(*ranks, labels, blocks, 99, generator).p_value <= 0.05
        rejected.append(hits / 60)
    assert rejected[0] < 0.15 < 0.6 < rejected[1]


def test_nothing_to_read():
    generator = np.random.default_rng(5)
    alone = decode(np.ones((6, 2)), [0, 0, 0, 0, 0, 1], np.zeros(6), 19, generator)
    assert np.isnan(alone.auc)
    assert alone.n == 0
    constant = decode(np.ones((8, 2)), np.arange(8) % 2, np.zeros(8), 19, generator)
    assert np.isnan(constant.p_value)
    gain = decoding_gain_test(constant.ranks, constant.ranks, np.arange(8) % 2, np.zeros(8), 19, generator)
    assert np.isnan(gain.p_value)
    assert gain.reason
