from __future__ import annotations

import numpy as np
import pytest

from biasaudit.engine.jobs.stack import Stack


@pytest.fixture
def whole() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(10, 2, 3)).astype(np.float16)


@pytest.fixture
def stack(whole, tmp_path) -> Stack:
    files = []
    for number, part in enumerate(np.split(whole, [4, 5])):
        files.append(tmp_path / f"{number}.npy")
        np.save(files[-1], part)
    return Stack(files)


def test_looks_like_one_array(stack, whole):
    assert len(stack) == 10
    assert stack.shape == whole.shape
    for row in range(10):
        np.testing.assert_array_equal(stack[row], whole[row])


def test_take_copies_in_the_order_asked(stack, whole):
    taken = stack.take([9, 0, 4, 4])
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, whole[[9, 0, 4, 4]].astype(np.float32))
    taken[:] = 0
    np.testing.assert_array_equal(stack[9], whole[9])


def test_take_accepts_numpy_rows(stack, whole):
    np.testing.assert_array_equal(stack.take(np.array([3, 7])), whole[[3, 7]].astype(np.float32))


@pytest.mark.parametrize("row", [-1, 10])
def test_rows_outside_are_refused(stack, row):
    with pytest.raises(IndexError):
        stack[row]


def test_iteration_ends(stack):
    assert len(list(stack)) == 10


def test_blocks_stay_on_disk(stack):
    assert all(isinstance(block, np.memmap) for block in stack._blocks)


def test_no_blocks():
    assert len(Stack([])) == 0
