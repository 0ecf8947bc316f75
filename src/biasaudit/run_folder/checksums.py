"""Size and SHA-256 of stored files, and records that betray their own damage."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biasaudit.regular_files import read_json_file, regular_status

__all__ = ["Checksum", "checksum_of", "difference", "read_sealed", "sealed", "write_flushed"]

_SETTLED = 2.0
"""Seconds after which a change of a file surely shows in its times, also on coarse clocks."""

_KNOWN: dict[tuple[int, ...], str] = {}
"""SHA-256 of files that this process has read, by device, inode, size and times: each is read once."""


@dataclass(frozen=True)
class Checksum:
    """Size in bytes and SHA-256 of a file's content."""

    size: int
    sha256: str


def checksum_of(path: Path) -> Checksum:
    """Read a file and hash it, unless this process has done so and the file has not been touched since.

    Raises
    ------
    OSError
        There is no such file, it is no regular one, or it cannot be read.
    """
    regular_status(path)
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        identity = (before.st_dev, before.st_ino, before.st_size, before.st_mtime_ns, before.st_ctime_ns)
        known = _KNOWN.get(identity)
        if known is None:
            known = hashlib.file_digest(stream, "sha256").hexdigest()
            if time.time() - max(before.st_mtime, before.st_ctime) > _SETTLED:
                _KNOWN[identity] = known
    return Checksum(before.st_size, known)


def difference(path: Path, recorded: Checksum) -> str | None:
    """Say how a file differs from what was recorded of it; None if it does not."""
    try:
        size = regular_status(path).st_size
        if size != recorded.size:
            return f"{size} bytes long, {recorded.size} were written"
        return None if checksum_of(path) == recorded else "its content is not what was written (SHA-256 differs)"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"not readable ({error.strerror})"


def sealed(content: Mapping[str, Any]) -> str:
    """Write a record as JSON that holds a digest of itself."""
    return json.dumps({**content, "seal": _seal(content)}, indent=1, sort_keys=True) + "\n"


def read_sealed(path: Path) -> dict[str, Any] | None:
    """Read what `sealed` wrote; None if it is not there or is damaged."""
    try:
        content = read_json_file(path)
        seal = content.pop("seal")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return content if seal == _seal(content) else None


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_flushed(path: Path, text: str) -> None:
    """Write a file by way of a temporary name; it is on the disk, whole, before it has its name."""
    temporary = path.with_name(f".new-{secrets.token_hex(6)}")
    try:
        with temporary.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
