"""The folder in which workers keep their own files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["SCRATCH", "scratch"]

SCRATCH = ".scratch"
"""Where it lies below the run folder."""


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """Give an empty folder that goes with the block; what a killed run left there goes first.

    Parameters
    ----------
    root : Path
        The run folder.
    """
    folder = root.resolve() / SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
