"""Tables that are no text: Parquet and Feather by pyarrow, workbooks by openpyxl; both come with an extra."""

from __future__ import annotations

import importlib
import io
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from biasaudit.cohort.readers.arrow_sizes import buffer_bytes, cell_bytes, rows_at_once
from biasaudit.cohort.readers.delimited import Cells, header_faults
from biasaudit.errors import DataError, Fault, gathered
from biasaudit.regular_files import in_bytes

__all__ = ["EXPANSION", "parquet_table", "parse_binary", "require_small"]

Parser = Callable[[Path, bytes, int], Cells]

EXPANSION = 2
"""How much larger than the largest table in bytes what is packed may become: texts repeat."""
_CELL = 8
"""Bytes that a cell counts at least, however well it is packed."""
_AS_TEXT = "save it as CSV (UTF-8) or TSV"
_GZIP = b"\x1f\x8b"
_PARQUET, _FEATHER, _OLD_FEATHER, _PACKED, _OLD_OFFICE = b"PAR1", b"ARROW1", b"FEA1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_OTHERS = {
    ".ods": "a spreadsheet of OpenDocument",
    ".sav": "a file of SPSS",
    ".sas7bdat": "a file of SAS",
    ".dta": "a file of Stata",
    ".rds": "a file of R",
    ".rda": "a file of R",
    ".rdata": "a file of R",
    ".pkl": "a pickle",
    ".mat": "a file of MATLAB",
}


def parse_binary(path: Path, content: bytes, most: int) -> Cells | None:
    """Read a table that is no text; None where the content is text.

    Parameters
    ----------
    path : Path
    content : bytes
    most : int
        Largest size of a table in bytes.

    Raises
    ------
    DataError
        The extra is not installed, the file is damaged, or no table of a kind that is read.
    """
    parse = _parser(path, content)
    if parse is None:
        return None
    try:
        return parse(path, content, most * EXPANSION)
    except DataError:
        raise
    except Exception as error:  # whatever pyarrow, openpyxl and zipfile raise on damaged files
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        message = f"{_KINDS[parse]} that cannot be read ({reason})"
        raise DataError([Fault(str(path), message, f"write it anew, or {_AS_TEXT}")]) from None


def _parser(path: Path, content: bytes) -> Parser | None:
    kind = path.suffix.lower()
    if content.startswith(_PARQUET):
        return _parquet
    if content.startswith((_FEATHER, _OLD_FEATHER)):
        return _feather
    if content.startswith(_OLD_OFFICE):
        return _refused("a workbook of old Excel (.xls), encrypted Excel, or another file of Office")
    if content.startswith(_GZIP) or kind == ".zip":
        return _refused("a compressed file")
    if content.startswith(_PACKED):
        return _refused(_OTHERS[".ods"]) if kind == ".ods" or b"opendocument" in content[:200] else _workbook
    return _refused(_OTHERS[kind]) if kind in _OTHERS else None


def _refused(what: str) -> Parser:
    def refuse(path: Path, content: bytes, most: int) -> Cells:
        raise DataError([Fault(str(path), f"{what}, which is not read", _AS_TEXT)])

    return refuse


def _package(name: str, path: Path, parser: Parser, otherwise: str = _AS_TEXT) -> Any:
    """Import an optional package, which comes with an extra and takes a second to load."""
    try:
        return importlib.import_module(name)
    except ImportError:
        message = f"{_KINDS[parser]}, and {name.partition('.')[0]} is not installed"
        raise DataError([Fault(str(path), message, f"pip install 'biasaudit[tables]', or {otherwise}")]) from None


def _parquet(path: Path, content: bytes, most: int) -> Cells:
    return _of_arrow(path, parquet_table(path, content, most, _AS_TEXT))


def parquet_table(path: Path, content: bytes, most: int, otherwise: str) -> Any:
    """Unpack a file of Parquet, batch by batch, as long as it is not too large.

    Parameters
    ----------
    path : Path
        For messages.
    content : bytes
    most : int
        Largest size in bytes, unpacked.
    otherwise : str
        What to do without pyarrow.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DataError
        pyarrow is not installed, or the table is too large.
    pyarrow.ArrowException
        The file is damaged.
    """
    arrow, parquet = (_package(name, path, _parquet, otherwise) for name in ("pyarrow", "pyarrow.parquet"))
    file = parquet.ParquetFile(arrow.BufferReader(content))
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    values = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
    require_small(path, max(sum(group.total_byte_size for group in groups), _CELL * values), most)
    return _gathered(path, file.iter_batches(batch_size=rows_at_once(file.metadata, most)), file.schema_arrow, most)


def _feather(path: Path, content: bytes, most: int) -> Cells:
    arrow, feather = _package("pyarrow", path, _feather), _package("pyarrow.feather", path, _feather)
    if content.startswith(_OLD_FEATHER):  # whose buffers are not packed
        table = feather.read_table(arrow.BufferReader(content))
        return _of_arrow(path, _gathered(path, table.to_batches(), table.schema, most))
    stream = arrow.py_buffer(content)[len(_FEATHER) + 2 :]  # the footer behind it only repeats where its parts are
    require_small(path, sum(map(buffer_bytes, arrow.ipc.MessageReader.open_stream(stream))), most)
    reader = arrow.ipc.open_stream(stream)
    return _of_arrow(path, _gathered(path, reader, reader.schema, most))


def _gathered(path: Path, batches: Iterable[Any], schema: Any, most: int) -> Any:
    """Put batches into one table as long as their cells are not too large."""
    arrow, compute = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.compute")
    kept, size = [], 0
    for batch in batches:
        size += max(cell_bytes(batch, compute), _CELL * batch.num_rows * batch.num_columns)
        require_small(path, size, most)
        kept.append(batch)
    return arrow.Table.from_batches(kept, kept[0].schema if kept else schema)


def require_small(path: Path, size: int, most: int) -> None:
    """Refuse what is larger than allowed once it is unpacked; sizes in bytes.

    Raises
    ------
    DataError
    """
    if size > most:
        message = f"{in_bytes(size)} unpacked, expected at most {in_bytes(most)}"
        raise DataError([Fault(str(path), message, "raise `cohort.limits.table_megabytes` if you trust it")])


def _of_arrow(path: Path, table: Any) -> Cells:
    """Write every value as text; an index that pandas kept without a name is no column."""
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    columns = [[_text(value) for value in table.column(name).to_pylist()] for name in names]
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return _cells(path, names, rows, range(1, len(rows) + 1))


def _workbook(path: Path, content: bytes, most: int) -> Cells:
    openpyxl = _package("openpyxl", path, _workbook)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        require_small(path, sum(part.file_size for part in parts.infolist()), most)
    # Row by row, whatever size a sheet claims to have; formulas and their stored results are read apart.
    values, formulas = (
        openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=stored) for stored in (True, False)
    )
    filled = [name for name in values.sheetnames if _has_rows(values[name])]
    if not filled:
        raise DataError([Fault(str(path), "the workbook has no rows", "write one row per image below the header")])
    numbered = _sheet_rows(path, values[filled[0]], formulas[filled[0]])
    width = max((place for _, cells in numbered for place, cell in enumerate(cells, start=1) if cell), default=0)
    (_, header), *rows = [(number, [*cells[:width], *[""] * (width - len(cells))]) for number, cells in numbered]
    read = _cells(path, header, [cells for _, cells in rows], [number for number, _ in rows])
    note = f"{path.name}: of {len(filled)} sheets the first is read, {filled[0]!r}"
    return Cells(read.header, read.rows, read.lines, (note,)) if len(filled) > 1 else read


def _has_rows(sheet: Any) -> bool:
    """Whether a sheet has a cell below its first row; charts have none."""
    if not hasattr(sheet, "reset_dimensions"):
        return False
    sheet.reset_dimensions()
    return any(cell is not None for row in sheet.iter_rows(min_row=2, values_only=True) for cell in row)


def _sheet_rows(path: Path, values: Any, formulas: Any) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, with their numbers; a formula whose result was never stored would look empty."""
    formulas.reset_dimensions()
    numbered, unstored = [], []
    for number, (row, asked) in enumerate(zip(values.iter_rows(), formulas.iter_rows(), strict=True), start=1):
        if any(cell.data_type == "f" and row[place].value is None for place, cell in enumerate(asked)):
            unstored.append(f"{path}:{number}")
        cells = [_cell_text(cell) for cell in row]
        numbered += [(number, cells)] if any(cells) else []
    remedy = "open the workbook in a spreadsheet and save it, or save values instead of formulas"
    faults = gathered(unstored, "a formula without a stored result", remedy)
    if faults:
        raise DataError(faults)
    return numbered


def _cell_text(cell: Any) -> str:
    """Write a cell as its sheet shows it where that keeps zeros in front: 007 in the format 000."""
    if cell.value is None:
        return ""
    shown = str(cell.number_format)
    whole = isinstance(cell.value, int) and not isinstance(cell.value, bool)
    return f"{cell.value:0{len(shown)}d}" if whole and set(shown) == {"0"} else _text(cell.value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip()
    if isinstance(value, datetime | date):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value).strip()


def _cells(path: Path, header: Iterable[str], rows: list[list[str]], lines: Iterable[int]) -> Cells:
    names = [name.strip() for name in header]
    faults = header_faults(path, names)
    if not rows:
        faults.append(Fault(str(path), "the table has no rows", "write one row per image below the header"))
    if faults:
        raise DataError(faults)
    return Cells(names, rows, tuple(lines))


_KINDS: dict[Parser, str] = {
    _parquet: "a Parquet file",
    _feather: "a Feather file",
    _workbook: "an Excel workbook",
}
