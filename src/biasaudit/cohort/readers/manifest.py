"""Read CSV and TSV files with every cell as text, so that '007' stays '007'."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from biasaudit.errors import DataError, Fault, gathered, suggestion
from biasaudit.protocol import FileLimits
from biasaudit.regular_files import read_regular

__all__ = ["Manifest", "is_missing", "missing_columns", "read_manifest"]

_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MISSING = frozenset({"", "n/a", "na", "nan"})


@dataclass(frozen=True)
class Manifest:
    """A table as it was written.

    Attributes
    ----------
    path : Path
    frame : DataFrame
        One row per row of the file, every cell text without surrounding blanks.
    lines : tuple of int
        Line of each row; the header is line 1.
    """

    path: Path
    frame: pd.DataFrame
    lines: tuple[int, ...]

    def where(self, row: int) -> str:
        """``table.tsv:12``."""
        return f"{self.path}:{self.lines[row]}"

    def cell(self, row: int, column: str | None) -> str:
        """Text of one cell; empty where the column is absent or None."""
        return str(self.frame[column].iat[row]) if column is not None and column in self.frame else ""


def is_missing(text: str) -> bool:
    """Whether a covariate is missing: empty, ``n/a``, ``NA`` or ``nan``."""
    return text.lower() in _MISSING


def missing_columns(manifest: Manifest, wanted: Iterable[str]) -> list[Fault]:
    """One fault for each wanted column that the table lacks."""
    columns = [str(column) for column in manifest.frame.columns]
    return [
        Fault(f"{manifest.path}:1", f"no column {name!r}", suggestion(name, columns))
        for name in dict.fromkeys(wanted)
        if name not in columns
    ]


def read_manifest(path: Path, limits: FileLimits | None = None) -> Manifest:
    """Read a CSV or TSV table; the extension says which, else the header does.

    Parameters
    ----------
    path : Path
    limits : FileLimits, optional
        Default: those of a protocol that says nothing.

    Raises
    ------
    DataError
        No such file, not UTF-8, no rows, a repeated column, rows of another length than the header, control
        characters, too large.
    """
    text = _text(path, (limits or FileLimits()).table_bytes)
    faults = _control_faults(path, text)
    if faults:
        raise DataError(faults)
    numbered = _rows(path, text, _delimiter(path, text))
    if len(numbered) < 2:
        raise DataError([Fault(f"{path}:1", "the table has no rows", "write one row per image below the header")])
    header = [name.strip() for name in numbered[0][1]]
    faults = [*_header_faults(path, header), *_ragged(path, numbered[1:], len(header))]
    if faults:
        raise DataError(faults)
    rows = [[cell.strip() for cell in cells] for _, cells in numbered[1:]]
    return Manifest(path, pd.DataFrame(rows, columns=header, dtype=object), tuple(line for line, _ in numbered[1:]))


def _text(path: Path, most: int) -> str:
    try:
        return read_regular(path, most, "cohort.limits.table_megabytes").decode("utf-8-sig")
    except FileNotFoundError:
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        remedy = suggestion(path.name, near) if near else "give the path of a CSV or TSV table"
        raise DataError([Fault(str(path), "no such table", remedy)]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"not UTF-8 text (byte 0x{error.object[error.start]:02x})"
        raise DataError([Fault(f"{path}:{line}", message, "save the table as UTF-8")]) from None
    except OSError as error:
        raise DataError([Fault(str(path), f"cannot be read ({error.strerror or error})")]) from None


def _control_faults(path: Path, text: str) -> list[Fault]:
    """Refuse characters that no name is made of, and that other programs would end a text at."""
    first = _CONTROL.search(text)
    if first is None:
        return []
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if _CONTROL.search(line)]
    message = f"a control character ({first[0]!r})"
    return gathered([f"{path}:{line}" for line in lines], message, "save the table as plain UTF-8 text")


def _delimiter(path: Path, text: str) -> str:
    by_extension = {".tsv": "\t", ".csv": ","}.get(path.suffix.lower())
    header = text.split("\n", 1)[0]
    if by_extension is not None and (by_extension in header or not any(mark in header for mark in "\t,;")):
        return by_extension
    return max("\t,;", key=header.count)


def _rows(path: Path, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Each row with the line it starts on; blank lines are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError([Fault(f"{path}:{reader.line_num}", f"not a table ({error})")]) from None
    return rows


def _header_faults(path: Path, header: list[str]) -> list[Fault]:
    twice = sorted({name for name in header if header.count(name) > 1})
    return [Fault(f"{path}:1", f"two columns are called {name!r}", "rename one") for name in twice]


def _ragged(path: Path, rows: list[tuple[int, list[str]]], width: int) -> list[Fault]:
    return [
        Fault(f"{path}:{line}", f"{len(cells)} cells, expected {width} as in the header", "check for a stray delimiter")
        for line, cells in rows
        if len(cells) != width
    ]
