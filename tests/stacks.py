"""Blocks of images on disk, whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.engine.jobs.stack import Stack

__all__ = ["whole_stack"]


def whole_stack(path: Path) -> np.ndarray:
    """Read a block as it is stored."""
    stack = Stack([path])
    return stack.stored(range(len(stack)))
