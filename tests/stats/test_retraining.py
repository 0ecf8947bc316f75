import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.stats.effects import auc
from biasaudit.stats.retraining import overlap_factor, stratified_auc


@pytest.fixture
def cohort():
    generator = np.random.default_rng(5)
    positive, strata = np.arange(60) % 2 == 0, np.arange(60) // 2 % 3
    return (positive + generator.normal(size=60))[:, None], positive, strata


def test_one_stratum_is_the_plain_auc(cohort):
    scores, positive, _ = cohort
    assert stratified_auc(scores, positive, np.zeros(60))[0] == pytest.approx(auc(scores[:, 0], positive))


def test_strata_weigh_by_their_pairs():
    positive = np.array([True, False, True, True, False, False])
    strata = np.array([0, 0, 1, 1, 1, 1])
    scores = np.array([[1.0], [0.0], [0.0], [0.0], [1.0], [1.0]])  # 1 pair won, 4 pairs lost
    assert stratified_auc(scores, positive, strata)[0] == pytest.approx(1 / 5)
    assert stratified_auc(scores * 0, positive, strata)[0] == 0.5


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=3))
def test_offsets_of_the_strata_do_not_matter(offsets):
    generator = np.random.default_rng(1)
    positive, strata = np.arange(30) % 2 == 0, np.arange(30) // 2 % 3
    scores = generator.integers(-4, 5, size=(30, 1)).astype(float)
    moved = scores + np.round(offsets)[strata][:, None]
    np.testing.assert_array_equal(stratified_auc(moved, positive, strata), stratified_auc(scores, positive, strata))


def test_a_stratum_of_one_class_adds_nothing(cohort):
    scores, positive, strata = cohort
    lonely = np.concatenate([strata, [7, 7]])
    more = stratified_auc(np.vstack([scores, [[9.0], [-9.0]]]), np.append(positive, [True, True]), lonely)
    assert more == stratified_auc(scores, positive, strata)


def test_no_pair_no_area():
    positive = np.array([True, True, False])
    assert np.isnan(stratified_auc(np.zeros((3, 2)), positive, positive)).all()


def test_names_of_strata_are_as_good_as_codes(cohort):
    scores, positive, strata = cohort
    names = np.array(["x", "y", "z"])[strata]
    assert stratified_auc(scores, positive, names) == stratified_auc(scores, positive, strata)


class TestOverlap:
    def test_nadeau_and_bengio(self):
        # Five folds that train on four fifths each: 1 + 5 x 1/4.
        assert overlap_factor([20] * 5, [80] * 5) == pytest.approx(np.sqrt(2.25))
        assert overlap_factor([10, 30], [40, 40]) == pytest.approx(np.sqrt(2.0))

    def test_one_fold_overlaps_with_nothing(self):
        assert overlap_factor([20], [80]) == 1.0
