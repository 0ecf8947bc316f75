from __future__ import annotations

import pickle
import zipfile
from multiprocessing import get_context

import numpy as np
import pytest
from stacks import whole_stack

from biasaudit.engine.jobs.stack import Stack, rounded, save_stack, writing_stack


@pytest.fixture
def whole() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(10, 2, 3)).astype(np.float16)


@pytest.fixture
def files(whole, tmp_path) -> list:
    files = [tmp_path / f"{number}.npz" for number in range(3)]
    for file, part in zip(files, np.split(whole, [4, 5]), strict=True):
        save_stack(file, part)
    return files


@pytest.fixture
def stack(files) -> Stack:
    return Stack(files)


def test_looks_like_one_array(stack, whole):
    assert len(stack) == 10
    assert stack.shape == whole.shape
    for row in range(10):
        assert stack[row].dtype == np.float16
        np.testing.assert_array_equal(stack[row], whole[row])


def test_take_copies_in_the_order_asked(stack, whole):
    taken = stack.take([9, 0, 4, 4])
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, whole[[9, 0, 4, 4]].astype(np.float32))
    taken[:] = 0
    np.testing.assert_array_equal(stack[9], whole[9])


def test_take_accepts_numpy_rows(stack, whole):
    np.testing.assert_array_equal(stack.take(np.array([3, 7])), whole[[3, 7]].astype(np.float32))


def test_stored_keeps_the_type(stack, whole):
    assert stack.stored([]).shape == (0, 2, 3)
    assert stack.stored([2]).dtype == np.float16
    np.testing.assert_array_equal(stack.stored([8, 2]), whole[[8, 2]])


@pytest.mark.parametrize("row", [-1, 10])
def test_rows_outside_are_refused(stack, row):
    with pytest.raises(IndexError):
        stack[row]


def test_iteration_ends(stack):
    assert len(list(stack)) == 10


def test_no_blocks():
    assert len(Stack([])) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.bool_])
def test_every_value_comes_back(tmp_path, dtype):
    values = np.random.default_rng(1).normal(size=(3, 1, 5, 4)).astype(dtype)
    save_stack(tmp_path / "a.npz", values)
    found = whole_stack(tmp_path / "a.npz")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values)


def test_a_block_of_nobody_keeps_its_shape(tmp_path):
    save_stack(tmp_path / "a.npz", np.zeros((0, 4, 5), np.float32))
    assert Stack([tmp_path / "a.npz"]).shape == (0, 4, 5)


def test_subjects_are_cast_and_broadcast_and_nothing_else_fits(tmp_path):
    with writing_stack(tmp_path / "a.npz", (2, 3), np.float16) as append:
        append(np.arange(3.0))
    np.testing.assert_array_equal(whole_stack(tmp_path / "a.npz")[0], [[0, 1, 2], [0, 1, 2]])
    with pytest.raises(ValueError, match="broadcast"), writing_stack(tmp_path / "b.npz", (2,), np.float16) as append:
        append(np.zeros(3))


def test_numpy_reads_a_block_by_itself(files, whole):
    with np.load(files[0]) as archive:
        np.testing.assert_array_equal(archive["2"], whole[2])


def test_the_same_subjects_give_the_same_bytes(files, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 2e9)
    save_stack(tmp_path / "again.npz", whole[:4])
    assert (tmp_path / "again.npz").read_bytes() == files[0].read_bytes()


def test_zeros_take_no_space(tmp_path):
    save_stack(tmp_path / "a.npz", np.zeros((4, 64, 64), np.float32))
    assert (tmp_path / "a.npz").stat().st_size < 2000


def test_damage_is_noticed(files, whole):
    content = bytearray(files[0].read_bytes())
    with zipfile.ZipFile(files[0]) as archive:
        place = archive.getinfo("1.npy").header_offset + 60
    content[place] ^= 0xFF
    files[0].write_bytes(content)
    damaged = Stack(files)
    np.testing.assert_array_equal(damaged[0], whole[0])
    with pytest.raises(Exception, match=r"Bad CRC|Error -3|invalid"):
        damaged[1]


def test_what_fits_stays_in_memory(files, whole):
    stack = Stack(files, memory=3 * whole[0].nbytes)
    first = [stack[row] for row in (9, 2, 5, 0)]
    for file in files:
        file.unlink()
    for row, values in zip((9, 2, 5), first, strict=False):
        np.testing.assert_array_equal(stack[row], values)
    with pytest.raises(FileNotFoundError):
        stack[0]


def test_other_processes_read_at_the_same_time(stack, whole):
    copy = pickle.loads(pickle.dumps(stack))
    np.testing.assert_array_equal(copy[7], whole[7])
    with get_context("fork").Pool(2) as pool:
        found = pool.map(stack.__getitem__, [*range(10)] * 20)
    np.testing.assert_array_equal(found, np.tile(whole, (20, 1, 1)))


def test_rounding_leaves_the_precision_of_float16_at_every_size():
    chance = np.random.default_rng(2)
    values = (chance.normal(size=10_000) * 10.0 ** chance.integers(-20, 20, 10_000)).astype(np.float32)
    found = rounded(values)
    assert found.dtype == np.float32
    assert np.abs(found / values - 1).max() <= 2**-11
    assert (found.view(np.uint32) & (2**13 - 1) == 0).all()
    ordinary = values[(np.abs(values) > 1e-4) & (np.abs(values) < 6e4)]
    np.testing.assert_array_equal(rounded(ordinary), ordinary.astype(np.float16).astype(np.float32))
    assert rounded(np.zeros(1, np.float32)) == 0
    assert np.isnan(rounded(np.array([np.nan], np.float32)))
