"""Differences and slopes of AUCs: an interval that is never a point, and a p-value that agrees with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biasaudit.stats.auc_contrast import auc_contrast, auc_difference
from biasaudit.stats.pair_auc import folds_overlap, inside_folds, pair_auc


def cohort(n=60, seed=1, gap=1.0):
    positive, folds = np.arange(n) % 2 == 0, np.arange(n) // 2 % 3
    return gap * positive + np.random.default_rng(seed).normal(size=n), positive, folds


def areas_of(*scores, positive, folds):
    return [pair_auc(own, inside_folds(positive, folds)) for own in scores]


def test_equal_scores_differ_by_little_if_at_all():
    """The order of 60 subjects does not show that two scores order everybody alike."""
    scores, positive, folds = cohort()
    (one,) = areas_of(scores, positive=positive, folds=folds)
    found = auc_difference(one, one, 0.95)
    assert -0.1 < found.interval.low < 0 < found.interval.high < 0.1
    assert found.interval.estimate == 0
    assert found.p_value == 1.0
    assert found.p_above == found.p_below == 0.5


def test_a_better_score_is_found():
    good, positive, folds = cohort(n=200, gap=2.0)
    first, second = areas_of(good, cohort(n=200, gap=0.0, seed=5)[0], positive=positive, folds=folds)
    found = auc_difference(first, second, 0.95, folds_overlap(folds))
    assert found.interval.low > 0
    assert 0 < found.p_value < 1e-3
    assert found.p_above == found.p_value / 2
    assert found.p_below == 1 - found.p_above


def test_two_perfect_scores_are_not_shown_to_be_equal():
    """Each may lie as far below 1 as its own interval says."""
    _, positive, folds = cohort()
    (perfect,) = areas_of(positive.astype(float), positive=positive, folds=folds)
    found = auc_difference(perfect, perfect, 0.95)
    alone = perfect.interval(0.95)
    assert (found.interval.low, found.interval.high) == pytest.approx((alone.low - 1, 1 - alone.low))
    assert found.p_value == 1.0


def test_a_perfect_score_and_one_with_a_single_fault():
    """DeLong's variance is all but 0 here, and says more than 60 subjects can."""
    _, positive, folds = cohort()
    faulty = positive.astype(float)
    faulty[0], faulty[1] = 0.0, 1.0
    first, second = areas_of(positive.astype(float), faulty, positive=positive, folds=folds)
    found = auc_difference(first, second, 0.95)
    apart = first.influence - second.influence
    assert found.interval.high - found.interval.low > 1.3 * 2 * 1.96 * np.sqrt(apart @ apart)
    assert found.interval.low < 0 < found.p_value


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 1.5, 4.0]), st.sampled_from([0.0, 1.0, 4.0]))
def test_p_value_and_interval_agree(seed, gap, other):
    scores, positive, folds = cohort(n=40, seed=seed, gap=gap)
    first, second = areas_of(scores, cohort(n=40, seed=seed + 1, gap=other)[0], positive=positive, folds=folds)
    found = auc_difference(first, second, 0.9)
    outside = found.interval.low > 0 or found.interval.high < 0
    assert outside == (found.p_value < 0.1 - 1e-9)
    assert -1 <= found.interval.low <= found.interval.estimate <= found.interval.high <= 1


def test_a_slope_is_a_weighted_sum():
    scores, positive, folds = cohort(n=300)
    steps = [scores + scale * np.random.default_rng(9).normal(size=300) for scale in (0.0, 1.0, 3.0)]
    areas = areas_of(*steps, positive=positive, folds=folds)
    found = auc_contrast(areas, [-0.5, 0.0, 0.5], 0.9)
    assert found.interval.estimate == pytest.approx((areas[2].estimate - areas[0].estimate) / 2)
    ends = auc_difference(areas[2], areas[0], 0.9).interval
    assert (2 * found.interval.low, 2 * found.interval.high) == pytest.approx((ends.low, ends.high))
    assert found.p_below < 0.05


def test_no_pair_no_difference():
    found = pair_auc(np.zeros(3), inside_folds(np.ones(3, dtype=bool), np.zeros(3)))
    assert np.isnan(auc_difference(found, found, 0.95).p_value)
    assert np.isnan(auc_difference(found, found, 0.95).interval.low)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_is_a_share(level):
    (one,) = areas_of(cohort()[0], positive=cohort()[1], folds=cohort()[2])
    with pytest.raises(ValueError, match="between 0 and 1"):
        auc_difference(one, one, level)
