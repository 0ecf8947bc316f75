"""Tables as tab-separated text that a spreadsheet shows and does not compute.

A cell that begins with ``=``, ``+``, ``-`` or ``@``, also of full width, or with a tabulator or a line's end, is a
formula to some spreadsheets, which may run commands ("CSV injection", OWASP). Such text gets a single quote in front,
which reading takes away again; numbers stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["escaped", "numbers_in", "read_tsv", "tsv_text", "unescaped", "write_tsv"]

_BEGIN = r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(f"'*{_BEGIN}")
_QUOTED = re.compile(f"'+{_BEGIN}")


def escaped(cell: Any) -> Any:
    """Put a single quote before text that a spreadsheet would take for a formula."""
    formula = isinstance(cell, str) and _FORMULA.match(cell) and not _is_number(cell)
    return f"'{cell}" if formula else cell


def unescaped(cell: Any) -> Any:
    """Inverse of `escaped`."""
    return cell[1:] if isinstance(cell, str) and _QUOTED.match(cell) else cell


def tsv_text(table: pd.DataFrame) -> str:
    """Write a table as text, ``n/a`` where a value is missing."""
    text = table.select_dtypes(exclude="number").columns
    safe = table.assign(**{name: table[name].map(escaped) for name in text})
    return str(safe.rename(columns=escaped).to_csv(sep="\t", index=False, na_rep="n/a"))


def write_tsv(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a file; see `tsv_text`."""
    path.write_text(tsv_text(table), encoding="utf-8")


def read_tsv(path: Path, **options: Any) -> pd.DataFrame:
    """Read a table that `write_tsv` wrote.

    Parameters
    ----------
    path : Path
    **options
        Of ``pandas.read_csv``; empty cells stay empty text unless they say otherwise.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    table: pd.DataFrame = pd.read_csv(path, sep="\t", **{"keep_default_na": False, **options})
    text = table.select_dtypes(exclude="number").columns
    return table.assign(**{name: table[name].map(unescaped) for name in text}).rename(columns=unescaped)


def numbers_in(column: pd.Series[Any]) -> pd.Series[Any]:
    """Read a column of text as numbers, nan where a value is missing; as it is where other text stands in it."""
    known = column.mask(column.isin(["", "n/a"]))
    numbers = pd.to_numeric(known, errors="coerce")
    return numbers if bool((numbers.notna() == known.notna()).all()) else column


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
