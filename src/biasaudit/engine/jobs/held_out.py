"""Numbers of held-out rows, stored together with which rows these are.

A step writes ``rows.npy`` once, and beside it any number of arrays whose first axis follows these rows: `HeldOut` reads
those that are small, `Stack` those with images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from biasaudit.records import FloatArray

__all__ = ["HeldOut", "in_cohort_order", "read_rows", "write_rows"]

_ROWS = "rows.npy"


@dataclass(frozen=True)
class HeldOut:
    """Numbers of some rows of the cohort.

    Attributes
    ----------
    rows : int (m,)
        Which rows of the cohort, in any order.
    values : float (m, ...)
    """

    rows: npt.NDArray[np.intp]
    values: FloatArray

    @classmethod
    def read(cls, folder: Path, name: str) -> HeldOut:
        """Read ``<name>.npy`` of a finished job with the rows that it belongs to."""
        return cls(read_rows(folder), np.load(folder / f"{name}.npy"))


def write_rows(folder: Path, rows: Sequence[int]) -> None:
    """Say which rows of the cohort the arrays of a folder belong to."""
    np.save(folder / _ROWS, np.asarray(rows, dtype=np.intp))


def read_rows(folder: Path) -> npt.NDArray[np.intp]:
    """Return which rows of the cohort the arrays of a folder belong to."""
    return np.load(folder / _ROWS)  # type: ignore[no-any-return]


def in_cohort_order(parts: Sequence[HeldOut], n: int) -> FloatArray:
    """Put the parts of a cohort, one per fold, together again.

    Parameters
    ----------
    parts : sequence of HeldOut
        At least one; no row is in two of them.
    n : int
        Rows of the cohort.

    Returns
    -------
    float (n, ...)
        NaN in rows that no part has.
    """
    result = np.full((n, *parts[0].values.shape[1:]), np.nan)
    for part in parts:
        result[part.rows] = part.values
    return result
