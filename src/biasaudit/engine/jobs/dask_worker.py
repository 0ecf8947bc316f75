"""Prepare a Dask worker before its first job; `dispatch` names this module to Dask as a preload."""

from __future__ import annotations

import signal

__all__ = ["dask_setup"]


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the one that was started: it ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
