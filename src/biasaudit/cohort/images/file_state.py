"""Tell whether a file is still what it was, without reading all of it where that is safe.

A copy that keeps size and time of change (``rsync -t``, ``cp -p``, git-annex) still gets another time of its inode,
which no program can set; and a few of the bytes are compared as well. Where neither says enough, the whole content is
hashed.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from biasaudit.errors import DataError, Fault

__all__ = ["FileState", "as_it_was", "file_sha256", "is_trusted", "state_of"]

_SECOND = 10**9
_RECENT = 2 * _SECOND  # the coarsest clock of a file system in use (FAT)
_BLOCK = 4096
_BLOCKS = 16


@dataclass(frozen=True)
class FileState:
    """What the file system said of a file when all of it was read, and a hash of some of its bytes.

    Attributes
    ----------
    size : int
        Bytes.
    mtime_ns, ctime_ns : int
        Last change of the content, and of the inode; nanoseconds since 1970.
    inode : int
    sampled : str
        SHA-256 of 16 blocks of 4 KiB, evenly spread.
    read_ns : int
        When the whole content was read, nanoseconds since 1970.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    sampled: str
    read_ns: int

    @property
    def read(self) -> datetime:
        """When the whole content was read."""
        return datetime.fromtimestamp(self.read_ns / _SECOND, UTC)


def state_of(path: str) -> FileState:
    """Note the present state of a file whose content is about to be read."""
    status, now = os.stat(path), time.time_ns()
    return FileState(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, _sampled(path), now)


def is_trusted(before: FileState, now: FileState) -> bool:
    """Whether the states of a file show that its content is the same, so that it need not be hashed again.

    They do not where the file system counts whole seconds, or where the file had been changed within two seconds before
    it was read: a change just afterwards may have left the same times.
    """
    same = all(getattr(before, name) == getattr(now, name) for name in ("size", "mtime_ns", "ctime_ns", "inode"))
    coarse = now.ctime_ns % _SECOND == 0
    recent = before.read_ns - max(before.ctime_ns, before.mtime_ns) < _RECENT
    return same and before.sampled == now.sampled and not coarse and not recent


def file_sha256(path: str | Path) -> str:
    """Hash the whole content of a file, a piece at a time."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def as_it_was(hashes: Mapping[str, str]) -> Iterator[None]:
    """Refuse files that have changed since they were looked at, or that change while the block reads them.

    Parameters
    ----------
    hashes : mapping of path to SHA-256

    Raises
    ------
    DataError
        One fault per file.
    """
    before = {path: _times(path) for path in hashes}
    _require_none([path for path, sha256 in hashes.items() if before[path] is None or file_sha256(path) != sha256])
    yield
    _require_none([path for path in hashes if _times(path) != before[path]])


def _require_none(changed: list[str]) -> None:
    if changed:
        remedy = "run the same command again, once nothing writes to it"
        raise DataError([Fault(path, "changed since this run looked at it", remedy) for path in changed])


def _times(path: str) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _sampled(path: str) -> str:
    """Hash blocks that are evenly spread over a file, its beginning and end among them."""
    found = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        last = max(0, os.fstat(stream.fileno()).st_size - _BLOCK)
        for start in sorted({last * number // (_BLOCKS - 1) for number in range(_BLOCKS)}):
            stream.seek(start)
            found.update(stream.read(_BLOCK))
    return found.hexdigest()
