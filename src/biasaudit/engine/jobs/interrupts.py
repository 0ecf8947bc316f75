"""Interrupts that nothing swallows."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

__all__ = ["interrupts_kept"]


@contextmanager
def interrupts_kept() -> Iterator[Callable[[], None]]:
    """Lose no interrupt that comes while the block runs.

    A signal handler raises KeyboardInterrupt wherever Python happens to be. Inside the import of a native module, a
    destructor or a user's ``except KeyboardInterrupt`` it goes no further, and what comes after it runs with a
    half-imported module or with half a training. So the interrupt is remembered as well.

    Yields
    ------
    callable
        Raises KeyboardInterrupt if one has come since the block was entered.

    Raises
    ------
    KeyboardInterrupt
        At the latest at the end of the block, and in place of any other error. Signals whose handler raises none
        are left as they are, and so are all outside the main thread, which alone receives signals.
    """
    came: list[int] = []

    def require_none() -> None:
        if came:
            raise KeyboardInterrupt

    with ExitStack() as restored:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                _remember(number, came, restored)
        try:
            yield require_none
        finally:
            require_none()


def _remember(number: signal.Signals, came: list[int], restored: ExitStack) -> None:
    """Note when the handler of a signal interrupts; a signal that is ignored, or that kills, has none."""
    before: Any = signal.getsignal(number)
    if not callable(before):
        return

    def note(own: int, frame: FrameType | None) -> None:
        try:
            before(own, frame)
        except KeyboardInterrupt:
            came.append(own)
            raise

    signal.signal(number, note)
    restored.callback(signal.signal, number, before)
