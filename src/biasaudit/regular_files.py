"""Open what the user names: regular files only, and not more of them than is allowed."""

from __future__ import annotations

import codecs
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

__all__ = [
    "decoded",
    "in_bytes",
    "is_of_windows",
    "place_of_fault",
    "read_json_file",
    "read_regular",
    "read_start",
    "real_path",
    "regular_status",
]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def regular_status(path: str | Path) -> os.stat_result:
    """Return the status of a file that may be opened without waiting for anybody.

    Raises
    ------
    OSError
        There is no such file, or it is no regular one (a folder, a pipe, a socket, a device).
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name has a NUL character")
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "something else")
        number = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
        raise OSError(number, f"{kind}, expected a regular file")
    return status


def read_regular(path: str | Path, most: int | None = None, setting: str = "") -> bytes:
    """Read a whole regular file.

    Parameters
    ----------
    path : str or Path
    most : int, optional
        Largest size in bytes.
    setting : str
        Key of the protocol that says so, for the message.

    Raises
    ------
    OSError
        As `regular_status`; or the file is larger.
    """
    size = regular_status(path).st_size
    if most is not None and size > most:
        allowed = f"{in_bytes(most)} ({setting})" if setting else in_bytes(most)
        raise OSError(errno.EFBIG, f"{in_bytes(size)}, expected at most {allowed}")
    # A file may be exchanged for a pipe between look and opening; without this flag that would wait for ever.
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        return file.read(size)


def decoded(content: bytes) -> str:
    """Decode text by its byte order mark, else as UTF-8.

    Raises
    ------
    UnicodeDecodeError
    """
    return content.decode(next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8"))


def is_of_windows(path: str) -> bool:
    """Whether a path has backslashes where they part no folders."""
    return "\\" in path and os.sep != "\\"


def place_of_fault(error: UnicodeDecodeError) -> tuple[int, str]:
    """Line of the first byte that is no text, from 1, and what is wrong with it."""
    line = error.object[: error.start].count(b"\n") + 1
    return line, f"not UTF-8 text (byte 0x{error.object[error.start : error.start + 1].hex()})"


def real_path(path: str | Path) -> Path:
    """Make a path absolute and follow its links; links in a circle and names that are too long stay as they are."""
    return Path(os.path.realpath(path))


def read_start(path: str | Path, count: int) -> bytes:
    """Read the first `count` bytes of a regular file, or all of a shorter one.

    Raises
    ------
    OSError
        As `regular_status`.
    """
    regular_status(path)
    with open(path, "rb") as file:
        return file.read(count)


def read_json_file(path: str | Path, most: int | None = None) -> Any:
    """Read JSON from a regular file of at most `most` bytes.

    Raises
    ------
    OSError
        As `read_regular`.
    ValueError
        JSONDecodeError: it is no JSON, nested too deeply, or no UTF-8.
    """
    try:
        return json.loads(decoded(read_regular(path, most)))
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("not UTF-8 text", "", error.start) from None


def in_bytes(count: float) -> str:
    """Write a number of bytes for people, in the unit that fits it: ``1.2 GB``, ``12 MB``."""
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.0f} {_UNITS[unit]}" if count >= 10 or unit == 0 else f"{count:.2g} {_UNITS[unit]}"
