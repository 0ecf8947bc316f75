"""Names and texts that are not ASCII, whatever the locale says."""

from __future__ import annotations

import codecs
import io
import os
import sys

from biasaudit.errors import UsageError

__all__ = ["require_names", "require_utf8"]

_SWITCH = "PYTHONUTF8"


def require_utf8() -> None:
    """See to it that names and texts are UTF-8, and that no character ends a command that cannot be shown.

    Where the locale says otherwise (``LC_ALL=C`` with Python's own remedies switched off, Latin-1) the program starts
    again in Python's UTF-8 mode, and so do the processes that it starts. A stream that takes fewer characters
    (``PYTHONIOENCODING=ascii``) shows the others by their code.
    """
    if not _is_utf8(sys.getfilesystemencoding()) and os.environ.get(_SWITCH) != "1":
        os.environ[_SWITCH] = "1"
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def require_names() -> None:
    """Refuse names on the command line, and a current folder, that are no UTF-8: no file could tell of them.

    Raises
    ------
    UsageError
        With every such name.
    """
    odd = [repr(name) for name in (*sys.argv[1:], os.getcwd()) if not _can_be_written(name)]
    if odd:
        raise UsageError(f"not UTF-8: {', '.join(odd)}; rename the file or folder, and run the command again")


def _is_utf8(name: str) -> bool:
    return codecs.lookup(name).name == "utf-8"


def _can_be_written(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
