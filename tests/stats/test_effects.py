import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.stats import effects


def test_auc_by_hand():
    assert effects.auc([0, 1, 2, 3], [False, False, True, True]) == 1.0
    assert effects.auc([0, 1, 1, 3], [False, True, False, True]) == pytest.approx(0.875)
    assert effects.auc([1, 1, 1], [True, False, False]) == 0.5
    assert effects.auc([-np.inf, np.inf], [False, True]) == 1.0


@given(st.lists(st.integers(-5, 5), min_size=4, max_size=20), st.integers(0, 2**20))
def test_auc_mirrors_and_ignores_monotone_transformations(scores, seed):
    positive = np.random.default_rng(seed).permutation(len(scores)) < len(scores) // 2
    values = np.array(scores, dtype=float)
    area = effects.auc(values, positive)
    assert effects.auc(-values, positive) == pytest.approx(1 - area)
    assert effects.auc(np.exp(values), positive) == pytest.approx(area)


@pytest.mark.parametrize("positive", [[True, True], [False, False]])
def test_one_group_gives_nan(positive):
    assert np.isnan(effects.auc([0.0, 1.0], positive))
    assert np.isnan(effects.balanced_accuracy([True, False], positive))


def test_auc_refuses_nan_and_other_lengths():
    with pytest.raises(ValueError, match="NaN"):
        effects.auc([0.0, np.nan], [True, False])
    with pytest.raises(ValueError, match="same subjects"):
        effects.auc([0.0, 1.0], [True, False, True])
    with pytest.raises(ValueError, match="no NaN"):
        effects.auc_many([[np.nan, 1.0]], [True, False])


def test_balanced_accuracy_weighs_the_groups_equally():
    assert effects.balanced_accuracy([True, True, True, False], [True, True, True, False]) == 1.0
    assert effects.balanced_accuracy([True] * 4, [True, True, True, False]) == 0.5


@pytest.mark.parametrize("table", [[[30, 0], [0, 12]], [[5, 0, 0], [0, 5, 0], [0, 0, 9]], [[1, 0], [0, 1]]])
def test_cramers_v_of_aliased_designs_is_one(table):
    assert effects.cramers_v(table) == 1.0


def test_cramers_v_at_the_edges():
    assert effects.cramers_v([[4, 5], [0, 0]]) == 0.0
    assert effects.cramers_v([[4, 0], [5, 0]]) == 0.0
    assert effects.cramers_v(np.zeros((2, 2))) == 0.0
    assert effects.cramers_v([[10, 10], [10, 10]]) == 0.0
    assert 0.9 < effects.cramers_v([[40, 30, 0], [0, 0, 50]]) <= 1.0
    assert effects.cramers_v([[40, 0, 30], [0, 0, 50]]) == effects.cramers_v([[40, 30], [0, 50]])


@pytest.mark.parametrize("table", [[1, 2], [[1, -1], [2, 2]], [[np.nan, 1], [2, 2]]])
def test_cramers_v_refuses_what_is_no_table(table):
    with pytest.raises(ValueError, match="counts"):
        effects.cramers_v(table)


def test_gap_share_is_not_clipped():
    assert effects.gap_share([3, 5], [1, 3], [0, 0], [1, 1]) == pytest.approx(0.25)
    assert effects.gap_share([2], [-1], [0], [0]) == pytest.approx(-0.5)
    assert effects.gap_share([2], [5], [0], [0]) == pytest.approx(2.5)


def test_gap_share_without_gap_or_subjects_is_nan():
    assert np.isnan(effects.gap_share([1], [1], [1], [0]))
    assert np.isnan(effects.gap_share([], [], [1], [0]))
