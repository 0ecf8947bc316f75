"""The AUC over chosen pairs: what is compared, and an interval that is never a point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.stats.effects import auc
from biasaudit.stats.pair_auc import (
    Block,
    folds_overlap,
    inside_folds,
    inside_strata,
    mean_of,
    pair_auc,
)


def cohort(n=60, seed=1, gap=1.0):
    positive, folds = np.arange(n) % 2 == 0, np.arange(n) // 2 % 3
    return gap * positive + np.random.default_rng(seed).normal(size=n), positive, folds


def everybody(positive):
    return inside_folds(positive, np.zeros(positive.size))


def test_one_fold_is_the_plain_auc():
    scores, positive, _ = cohort()
    assert pair_auc(scores, everybody(positive)).estimate == pytest.approx(auc(scores, positive))


@given(st.lists(st.integers(-100, 100), min_size=3, max_size=3))
def test_offsets_of_the_fold_networks_do_not_matter(offsets):
    scores, positive, folds = cohort()
    pairs = inside_folds(positive, folds)
    moved = pair_auc(np.round(scores, 3) + np.array(offsets)[folds], pairs)
    assert moved.estimate == pytest.approx(pair_auc(np.round(scores, 3), pairs).estimate)


def test_a_fold_of_one_class_loses_its_own_subjects_only():
    scores, positive, folds = cohort()
    lonely = np.append(folds, [9, 9])
    more = pair_auc(np.append(scores, [50.0, -50.0]), inside_folds(np.append(positive, [False, False]), lonely))
    assert more.estimate == pair_auc(scores, inside_folds(positive, folds)).estimate


def test_one_subject_held_out_at_a_time_is_compared_across_networks():
    scores, positive, _ = cohort()
    found = pair_auc(scores, inside_folds(positive, np.arange(scores.size)))
    assert found.estimate == pytest.approx(auc(scores, positive))


def test_no_pair_no_area():
    found = pair_auc(np.zeros(3), inside_folds(np.ones(3, dtype=bool), np.zeros(3)))
    assert np.isnan([found.estimate, found.interval(0.95).low, found.interval(0.95).high]).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_perfection_is_no_certainty(sign):
    """Newcombe (2006), method 5; a point [1, 1] would claim what 60 subjects cannot show."""
    _, positive, folds = cohort()
    found = pair_auc(sign * positive.astype(float), inside_folds(positive, folds)).interval(0.95)
    assert found.estimate == (1.0 if sign == 1 else 0.0)
    assert 0.03 < found.high - found.low < 0.2


def test_interval_is_newcombes_for_one_network():
    """10 + 10 subjects, AUC 1: (1 - t)^2 = z^2 t (1 - t) (1 + 9 ((1 - t)/(2 - t) + t/(1 + t))) / 100."""
    positive = np.arange(20) % 2 == 0
    low = pair_auc(positive.astype(float), everybody(positive)).interval(0.95).low
    z = 1.959964
    assert (1 - low) ** 2 == pytest.approx(
        z**2 * low * (1 - low) * (1 + 9 * ((1 - low) / (2 - low) + low / (1 + low))) / 100
    )


def test_overlap_widens_and_unlike_spreads_widen():
    scores, positive, folds = cohort()
    found = pair_auc(scores, inside_folds(positive, folds))
    narrow, wide = found.interval(0.95), found.interval(0.95, folds_overlap(folds))
    assert wide.low < narrow.low < found.estimate < narrow.high < wide.high
    unlike = pair_auc(np.where(positive, 4.0, 0.5) * scores, everybody(positive))
    assert unlike.excess() > 1.1


def test_nadeau_and_bengio():
    assert folds_overlap(np.arange(100) % 5) == pytest.approx(1.5)
    assert folds_overlap(np.zeros(9)) == 1.0


def test_mean_of_two_sides_is_either_side():
    """One of two origins against the rest is the same question twice."""
    scores, positive, folds = cohort()
    one = pair_auc(scores, inside_folds(positive, folds))
    other = pair_auc(-scores, inside_folds(~positive, folds))
    both = mean_of([one, other], [0.5, 0.5])
    assert both.estimate == pytest.approx(one.estimate)
    assert both.variance(0.7) == pytest.approx(one.variance(0.7))
    assert both.excess() == pytest.approx(one.excess())


def test_blocks_weigh_as_told():
    scores = np.array([0.0, 1.0, 0.0, 1.0])
    blocks = [Block(np.array([1]), np.array([0]), 3.0), Block(np.array([2]), np.array([3]), 1.0)]
    assert pair_auc(scores, blocks).estimate == 0.75


def test_pairs_of_strata_count_alike():
    """1 pair won in a stratum of two subjects, 4 pairs lost in one of four."""
    positive, strata = np.array([1, 0, 1, 1, 0, 0], dtype=bool), np.array([0, 0, 1, 1, 1, 1])
    scores = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    assert pair_auc(scores, inside_strata(positive, strata)).estimate == pytest.approx(1 / 5)
    assert inside_strata(positive, np.arange(6)) == []


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_is_a_share(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        pair_auc(np.zeros(2), [Block(np.array([0]), np.array([1]), 1.0)]).interval(level)
