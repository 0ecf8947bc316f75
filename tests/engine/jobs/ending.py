"""Functions that a child process calls, found there by name."""

from __future__ import annotations

import os
import signal
import sys

from biasaudit.errors import DataError, Fault


def twice(number: int, *, more: int = 0) -> int:
    return 2 * number + more


def where() -> tuple[int, list[str]]:
    return os.getpid(), sys.path


def refuses() -> None:
    raise DataError([Fault("a", "b", "c")])


def ends(how: str) -> None:
    if how == "exit":
        sys.exit(0)
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "abort":
        os.abort()
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)


class Odd(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("odd")


def odd() -> None:
    raise Odd(1, 2)
