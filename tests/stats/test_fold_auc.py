"""The AUC over folds: what is corrected, permuted and refused."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats import fold_auc


@pytest.fixture
def generator():
    return np.random.default_rng(3)


def test_cross_validated_auc_finds_a_planted_origin(generator):
    origin, folds = np.arange(90) % 3, np.arange(90) // 18
    scores = 1.5 * np.eye(3)[origin] + generator.standard_normal((90, 3))
    result = fold_auc.cross_validated_auc_test(scores, origin, folds, 199, generator)
    assert result.p_value == pytest.approx(1 / 200)
    assert result.statistic > 0.7


def test_correction_only_widens_the_null(generator):
    origin, folds = np.arange(40) % 2, np.arange(40) // 10
    scores = 0.6 * np.eye(2)[origin] + generator.standard_normal((40, 2))
    naive, wide = (
        fold_auc.cross_validated_auc_test(scores, origin, folds, 999, np.random.default_rng(1), corrected)
        for corrected in (False, True)
    )
    assert naive.statistic == wide.statistic
    assert naive.p_value < wide.p_value
    single = fold_auc.cross_validated_auc_test(scores, origin, np.zeros(40), 999, np.random.default_rng(1))
    assert single.null.std() < wide.null.std()


def test_cross_validated_auc_without_two_origins(generator):
    result = fold_auc.cross_validated_auc_test(np.zeros((4, 2)), [0, 0, 1, 1], [0, 0, 1, 1], 9, generator)
    assert np.isnan(result.p_value)
    assert result.reason == "no fold holds two origins"
    assert np.isnan(fold_auc.cross_validated_auc_statistic(np.zeros((2, 2)), np.array([0, 0]), np.zeros(2)))


@pytest.mark.parametrize(
    ("scores", "origin", "match"),
    [
        (np.zeros(3), [0, 1, 0], "shape"),
        (np.full((3, 2), np.nan), [0, 1, 0], "NaN"),
        (np.zeros((3, 2)), [0, 1, 2], "from 0 to 1"),
        (np.zeros((3, 2)), ["a", "b", "a"], "integers"),
        (np.zeros((3, 2)), [0, 1], "same subjects"),
    ],
)
def test_cross_validated_auc_names_faults(scores, origin, match, generator):
    with pytest.raises(ValueError, match=match):
        fold_auc.cross_validated_auc_test(scores, origin, [0, 0, 0], 9, generator)


def test_interval_of_the_same_estimate(generator):
    origin, folds = np.arange(90) % 3, np.where(np.arange(90) < 80, np.arange(90) // 16, 5)
    scores = np.eye(3)[origin] + generator.standard_normal((90, 3))
    folds[origin == 2] %= 4  # the last folds hold two of three origins
    found = fold_auc.cross_validated_auc(scores, origin, folds)
    assert found.estimate == pytest.approx(fold_auc.cross_validated_auc_statistic(scores, origin, folds))
    assert found.interval(0.95).low < found.estimate < found.interval(0.95).high
    assert np.isnan(fold_auc.cross_validated_auc(np.zeros((2, 2)), [0, 0], [0, 0]).estimate)


def test_interval_of_a_macro_auc_covers(generator):
    origin, folds = np.arange(90) % 3, np.arange(90) // 30
    truth, hits = 0.760, []  # P(N(1, 2) > 0)
    for _ in range(200):
        scores = np.eye(3)[origin] + generator.standard_normal((90, 3))
        interval = fold_auc.cross_validated_auc(scores, origin, folds).interval(0.95)
        hits.append(interval.low <= truth <= interval.high)
    assert 0.9 <= np.mean(hits) <= 1.0
