"""Build once what every worker of a parallel run reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def built_once(folders: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a folder that `build` has filled; the first worker to ask builds it, the others wait for it.

    Whoever gets the folder only reads it, for another worker may be reading it at the same time.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        alone = folders.mktemp(name)
        build(alone)
        return alone
    shared = folders.getbasetemp().parent / name
    finished = shared.with_suffix(".finished")
    with FileLock(shared.with_suffix(".lock")):
        if not finished.exists():
            shutil.rmtree(shared, ignore_errors=True)  # left by a worker whose build failed
            shared.mkdir()
            build(shared)
            finished.touch()
    return shared
