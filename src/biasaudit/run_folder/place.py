"""Where output may go: a new or empty folder, or one that this program has marked as its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from biasaudit.errors import UsageError

__all__ = ["MARK", "Kind", "is_marked", "mark", "require_empty", "require_new_file", "require_ours", "shown"]

MARK = ".biasaudit"
"""A folder inside every output folder; what is in it is this program's alone."""

Kind = Literal["run", "calibration", "explanations"]

_HOLDS = {"run": "no run of biasaudit", "calibration": "no calibration of biasaudit", "explanations": "no explanations"}
_LONGEST = 200


def require_ours(out: Path, kind: Kind) -> None:
    """Refuse an output folder that cannot be made or that holds anything of somebody else; nothing is written.

    Parameters
    ----------
    out : Path
    kind : {"run", "calibration", "explanations"}
        What is to be written there.

    Raises
    ------
    UsageError
    """
    with _faults_of(out, "give another folder"):
        _require_folder(out)
        if out.is_dir() and any(out.iterdir()) and not _is_of(out, kind):
            raise UsageError(f"{shown(out)} is not empty and holds {_HOLDS[kind]}; give a new folder")


def require_empty(out: Path) -> None:
    """Refuse a folder that cannot be made or that holds anything; nothing is written.

    Raises
    ------
    UsageError
    """
    with _faults_of(out, "give another folder"):
        _require_folder(out)
        if out.is_dir() and any(out.iterdir()):
            raise UsageError(f"{shown(out)} is not empty; give a new folder")


def require_new_file(out: Path, *, force: bool) -> None:
    """Refuse an output file that cannot be made, or that is there and must not be overwritten.

    Parameters
    ----------
    out : Path
    force : bool
        Overwrite it.

    Raises
    ------
    UsageError
    """
    with _faults_of(out, "name another file with -o"):
        if out.is_dir():
            raise UsageError(f"{shown(out)} is a folder; name a file with -o")
        if out.exists() and not force:
            raise UsageError(f"{shown(out)} exists; add --force to overwrite it, or name another file with -o")
        _require_writable(out.parent)


def is_marked(folder: Path) -> bool:
    """Whether this program has written the folder; a link in place of its mark leads elsewhere."""
    return (folder / MARK).is_dir() and not (folder / MARK).is_symlink()


def mark(folder: Path, kind: Kind) -> Path:
    """Make a folder, mark it, and return the folder inside it that is this program's alone.

    Raises
    ------
    UsageError
        A link is in its place.
    """
    inside = folder / MARK
    if inside.is_symlink():
        raise UsageError(f"{shown(inside)} is a link, which biasaudit makes none of; give another folder")
    inside.mkdir(parents=True, exist_ok=True)
    if not (inside / kind).exists():
        (inside / kind).touch()
    return inside


def shown(path: Path) -> str:
    """Write a path on one line of bearable length."""
    text = str(path)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} letters)"


def _is_of(folder: Path, kind: Kind) -> bool:
    """Whether the mark is of a kind; one that has lost its kind may be of any."""
    kinds = [name for name in _HOLDS if (folder / MARK / name).exists()]
    return is_marked(folder) and (kind in kinds or not kinds)


def _require_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{shown(out)} is a file; give a folder")
    _require_writable(out)


def _require_writable(folder: Path) -> None:
    """Make and remove a folder in the one that is asked for, or in its nearest parent that exists."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    with tempfile.TemporaryDirectory(dir=nearest, prefix=".biasaudit-"):
        pass


@contextmanager
def _faults_of(out: Path, remedy: str) -> Iterator[None]:
    """Say in one line what the system has against a path."""
    try:
        with suppress(FileNotFoundError):
            os.lstat(out)
        yield
    except OSError as error:
        raise UsageError(f"{shown(out)} cannot be written ({error.strerror}); {remedy}") from None
    except ValueError as error:
        raise UsageError(f"{shown(out)} cannot be written ({error}); {remedy}") from None
