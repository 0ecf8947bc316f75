"""A process of its own for code that may end the process it runs in: what is called there, and how it ended.

Functions are sent by name and arguments by pickle over a pipe that nobody else has; a fresh interpreter is started, so
that neither threads nor a script's own start are copied. Where processes inherit no pipes (Windows) the function runs
in this one.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

__all__ = ["Child", "ChildEnded", "in_child", "serve"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_BOOT = "import sys; sys.path[:] = {path!r}; from biasaudit.engine.jobs.child import serve; serve({pipe})"
_GLANCE = 0.2
_STDERR = 2


class ChildEnded(Exception):
    """The process ended before it answered; the message says how."""


class Child:
    """A process that calls functions, one at a time, for as long as the block lasts."""

    def __init__(self) -> None:
        ours, theirs = Pipe()
        boot = _BOOT.format(path=sys.path, pipe=theirs.fileno())
        command = [sys.executable, *subprocess._args_from_interpreter_flags(), "-c", boot]  # type: ignore[attr-defined]
        # What the user's code prints must not mix with what was asked for.
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=_STDERR, stderr=_STDERR
        )
        theirs.close()
        self._pipe: Connection = ours

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def call(self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Call a function of a module there, and return what it returns or raise what it raises.

        Raises
        ------
        ChildEnded
            The process ended first.
        """
        try:
            self._pipe.send((function, args, kwargs))
            while not self._pipe.poll(_GLANCE):
                if self._process.poll() is not None and not self._pipe.poll():
                    raise EOFError
            returned, result = self._pipe.recv()
        except (EOFError, OSError):
            raise ChildEnded(_how_it_ended(self._process.wait())) from None
        if returned:
            return result  # type: ignore[no-any-return]
        raise result


def in_child(function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call one function of a module in a process of its own.

    Raises
    ------
    ChildEnded
        The process ended before it answered.
    """
    if os.name != "posix":
        return function(*args, **kwargs)
    with Child() as child:
        return child.call(function, *args, **kwargs)


def serve(pipe: int) -> None:
    """Answer calls until nobody asks any more; the body of the child.

    Parameters
    ----------
    pipe : int
        File descriptor, inherited.
    """
    # Ctrl-C reaches every process of a terminal; the parent is the one to end this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=[os.getppid()], daemon=True).start()
    connection = Connection(pipe)
    while True:
        try:
            function, args, kwargs = connection.recv()
        except EOFError:
            os._exit(0)
        connection.send(_answer(function, args, kwargs))


def _answer(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    try:
        result: tuple[bool, Any] = (True, function(*args, **kwargs))
    except (SystemExit, KeyboardInterrupt) as error:
        result = (False, ChildEnded(f"it raised {type(error).__name__}({', '.join(map(repr, error.args))})"))
    except BaseException as error:
        result = (False, error)
    try:
        pickle.loads(pickle.dumps(result))
    except Exception:  # whatever an odd error or result raises when it is packed or unpacked
        result = (False, RuntimeError(f"{type(result[1]).__name__}: {result[1]}"))
    return result


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_GLANCE)
    os._exit(1)


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {-code}, {signal.strsignal(-code) or 'unknown'}"
