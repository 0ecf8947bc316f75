"""Checksums of files, and records that betray their own damage."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from biasaudit.run_folder import checksums
from biasaudit.run_folder.checksums import Checksum, checksum_of, difference, read_sealed, sealed, write_flushed

ABC = Checksum(3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"abc")
    return tmp_path / "file"


def test_the_checksum_is_sha_256(path):
    assert checksum_of(path) == ABC
    assert difference(path, ABC) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"abd", "its content is not what was written"), (b"ab", "2 bytes long, 3 were written"), (None, "missing")],
)
def test_every_difference_is_named(path, content, said):
    path.unlink() if content is None else path.write_bytes(content)
    assert str(difference(path, ABC)).startswith(said)


def test_a_folder_in_place_of_a_file_is_a_difference(path, tmp_path):
    assert (
        difference(tmp_path, Checksum(tmp_path.stat().st_size, ""))
        == "not readable (a folder, expected a regular file)"
    )


def test_a_file_that_was_just_written_is_read_again(path):
    assert checksum_of(path) == ABC
    times = path.stat()
    path.write_bytes(b"abd")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert checksum_of(path) != ABC


def test_a_settled_file_is_read_once_until_it_is_touched(path, monkeypatch):
    monkeypatch.setattr(checksums, "_SETTLED", -1.0)
    assert checksum_of(path) == ABC
    with monkeypatch.context() as patch:
        patch.setattr(checksums.hashlib, "file_digest", None)
        assert checksum_of(path) == ABC
    path.write_bytes(b"abcd")
    assert checksum_of(path) != ABC


def test_a_sealed_record_is_read_back(tmp_path):
    write_flushed(tmp_path / "record", sealed({"a": [1, 2.5, "ü"]}))
    assert read_sealed(tmp_path / "record") == {"a": [1, 2.5, "ü"]}
    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_whatever_byte_of_a_sealed_record_is_flipped_it_is_noticed(tmp_path):
    text, path = sealed({"files": {"a.npy": {"size": 12, "sha256": "ab"}}}).encode(), tmp_path / "record"
    whole = json.loads(text)
    for place in range(len(text)):
        path.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
        record = read_sealed(path)
        assert record is None or record == {"files": whole["files"]}  # a flip in white space says the same


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "3", "{", '{"seal": "x"}'])
def test_what_is_no_sealed_record_is_none(text, tmp_path):
    (tmp_path / "record").write_text(text)
    assert read_sealed(tmp_path / "record") is None


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(path, tmp_path, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checksums.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_flushed(path, "other")
    assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_in_place_of_a_file_is_a_difference_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert difference(tmp_path / "pipe", Checksum(0, "")) == "not readable (a named pipe, expected a regular file)"
    assert read_sealed(tmp_path / "pipe") is None
    with pytest.raises(OSError, match="a device"):
        checksum_of(Path("/dev/zero"))


def test_a_record_that_is_nested_too_deeply_is_damaged(tmp_path):
    (tmp_path / "record").write_text("[" * 100_000)
    assert read_sealed(tmp_path / "record") is None


def test_a_temporary_name_leads_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(checksums.secrets, "token_hex", lambda count: "0")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".new-0").symlink_to(tmp_path / "mine")
    with pytest.raises(FileExistsError):
        write_flushed(tmp_path / "record", "other")
    assert (tmp_path / "mine").read_text() == "mine"
