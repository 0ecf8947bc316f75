"""Rows of cells from delimited text, as R, pandas, spreadsheets and people write it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biasaudit.cohort.readers.cells import is_missing, quoted_few
from biasaudit.errors import DataError, Fault, gathered
from biasaudit.records import Note

__all__ = ["Cells", "header_faults", "parse_text"]

Rows = list[tuple[int, list[str]]]

_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_MARKUP = re.compile(r"\s*(?:<(?:!doctype|html|\?xml|table)|[{\[]\s*[{\"\[])", re.IGNORECASE)
_BY_EXTENSION = {".tsv": "\t", ".csv": ","}
_DELIMITERS = "\t,;|"
_SAMPLE = 20
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\ufeff"
_ROW_NAMES = "row.names"


@dataclass(frozen=True)
class Cells:
    """A table as text.

    Attributes
    ----------
    header : list of str
    rows : list of list of str
        Each as long as the header, without surrounding blanks.
    lines : tuple of int
        Line that each row starts on; the header's is 1 where nothing is above it.
    notes : tuple of str
    semicolons : bool
        Whether they split the cells, as where commas are decimal.
    """

    header: list[str]
    rows: list[list[str]]
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()
    semicolons: bool = False


def parse_text(path: Path, text: str) -> Cells:
    """Split text into a header and rows.

    Read as they are meant: a first line ``sep=;``, comments above the header and between rows, row names of R that
    the header has no name for, empty rows and columns that spreadsheets leave.

    Raises
    ------
    DataError
        Every fault at once: no rows, columns of one name, rows of another length, quotes that are never closed,
        control characters.
    """
    faults = _control_faults(path, text)
    if faults:
        raise DataError(faults)
    if _MARKUP.match(text):
        raise DataError([Fault(f"{path}:1", "a web page, XML or JSON, no table", "save it as CSV or TSV")])
    mark, text = _stated_delimiter(text)
    mark = mark or _delimiter(path, text)
    numbered = _rows(path, text, mark)
    numbered, comments = _without_comments(path, numbered)
    if len(numbered) < 2:
        raise DataError([Fault(f"{path}:1", "the table has no rows", "write one row per image below the header")])
    header, rows, notes = _squared(path, [_bare(name) for name in numbered[0][1]], numbered[1:])
    faults = [*header_faults(path, header, numbered[0][0]), *_commented_out(path, rows)]
    faults += _swallowed(path, rows, numbered, mark) or _ragged(path, rows, len(header))
    if faults:
        raise DataError(faults)
    cells = [[_bare(cell) for cell in cells] for _, cells in rows]
    return Cells(header, cells, tuple(line for line, _ in rows), (*comments, *notes), mark == ";")


def header_faults(path: Path, header: Sequence[str], line: int = 1) -> list[Fault]:
    """Refuse two columns of one name."""
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    return [
        Fault(
            f"{path}:{line}", f"two columns are called {name!r}" if name else "two columns have no name", "rename one"
        )
        for name in twice
    ]


def _bare(cell: str) -> str:
    """Strip a cell, and the ``="007"`` by which a spreadsheet is made to keep zeros."""
    bare = cell.strip(_BLANKS)
    return bare[2:-1] if bare.startswith('="') and bare.endswith('"') and len(bare) > 2 else bare


def _control_faults(path: Path, text: str) -> list[Fault]:
    """Refuse characters that no name is made of, and that other programs would end a text at."""
    first = _CONTROL.search(text)
    if first is None:
        return []
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if _CONTROL.search(line)]
    message = f"a control character ({first[0]!r})"
    return gathered([f"{path}:{line}" for line in lines], message, "save the table as plain UTF-8 text")


def _stated_delimiter(text: str) -> tuple[str, str]:
    """Take the delimiter from a first line ``sep=;`` of a spreadsheet, which is emptied: lines keep their numbers."""
    first = re.match(r"[^\r\n]*", text)
    stated = _SEPARATOR.fullmatch(first[0]) if first else None
    return (stated[1], text[stated.end() :]) if stated else ("", text)


def _delimiter(path: Path, text: str) -> str:
    """Choose the mark that splits the first rows alike; of several the extension's, else the one with most columns."""
    usual = _BY_EXTENSION.get(path.suffix.lower(), "")
    widths = {mark: _widths(text, mark) for mark in _DELIMITERS}
    split = [mark for mark in _DELIMITERS if widths[mark] and widths[mark][0] > 1]
    if not split and (found := _widths(text, " ")) and found[0] > 1 and _alike(found):
        return " "
    alike = [mark for mark in split if _alike(widths[mark])] or split or [usual or "\t"]
    return usual if usual in alike else max(alike, key=lambda mark: widths[mark][:1])


def _alike(widths: Sequence[int]) -> bool:
    """Whether all rows are as long as the header, or by one row name longer."""
    return set(widths[1:]) <= {widths[0]} or set(widths[1:]) <= {widths[0] + 1}


def _widths(text: str, mark: str) -> list[int]:
    """Count the cells of the first rows that are no comments."""
    widths: list[int] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
            if any(cell.strip() for cell in cells) and not (len(cells) == 1 and cells[0].startswith("#")):
                widths.append(len(cells))
            if len(widths) > _SAMPLE:
                break
    except csv.Error:
        pass
    return widths


def _rows(path: Path, text: str, delimiter: str) -> Rows:
    """Each row with the line it starts on; blank lines are left out."""
    try:
        return _parsed(path, text, delimiter)
    except DataError:
        if '\\"' not in text:
            raise
    # R's write.table puts a backslash before a quotation mark inside quotes.
    return _parsed(path, text.replace('\\"', '""'), delimiter)


def _parsed(path: Path, text: str, delimiter: str) -> Rows:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, start = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        quotes = "end of data" in str(error) or "expected after" in str(error)
        what = "a quotation mark is not closed, or stands inside a quoted cell" if quotes else f"not a table ({error})"
        remedy = 'write " inside of a cell as "" and the cell in quotes, or leave it out' if quotes else ""
        raise DataError([Fault(f"{path}:{start}", what, remedy)]) from None
    return rows


def _swallowed(path: Path, rows: Rows, numbered: Rows, mark: str) -> list[Fault]:
    """Refuse cells that hold whole rows: between two quotation marks that were never closed everything is one cell."""
    width = len(numbered[0][1])
    places = [f"{path}:{line}" for line, cells in rows for cell in cells if _holds_rows(cell, width, mark)]
    message = "one cell goes over several lines that look like rows"
    return gathered(places, message, "is a quotation mark missing at its end?")


def _holds_rows(cell: str, width: int, mark: str) -> bool:
    if "\n" not in cell and "\r" not in cell:
        return False
    inner = re.split(r"\r\n|\n|\r", cell)[1:]
    return width == 1 or sum(line.count(mark) for line in inner) >= width - 1


def _without_comments(path: Path, numbered: Rows) -> tuple[Rows, list[str]]:
    """Leave out lines that begin with # and have no cells."""
    comments = [line for line, cells in numbered if _is_comment(cells)]
    kept = [(line, cells) for line, cells in numbered if not _is_comment(cells)]
    if len(kept) < 2 or not comments or len(kept[0][1]) < 2:
        return numbered, []
    return kept, [
        f"{path.name}: {len(comments)} lines of comments are left out, which begin with # (line {comments[0]})"
    ]


def _is_comment(cells: Sequence[str]) -> bool:
    first = cells[0].strip()
    return first.startswith("#") and not is_missing(first) and not any(cell.strip() for cell in cells[1:])


def _commented_out(path: Path, rows: Rows) -> list[Fault]:
    """Refuse rows that begin with #: whoever put it there may mean them to be left out."""
    places = [f"{path}:{line}" for line, cells in rows if cells[0].strip().startswith("#") and not is_missing(cells[0])]
    return gathered(places, "the row begins with #: a comment, or a name?", "delete the row or the #")


def _squared(path: Path, header: list[str], rows: Rows) -> tuple[list[str], Rows, list[str]]:
    """Name a column of R's row names; drop empty cells beyond the header and columns without name and content."""
    width = len(header)
    if _have_row_names(path, rows, width):
        said = "the first column has no name and is taken for row names"
        return [_ROW_NAMES, *header], rows, [Note(f"{said} ({quoted_few([c[0] for _, c in rows])})", said)]
    rows = [(line, cells[:width] if not any(map(str.strip, cells[width:])) else cells) for line, cells in rows]
    if "" not in header or any(len(cells) != width for _, cells in rows):
        return header, rows, []
    used = [place for place, name in enumerate(header) if name or any(cells[place].strip() for _, cells in rows)]
    return [header[place] for place in used], [(line, [cells[place] for place in used]) for line, cells in rows], []


def _have_row_names(path: Path, rows: Rows, width: int) -> bool:
    """Whether every row has one cell more than the header in front, not behind."""
    if {len(cells) for _, cells in rows} != {width + 1}:
        return False
    if any(cells[-1].strip() for _, cells in rows):
        return True
    if [cells[0].strip() for _, cells in rows] == [str(number + 1) for number in range(len(rows))]:
        message = "every row has one cell more than the header: row names in front, or a delimiter behind?"
        raise DataError([Fault(f"{path}:1", message, "name all columns in the header")])
    return False


def _ragged(path: Path, rows: Rows, width: int) -> list[Fault]:
    wrong: dict[int, list[str]] = {}
    for line, cells in rows:
        if len(cells) != width:
            wrong.setdefault(len(cells), []).append(f"{path}:{line}")
    remedy = (
        "check for a stray delimiter" if width > 1 else "the first line must be the header: delete a title above it"
    )
    return [
        fault
        for count, places in wrong.items()
        for fault in gathered(places, f"{count} cells, expected {width} as in the header", remedy)
    ]
