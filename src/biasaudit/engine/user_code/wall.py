"""Keep code of the user's away from this process: it may end, crash or change whatever process it runs in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

from biasaudit.engine.jobs.child import ChildEnded, in_child
from biasaudit.errors import Fault, ProtocolError
from biasaudit.protocol.code import is_file

__all__ = ["files_named", "walled"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def walled(
    code: Iterable[tuple[str, str]],
    function: Callable[Arguments, Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Call a function of ours; in a process of its own if it will run code of the user's.

    Parameters
    ----------
    code : iterable of (key, import string)
        What it will run.
    function : callable
        Of a module, since it is sent by name; so must arguments and result be such as can be sent.

    Raises
    ------
    ProtocolError
        The code ended the process.
    """
    named = tuple(code)
    if not named:
        return function(*args, **kwargs)
    try:
        return in_child(function, *args, **kwargs)
    except ChildEnded as error:
        message = f"{named[0][0]}: {files_named(named)} ended the process that it ran in ({error})"
        raise ProtocolError([Fault("protocol", message, "return a result, or raise an error that says why")]) from None


def files_named(code: Iterable[tuple[str, str]]) -> str:
    """Name the files and packages that functions lie in, each once: ``own.py, torchvision``."""
    names = [Path(name.rpartition(":")[0]).name if is_file(name) else name.split(":")[0] for _, name in code]
    return ", ".join(dict.fromkeys(names))
