"""Arrays of a cohort that lie in blocks on disk and are read a few subjects at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from biasaudit.records import FloatArray

__all__ = ["Stack"]


class Stack:
    """Blocks of subjects seen as one array, memory-mapped.

    Parameters
    ----------
    files : sequence of Path
        ``.npy`` files in cohort order, each (subjects, ...).
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._blocks = [np.load(file, mmap_mode="r") for file in files]
        self._ends = np.cumsum([len(block) for block in self._blocks])

    @classmethod
    def of(cls, folders: Sequence[Path], name: str) -> Stack:
        """Stack ``<name>.npy`` of some folders."""
        return cls([folder / f"{name}.npy" for folder in folders])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, row: int) -> np.ndarray:
        if not 0 <= row < len(self):
            raise IndexError(row)
        block = int(np.searchsorted(self._ends, row, side="right"))
        start = int(self._ends[block]) - len(self._blocks[block])
        return np.asarray(self._blocks[block][row - start])

    @property
    def shape(self) -> tuple[int, ...]:
        """(subjects, ...)."""
        return (len(self), *self._blocks[0].shape[1:])

    def take(self, rows: Iterable[int]) -> FloatArray:
        """Copy some rows into memory as float32, (rows, ...)."""
        return np.stack([self[int(row)] for row in rows]).astype(np.float32)
