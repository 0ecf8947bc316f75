import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from biasaudit.stats import strata
from biasaudit.stats.ranks import midranks


@given(arrays(np.float64, (3, 9), elements=st.integers(-3, 3)))
def test_midranks_are_scipys(values):
    np.testing.assert_array_equal(midranks(values), rankdata(values, axis=1))


def test_midranks_of_nothing():
    assert midranks(np.empty((2, 0))).shape == (2, 0)


@pytest.mark.parametrize(
    "values",
    [["b", "a", "b"], [2, 1, 2], [True, False, True], [2.5, 1.0, 2.5], np.array(["b", None, "b"], object)],
)
def test_codes_follow_the_distinct_values(values):
    codes = strata.integer_codes(values)
    assert codes[0] == codes[2] != codes[1]
    assert set(codes) == {0, 1}


def test_codes_refuse_tables():
    with pytest.raises(ValueError, match=r"shape \(n,\), got \(2, 1\)"):
        strata.integer_codes([["a"], ["b"]])


def test_joint_codes_number_combinations():
    codes = strata.joint_codes(["a", "a", "b", "b", "a"], [0, 1, 0, 1, 0])
    assert codes[0] == codes[4]
    assert len(set(codes)) == 4


def test_members_partition_the_subjects():
    codes = np.array([2, 0, 2, 5, 0])
    groups = [group.tolist() for group in strata.members_of(codes)]
    assert groups == [[1, 4], [0, 2], [3]]
    assert list(strata.members_of(np.empty(0, dtype=np.intp))) == []


def test_centring_leaves_the_input_alone():
    values = np.array([1.0, 3.0, 5.0])
    np.testing.assert_allclose(strata.centre_within(values, np.array([0, 0, 1])), [-1, 1, 0])
    assert values[0] == 1.0


def test_faults_name_what_they_saw():
    with pytest.raises(ValueError, match="scores hold 2 NaN of 3 values, the first at position 1"):
        strata.vector_without_nan([0.0, np.nan, np.nan], "scores")
    with pytest.raises(ValueError, match=r"must have shape \(n,\)"):
        strata.vector_without_nan([[0.0]], "scores")
    with pytest.raises(ValueError, match="a: 1, b: 2"):
        strata.require_same_length(a=np.zeros(1), b=np.zeros(2))


def test_strata_are_split_as_far_as_the_parts_are_large_enough():
    levels = np.array(list("mmmmffff") + list("mmmmmmmf"))
    codes, merged = strata.split_strata(np.repeat([0, 1], 8), levels, 4)
    assert codes.tolist() == [1] * 4 + [0] * 4 + [2] * 8
    assert merged == 1
    assert strata.split_strata(np.zeros(4), list("abcd"), 2)[0].tolist() == [0] * 4
