import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.stats.effects import auc
from biasaudit.stats.retraining import bootstrap_stratified_auc, overlap_factor, stratified_auc, widened


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
    draws = bootstrap_stratified_auc(np.zeros((3, 2)), positive, positive, 5, np.random.default_rng(0))
    assert draws.shape == (5, 2)
    assert np.isnan(draws).all()


def test_names_of_strata_are_as_good_as_codes(cohort):
    scores, positive, strata = cohort
    names = np.array(["x", "y", "z"])[strata]
    assert stratified_auc(scores, positive, names) == stratified_auc(scores, positive, strata)


class TestBootstrap:
    def test_columns_are_paired(self, cohort):
        scores, positive, strata = cohort
        columns = np.hstack([scores, 3 * scores + 1, -scores])
        draws = bootstrap_stratified_auc(columns, positive, strata, 50, np.random.default_rng(1))
        np.testing.assert_array_equal(draws[:, 0], draws[:, 1])
        np.testing.assert_allclose(draws[:, 0], 1 - draws[:, 2])

    def test_a_seed_is_a_result_and_the_input_stays(self, cohort):
        scores, positive, strata = cohort
        before = scores.copy()
        first, again, other = (
            bootstrap_stratified_auc(scores, positive, strata, 20, np.random.default_rng(seed)) for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()
        np.testing.assert_array_equal(scores, before)

    def test_centre_and_spread(self, cohort):
        scores, positive, strata = cohort
        draws = bootstrap_stratified_auc(scores, positive, strata, 2000, np.random.default_rng(3))[:, 0]
        assert draws.mean() == pytest.approx(stratified_auc(scores, positive, strata)[0], abs=0.01)
        # Hanley and McNeil (1982): about .06 at an area of .76 of 30 + 30.
        assert 0.04 < draws.std() < 0.08
        assert draws.min() >= 0
        assert draws.max() <= 1


class TestOverlap:
    def test_nadeau_and_bengio(self):
        # Five folds that train on four fifths each: 1 + 5 x 1/4.
        assert overlap_factor([20] * 5, [80] * 5) == pytest.approx(np.sqrt(2.25))
        assert overlap_factor([10, 30], [40, 40]) == pytest.approx(np.sqrt(2.0))

    def test_one_fold_overlaps_with_nothing(self):
        assert overlap_factor([20], [80]) == 1.0

    def test_widening_is_about_the_estimate(self):
        draws = np.array([0.1, 0.3, 0.6])
        np.testing.assert_allclose(widened(0.2, draws, 2.0), [0.0, 0.4, 1.0])
        np.testing.assert_array_equal(widened(0.2, draws, 1.0), draws)
        assert draws[0] == 0.1
