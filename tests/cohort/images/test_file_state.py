"""Whether a file is still what it was: no change goes unnoticed, and what is the same is not read whole."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from biasaudit.cohort.images import file_state as module
from biasaudit.cohort.images.file_state import as_it_was, file_sha256, is_trusted, state_of
from biasaudit.errors import DataError

LONG = bytes(range(256)) * 1200


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "image.nii"
    file.write_bytes(LONG)
    return str(file)


def settled(path):
    """State of a file that was read long after its last change, on a file system that counts nanoseconds."""
    state = state_of(path)
    return replace(state, ctime_ns=state.ctime_ns | 1, mtime_ns=state.mtime_ns, read_ns=state.read_ns + 10**12)


def now(path):
    state = state_of(path)
    return replace(state, ctime_ns=state.ctime_ns | 1)


def keep_times(path, change):
    """Change a file and set its time of change back, as copies that preserve it do."""
    status = os.stat(path)
    change()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def write(path, content):
    with open(path, "r+b") as stream:
        stream.write(content)


def test_what_is_the_same_is_trusted(path):
    assert is_trusted(settled(path), now(path))


def test_a_change_in_place_that_keeps_size_and_time_is_not(path):
    before = settled(path)
    keep_times(path, lambda: write(path, LONG[::-1]))
    assert not is_trusted(before, now(path))


def test_another_file_under_the_name_with_size_and_time_of_the_first_is_not(path, tmp_path):
    before = settled(path)
    other = tmp_path / "other"
    other.write_bytes(LONG[::-1])
    keep_times(path, lambda: os.replace(other, path))
    assert not is_trusted(before, now(path))


def test_the_sample_alone_notices_most_changes(path):
    before = settled(path)
    write(path, LONG[::-1])
    state = now(path)
    same_times = {name: getattr(before, name) for name in ("mtime_ns", "ctime_ns", "inode")}
    assert not is_trusted(before, replace(state, **same_times))


def test_whole_seconds_are_not(path):
    coarse = replace(settled(path), ctime_ns=5 * 10**9, mtime_ns=5 * 10**9)
    assert not is_trusted(coarse, coarse)


def test_a_file_that_was_read_right_after_its_change_is_not(path):
    before = settled(path)
    assert not is_trusted(replace(before, read_ns=before.ctime_ns + 10**9), now(path))


def test_short_and_empty_files_have_a_state(tmp_path):
    for content in (b"", b"a", b"a" * 5000):
        (tmp_path / "short").write_bytes(content)
        assert state_of(str(tmp_path / "short")).size == len(content)


class TestAsItWas:
    def test_the_same_content_is_read(self, path):
        with as_it_was({path: file_sha256(path)}):
            assert Path(path).read_bytes() == LONG

    def test_another_content_is_refused_before_it_is_read(self, path):
        known = {path: file_sha256(path)}
        keep_times(path, lambda: write(path, LONG[::-1]))
        with pytest.raises(DataError, match="changed since this run looked at it"), as_it_was(known):
            pytest.fail("it was read")

    def test_a_change_while_it_is_read_is_refused(self, path):
        with pytest.raises(DataError, match="changed since"), as_it_was({path: file_sha256(path)}):
            write(path, b"other")

    def test_a_file_that_is_gone_is_refused(self, path):
        known = {path: file_sha256(path)}
        os.remove(path)
        with pytest.raises(DataError, match="changed since"), as_it_was(known):
            pytest.fail("it was read")

    def test_every_file_is_named(self, path, tmp_path):
        (tmp_path / "b.nii").write_bytes(b"b")
        with pytest.raises(DataError) as raised, as_it_was({path: "0", str(tmp_path / "b.nii"): "0"}):
            pytest.fail("they were read")
        assert [fault.where for fault in raised.value.faults] == [path, str(tmp_path / "b.nii")]


def test_the_sample_reads_little(path, monkeypatch):
    read = []
    real = module.hashlib.sha256

    def counting(*given):
        found = real(*given)

        class Counted:
            def update(self, block):
                read.append(len(block))
                found.update(block)

            hexdigest = staticmethod(found.hexdigest)

        return Counted()

    monkeypatch.setattr(module.hashlib, "sha256", counting)
    with open(path, "ab") as stream:
        stream.truncate(50_000_000)
    state_of(path)
    assert sum(read) <= 16 * 4096
