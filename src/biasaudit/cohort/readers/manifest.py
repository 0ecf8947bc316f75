"""Read tables with every cell as text, so that '007' stays '007'."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from biasaudit.cohort.readers.binary_tables import parse_binary
from biasaudit.cohort.readers.cells import is_missing
from biasaudit.cohort.readers.delimited import parse_text
from biasaudit.errors import DataError, Fault, suggestion
from biasaudit.protocol import FileLimits
from biasaudit.regular_files import decoded, is_of_windows, place_of_fault, read_regular

__all__ = ["Manifest", "Source", "missing_columns", "read_manifest"]


@dataclass(frozen=True)
class Source:
    """A file, the line of each row in it, and whether its commas are decimal."""

    path: Path
    lines: tuple[int, ...]
    commas: bool = False


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
    notes : tuple of str
        What was left out or taken for something, such as comments and row names.
    commas : bool
        Whether ``1,234`` has a decimal comma: semicolons split the cells. Of joined columns their source says it.
    joined : mapping of str to Source
        Where columns come from that are of other files.
    """

    path: Path
    frame: pd.DataFrame
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()
    commas: bool = False
    joined: Mapping[str, Source] = field(default_factory=dict)

    @property
    def rows(self) -> range:
        """Positions of the rows."""
        return range(len(self.lines))

    def places(self, column: str | None = None) -> list[str]:
        """``table.tsv:12`` of every row, in the file that a column is of."""
        source = self.source(column)
        return [f"{source.path}:{line}" for line in source.lines]

    def where(self, row: int, column: str | None = None) -> str:
        """``table.tsv:12``, in the file that a column is of."""
        source = self.source(column)
        return f"{source.path}:{source.lines[row]}"

    def folder(self, column: str | None = None) -> Path:
        """Folder that paths in a column are relative to."""
        return self.source(column).path.parent

    def kept(self, rows: Sequence[int]) -> Manifest:
        """Return the table with some of its rows."""
        return Manifest(
            self.path,
            self.frame.iloc[list(rows)].reset_index(drop=True),
            tuple(self.lines[row] for row in rows),
            self.notes,
            self.commas,
            {name: replace(s, lines=tuple(s.lines[row] for row in rows)) for name, s in self.joined.items()},
        )

    def source(self, column: str | None) -> Source:
        """File of a column."""
        return self.joined.get(column or "", Source(self.path, self.lines, self.commas))

    def cell(self, row: int, column: str | None) -> str:
        """Text of one cell; empty where the column is absent or None."""
        return self.column(column)[row]

    def path_of(self, row: int, column: str | None) -> str | None:
        """Absolute path in a cell, None where it is missing; backslashes part folders unless a file is called so.

        Symbolic links stay as they are, because git-annex hides the extension behind them.
        """
        cell = self.cell(row, column)
        if is_missing(cell):
            return None
        path = os.path.abspath(self.folder(column) / cell)
        if not is_of_windows(cell) or os.path.lexists(path):
            return path
        return os.path.abspath(self.folder(column) / cell.replace("\\", "/"))

    def column(self, name: str | None) -> Sequence[str]:
        """Cells of one column; empty ones where it is absent or None."""
        return self._columns.get(name, self._absent) if name is not None else self._absent

    @cached_property
    def comma_columns(self) -> frozenset[str]:
        """Columns in which ``1,234`` has a decimal comma."""
        names = (str(name) for name in self.frame.columns)
        return frozenset(name for name in names if self.source(name).commas)

    @cached_property
    def _columns(self) -> dict[str, list[str]]:
        return {str(name): [str(cell) for cell in self.frame[name]] for name in self.frame.columns}

    @cached_property
    def _absent(self) -> tuple[str, ...]:
        return ("",) * len(self.lines)


def missing_columns(manifest: Manifest, wanted: Iterable[str]) -> list[Fault]:
    """One fault for each wanted column that the table lacks."""
    columns = [str(column) for column in manifest.frame.columns]
    return [
        Fault(f"{manifest.path}:1", f"no column {name!r}", suggestion(name, columns))
        for name in dict.fromkeys(wanted)
        if name not in columns
    ]


def read_manifest(path: Path, limits: FileLimits | None = None) -> Manifest:
    """Read a table: text whose delimiter the extension or the rows tell, Parquet, Feather or an Excel workbook.

    Parameters
    ----------
    path : Path
    limits : FileLimits, optional
        Default: those of a protocol that says nothing.

    Raises
    ------
    DataError
        Every fault at once: no such file, no text, no rows, a repeated column, rows of another length than the header,
        open quotes, control characters, too large.
    """
    most = (limits or FileLimits()).table_bytes
    content = _content(path, most)
    cells = parse_binary(path, content, most) or parse_text(path, _text(path, content))
    frame = pd.DataFrame(cells.rows, columns=cells.header, dtype=object)
    return Manifest(path, frame, cells.lines, cells.notes, cells.semicolons)


def _content(path: Path, most: int) -> bytes:
    try:
        return read_regular(path, most, "cohort.limits.table_megabytes")
    except FileNotFoundError:
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        remedy = suggestion(path.name, near) if near else "give the path of a CSV or TSV table"
        raise DataError([Fault(str(path), "no such table", remedy)]) from None
    except OSError as error:
        raise DataError([Fault(str(path), f"cannot be read ({error.strerror or error})")]) from None


def _text(path: Path, content: bytes) -> str:
    try:
        return decoded(content)
    except UnicodeDecodeError as error:
        line, message = place_of_fault(error)
        raise DataError([Fault(f"{path}:{line}", message, "save the table as UTF-8")]) from None
