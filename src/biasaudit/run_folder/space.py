"""Space on a disk: whether an error is for want of it, and how to say so in one line."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from biasaudit.errors import IncompleteError, UsageError
from biasaudit.regular_files import in_bytes

__all__ = ["NO_ROOM", "NoRoomError", "free_bytes", "lack_of_space", "no_room", "require_room", "writing_documents"]

NO_ROOM = "no room"
"""How the line begins that says so."""

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "a file would be larger than files may be (ulimit -f)",
}
_SAID = {
    errno.ENOSPC: re.compile(r"No space left on device|os error 28\b"),
    errno.EDQUOT: re.compile(r"quota exceeded|os error 122\b"),
    errno.EFBIG: re.compile(r"File too large|os error 27\b|\d+ requested and \d+ written|failed writing file"),
}
"""How libraries say it that pass no error number on; NumPy and torch do not say which of the three it was."""

_SURELY = 3
"""An estimate is taken to be too large by this factor at most."""


class NoRoomError(Exception):
    """Something could not be written; says which limit that is owed to."""


def lack_of_space(error: BaseException) -> str | None:
    """Say which limit an error is owed to: a full disk, a quota or the largest size of a file; None if to none."""
    for cause in _causes(error):
        if isinstance(cause, NoRoomError):
            return str(cause)
        number = getattr(cause, "errno", None)
        if number in _WORDS:
            return _WORDS[number]
        if not isinstance(cause, OSError) or number is None:
            said = (words for kind, words in _WORDS.items() if _SAID[kind].search(str(cause)))
            found = next(said, None)
            if found is not None:
                return found
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def no_room(what: str, folder: Path, needed: float | None = None) -> str:
    """Say in one line what is needed in a folder, and what is free there.

    Parameters
    ----------
    what : str
        What `lack_of_space` found.
    folder : Path
    needed : float, optional
        Bytes, roughly.
    """
    more = "" if needed is None else f"about {in_bytes(needed)} more are needed, "
    return f"{NO_ROOM} in {folder}: {what}; {more}{in_bytes(free_bytes(folder))} are free"


@contextmanager
def writing_documents(run: Path, what: str, needed: float, command: str) -> Iterator[None]:
    """Say in one line why documents of a run could not be written in this block.

    Parameters
    ----------
    run : Path
    what : str
        What is written, such as ``report``.
    needed : float
        Bytes.
    command : str
        What to run again once there is room.

    Raises
    ------
    IncompleteError
        There is no room.
    UsageError
        Anything else that the file system refuses.
    """
    try:
        yield
    except OSError as error:
        lack = lack_of_space(error)
        if lack:
            raise IncompleteError(f"{no_room(lack, run, needed)}; make room and run `{command}` again") from None
        raise UsageError(
            f"{run}: the {what} cannot be written ({error.strerror}); check permissions and space"
        ) from None


def require_room(folder: Path, needed: float) -> None:
    """Refuse to begin what clearly does not fit.

    Parameters
    ----------
    folder : Path
        It may not be there yet.
    needed : float
        Bytes, roughly.

    Raises
    ------
    UsageError
    """
    free = free_bytes(folder)
    if free < needed / _SURELY:
        raise UsageError(
            f"{folder}: about {in_bytes(needed)} are needed, {in_bytes(free)} are free there; "
            "make room, or give a folder on another disk"
        )


def free_bytes(folder: Path) -> int:
    """Bytes that are free on the disk of a folder, or of its nearest parent that exists."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(place).free
