"""Refuse to start workers from a script that would start them again: each worker reads the script anew."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from biasaudit.errors import UsageError

__all__ = ["require_main_guard"]


def require_main_guard(what: str) -> None:
    """See to it that the script that is being run calls from below ``if __name__ == "__main__":``.

    Parameters
    ----------
    what : str
        What was called, for the message.

    Raises
    ------
    UsageError
        The call stands in a script that worker processes would run again, up to this same call.
    """
    script = getattr(sys.modules["__main__"], "__file__", None)
    if script is None:  # a notebook, a prompt, `python -c`: there is no file that workers could read
        return
    line = next((frame.f_lineno for frame in _callers() if _is_body_of(frame, script)), None)
    if line is None or _is_guarded(Path(script), line):
        return
    raise UsageError(
        f"{script}:{line}: {what} starts worker processes, each of which reads this script again; call it below "
        'if __name__ == "__main__": or with workers=1'
    )


def _callers() -> Iterator[FrameType]:
    frame = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back  # type: ignore[assignment]


def _is_body_of(frame: FrameType, script: str) -> bool:
    """Whether a frame is the script itself, outside of its functions."""
    own = frame.f_globals
    return frame.f_code.co_name == "<module>" and own.get("__name__") == "__main__" and own.get("__file__") == script


def _is_guarded(script: Path, line: int) -> bool:
    """Whether a line of a script lies inside an ``if`` that asks for ``__name__``; what cannot be read counts as if."""
    try:
        body = ast.parse(script.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return True
    around = [statement for statement in body if statement.lineno <= line <= (statement.end_lineno or 0)]
    return all(isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test) for statement in around)
