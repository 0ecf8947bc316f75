from __future__ import annotations

import os
import socket

import pytest

from biasaudit.regular_files import in_bytes, read_json_file, read_regular, read_start, real_path, regular_status


@pytest.fixture
def odd(tmp_path):
    """One file of every kind that is none."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        yield tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    {
        "pipe": "a named pipe, expected a regular file",
        "folder": "a folder, expected a regular file",
        "zero": "a device, expected a regular file",
        "s": "a socket, expected a regular file",
        "loop": "Too many levels of symbolic links",
        "a\0b": "its name has a NUL character",
        "x" * 5000: "File name too long",
        "none": "No such file or directory",
    }.items(),
    ids=lambda text: text[:10].replace("\0", "NUL"),
)
@pytest.mark.parametrize("read", [regular_status, read_regular, lambda path: read_start(path, 4)])
def test_only_regular_files_are_opened(odd, name, said, read):
    with pytest.raises(OSError) as caught:
        read(f"{odd}/{name}")
    assert caught.value.strerror == said


def test_no_more_than_is_allowed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2000)
    assert read_regular(path, 2000) == b"x" * 2000
    assert read_start(path, 3) == b"xxx"
    with pytest.raises(OSError, match="2 kB, expected at most 1 kB"):
        read_regular(path, 1000, "a.key")


@pytest.mark.parametrize(
    ("content", "said"),
    [("[" * 100_000, "nested too deeply"), ("{", "Expecting property name"), ("\udc80", "not UTF-8")],
)
def test_json(tmp_path, content, said):
    path = tmp_path / "a.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=said):
        read_json_file(path, 10**6)


def test_json_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.json").write_text("\ufeff[1]", "utf-8")
    assert read_json_file(tmp_path / "a.json", 100) == [1]


SIZES = {0: "0 bytes", 999: "999 bytes", 1500: "1.5 kB", 2.34e7: "23 MB", 5e9: "5 GB", 3e18: "3000000 TB"}


@pytest.mark.parametrize(("count", "shown"), SIZES.items())
def test_bytes_in_words(count, shown):
    assert in_bytes(count) == shown


def test_real_paths_of_what_is_none(odd):
    assert real_path(odd / "folder/../loop") == odd / "loop"
    assert real_path(odd / ("x" * 5000)) == odd / ("x" * 5000)
