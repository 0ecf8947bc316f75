"""Permutations inside strata, and p-values that are never 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.stats import permutation


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=25), st.integers(0, 1000))
def test_permutations_stay_inside_strata(strata, seed):
    strata = np.array(strata)
    indices = permutation.permutation_indices(strata, 7, np.random.default_rng(seed))
    assert indices.shape == (7, strata.size)
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(strata.size), (7, 1)))
    np.testing.assert_array_equal(strata[indices], np.tile(strata, (7, 1)))


@pytest.fixture
def generator():
    return np.random.default_rng(3)


def test_all_permutations_are_equally_likely(generator):
    indices = permutation.permutation_indices([0, 0, 0], 60_000, generator)
    _, counts = np.unique(indices, axis=0, return_counts=True)
    assert counts.size == 6
    np.testing.assert_allclose(counts / 10_000, 1, atol=0.05)


def test_blocks_add_up(generator, monkeypatch):
    monkeypatch.setattr(permutation, "CELLS_PER_BLOCK", 50)
    blocks = list(permutation.permutation_blocks(np.zeros(10), 23, generator))
    assert [block.shape[0] for block in blocks] == [5, 5, 5, 5, 3]
    with pytest.raises(ValueError, match="n_permutations must be 1 or more, got 0"):
        list(permutation.permutation_blocks(np.zeros(10), 0, generator))


def test_p_value_counts_the_observed_and_ties():
    assert permutation.p_value(5.0, np.arange(4)) == pytest.approx(1 / 5)
    assert permutation.p_value(2.0, [2.0 - 1e-13, 1.0, 3.0]) == pytest.approx(3 / 4)
    assert permutation.p_value(2.0, [np.nan, 0.0]) == pytest.approx(2 / 3)
    assert np.isnan(permutation.p_value(np.nan, [1.0]))


@given(st.floats(-1e6, 1e6), st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_p_value_is_never_zero(observed, null):
    assert 1 / (1 + len(null)) <= permutation.p_value(observed, null) <= 1


def test_the_smallest_p_value_of_a_small_design():
    assert permutation.smallest_p([0] * 6, [0, 0, 0, 1, 1, 1], 999) == pytest.approx(1 / 20)
    assert permutation.smallest_p([0] * 6 + [1] * 6, [0, 0, 0, 1, 1, 1] * 2, 999) == pytest.approx(1 / 400)
    assert permutation.smallest_p([0] * 6 + [1] * 6, [0, 0, 0, 1, 1, 1] * 2, 99) == pytest.approx(1 / 100)
    assert permutation.smallest_p([0, 1], [0, 1], 99) == 1.0  # nothing can be exchanged
