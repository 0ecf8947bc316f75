"""An interrupt that comes while something is at work that lets none through."""

from __future__ import annotations

import os
import signal
import time


def swallow_an_interrupt() -> None:
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        return
    raise AssertionError("no interrupt came")
