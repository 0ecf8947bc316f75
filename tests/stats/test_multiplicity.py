import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.stats.multiplicity import can_reject, holm, minimum_p


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.5]), [0.04, 0.09, 0.09, 0.5])


def test_holm_lets_nan_pass_without_counting():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    assert holm([]).size == 0
    assert np.isnan(holm([np.nan])).all()


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_adjusts_upwards_and_keeps_the_order(p_values):
    values, adjusted = np.array(p_values), holm(p_values)
    assert (adjusted >= values).all()
    assert (adjusted <= np.minimum(1, values * len(p_values) + 1e-15)).all()
    assert (np.diff(adjusted[np.argsort(values, kind="stable")]) >= 0).all()


def test_holm_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.2, 1.2])


def test_one_statistic_keeps_its_p_value():
    null = np.arange(19.0)[:, None]
    combined, each = minimum_p([15.5], null)
    assert combined == each[0] == pytest.approx(4 / 20)


def test_minimum_p_is_never_zero_and_pays_for_the_choice():
    null = np.random.default_rng(0).standard_normal((199, 5))
    combined, each = minimum_p([9.0, 0, 0, 0, 0], null)
    assert each[0] == pytest.approx(1 / 200)
    assert 1 / 200 <= combined <= 5 / 200


def test_repeated_statistics_cost_nothing():
    null = np.random.default_rng(0).standard_normal((199, 1))
    assert minimum_p([1.5], null)[0] == minimum_p([1.5] * 3, np.repeat(null, 3, axis=1))[0]


def test_statistics_that_could_not_be_made_are_left_out():
    null = np.random.default_rng(0).standard_normal((99, 2))
    combined, each = minimum_p([1.5, np.nan], null)
    assert combined == minimum_p([1.5], null[:, :1])[0]
    assert np.isnan(each[1])
    assert np.isnan(minimum_p([np.nan, np.nan], null)[0])


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"\(t,\) and \(m, t\)"):
        minimum_p([1.0, 2.0], np.zeros((9, 3)))


def test_weights_favour_a_statistic_and_leave_single_p_values():
    null = np.random.default_rng(4).standard_normal((199, 2))
    observed = [np.sort(null[:, 0])[-8], 0.0]
    plain, each = minimum_p(observed, null)
    weighted, same = minimum_p(observed, null, [3, 1])
    assert weighted < plain
    np.testing.assert_array_equal(each, same)
    with pytest.raises(ValueError, match="positive"):
        minimum_p(observed, null, [1, 0])


def test_whether_anything_can_be_rejected():
    assert can_reject([0.01] * 5, 0.05)
    assert not can_reject([0.01] * 6, 0.05)
    assert can_reject([0.5] * 6 + [0.001], 0.05)
    assert not can_reject([], 0.05)
