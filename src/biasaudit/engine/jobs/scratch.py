"""The folder in which workers keep their own files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["SCRATCH", "scratch", "sweep_scratch"]

SCRATCH = ".scratch"
"""Where it lies below the run folder."""


def sweep_scratch(root: Path) -> None:
    """Remove what the workers of a killed run have left; call it only while no worker runs."""
    shutil.rmtree(root / SCRATCH, ignore_errors=True)


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """Give an empty folder that goes with the block; what a killed run left there goes first.

    Parameters
    ----------
    root : Path
        The run folder.
    """
    sweep_scratch(root)
    folder = root.resolve() / SCRATCH
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        sweep_scratch(root)
