"""Random tables of features as R, pandas, spreadsheets, SAS and people write them, half of them damaged afterwards.

What is read must be the cohort that was written, or a fault, or, where one cell is odd, a note that names its column.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
FEATURES = ("GM [ml]", "lh_a_thickness", "vol*")
NAMES = ("subject", "label", "site", "Age at scan", *FEATURES, "note")
PAIRS: Sequence[tuple[Any, Any, str]] = (
    ("healthy", "ms", "{column: label, positive: ms, negative: healthy}"),
    ("hc", "MS", "{column: label, positive: MS}"),
    (0, 1, "{column: label, positive: 1, negative: 0}"),
    (False, True, "{column: label, positive: true}"),
    ("none", "ms", "{column: label, positive: ms, negative: none}"),
)
SITES = (("a", "b"), ("Lyon, Rhône", "Nice"), ('site "A"', "site B"), ("1", "2"), ("New York", "São Paulo"))
NOTES = ("", "ok", "moved, repeated", 'said "no"', "a; b", "two  blanks", "ü", "5'", "#3", "12 Å", "-", "x\\y")


@dataclass(frozen=True)
class Style:
    """How one program writes tables.

    Attributes
    ----------
    name : str
        Of the file.
    missing : str
    truths : tuple of str
        How false and true are written.
    comma : bool
        Whether decimals have a comma.
    text : callable
        Rows of cells, the header first -> content.
    """

    name: str
    missing: str
    text: Callable[[list[list[Any]], Style], bytes]
    truths: tuple[str, str] = ("False", "True")
    comma: bool = False


def cohort(chance: np.random.Generator) -> tuple[list[Row], str]:
    """Make the rows of a cohort and the label section of its protocol; None where a value is missing."""
    healthy, ill, label = PAIRS[chance.integers(len(PAIRS))]
    sites = SITES[chance.integers(len(SITES))]
    decimals = int(chance.integers(1, 5))
    count = int(chance.integers(8, 25))
    rows: list[Row] = []
    for number in range(count):
        age = float(np.round(chance.uniform(18, 88), 1))
        rows.append(
            {
                "subject": f"{number:03d}" if label else f"s{number}",
                "label": ill if number % 2 else healthy,
                "site": sites[number // 2 % 2],
                "Age at scan": None if chance.random() < 0.1 else age,
                **{name: float(np.round(chance.uniform(1, 9) * 10**k, decimals)) for k, name in enumerate(FEATURES)},
                "note": str(chance.choice(NOTES)),
            }
        )
    return rows, label


def written(rows: Sequence[Row], style: Style) -> bytes:
    """Write a cohort as a program does."""
    return style.text([list(NAMES), *([_cell(row[name], style) for name in NAMES] for row in rows)], style)


def is_unlike(word: str) -> bool:
    """Whether some program changes or drops a name: what looks missing, like a number, a comment or a formula."""
    from biasaudit.cohort.readers.cells import bare_number, is_missing

    odd = any(mark in word for mark in "\"'\\") or word[0] in "#=" or not word.isprintable()
    return odd or is_missing(word) or bare_number(word) is not None or word.lower() in ("true", "false")


def _cell(value: Any, style: Style) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return style.truths[value]
    return f"{value:.15g}".replace(".", "," if style.comma else ".") if isinstance(value, float) else value


def _filled(cells: list[Any], style: Style) -> list[Any]:
    return [style.missing if cell is None else cell for cell in cells]


def _comma_separated(delimiter: str, end: str, coding: str, quoting: int = csv.QUOTE_MINIMAL) -> Any:
    def text(cells: list[list[Any]], style: Style) -> bytes:
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows(_filled(row, style) for row in cells)
        return stream.getvalue().encode(coding)

    return text


def _of_r(delimiter: str, row_names: str, double: bool) -> Any:
    """Write as write.table and write.csv do: quoted text, bare numbers and NA, row names with or without a header."""

    def quoted(cell: Any) -> str:
        bare = cell is None or not isinstance(cell, str) or cell in ("TRUE", "FALSE") or _is_number(cell)
        marked = str(cell).replace('"', '""' if double else '\\"')
        return ("NA" if cell is None else str(cell)) if bare else f'"{marked}"'

    def text(cells: list[list[Any]], style: Style) -> bytes:
        header, *rows = cells
        lines = [[f'"{name}"' for name in header]]
        # Subjects are a factor: in quotes, though they look like numbers.
        lines += [[f'"{row[0]}"', *map(quoted, row[1:])] for row in rows]
        if row_names != "none":
            lines = [[f'"{number}"', *line] for number, line in enumerate(lines)]
            lines[0] = lines[0][1:] if row_names == "bare" else ['""', *lines[0][1:]]
        return ("\n".join(delimiter.join(line) for line in lines) + "\n").encode()

    return text


def _is_number(cell: str) -> bool:
    return cell.replace(",", ".").lstrip("-").replace(".", "", 1).isdigit()


def _spreadsheet(delimiter: str, coding: str) -> Any:
    """Write with empty columns and rows behind the table, as a spreadsheet leaves them."""
    plain = _comma_separated(delimiter, "\r\n", coding)

    def text(cells: list[list[Any]], style: Style) -> bytes:
        width = len(cells[0]) + 2
        return plain([*([*row, "", ""] for row in cells), [""] * width, [""] * width], style)

    return text


def _by_hand(cells: list[list[Any]], style: Style) -> bytes:
    lines = ["\t".join(f" {cell} " for cell in _filled(row, style)) for row in cells]
    lines = [line.replace('"', "'") for line in lines]
    return ("# from the ward\n" + "\n\n".join(lines).replace("\tms ", "\tMS ")).encode("utf-8-sig")


def _workbook(cells: list[list[Any]], style: Style) -> bytes:
    import openpyxl

    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in cells:
        book.active.append(
            [float(cell) if isinstance(cell, str) and "." in cell and _is_number(cell) else cell for cell in row]
        )
    book.save(stream)
    return stream.getvalue()


def _of_one_type(cells: list[Any]) -> list[Any]:
    types = {type(cell) for cell in cells if cell is not None}
    return [None if cell is None else str(cell) for cell in cells] if len(types) > 1 else cells


def _parquet(cells: list[list[Any]], style: Style) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    header, *rows = cells
    columns = {name: _of_one_type([row[place] for row in rows]) for place, name in enumerate(header)}
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream)
    return stream.getvalue()


STYLES: Mapping[str, Style] = {
    "R write.table": Style("table.txt", "NA", _of_r(" ", "bare", False), ("FALSE", "TRUE")),
    "R write.table, tabs": Style("table.tsv", "NA", _of_r("\t", "none", False), ("FALSE", "TRUE")),
    "R write.csv": Style("table.csv", "NA", _of_r(",", "blank", True), ("FALSE", "TRUE")),
    "R write.csv2": Style("table.csv", "NA", _of_r(";", "blank", True), ("FALSE", "TRUE"), comma=True),
    "pandas": Style("table.csv", "", _comma_separated(",", "\n", "utf-8")),
    "pandas, nan": Style("table.tsv", "nan", _comma_separated("\t", "\n", "utf-8")),
    "pandas, <NA>": Style("table.csv", "<NA>", _comma_separated(",", "\n", "utf-8")),
    "BIDS": Style("table.tsv", "n/a", _comma_separated("\t", "\n", "utf-8")),
    "SAS": Style("table.csv", ".", _comma_separated(",", "\r\n", "utf-8")),
    "SPSS": Style("table.csv", "#NULL!", _comma_separated(";", "\r\n", "utf-8-sig"), comma=True),
    "a spreadsheet": Style("table.csv", "#N/A", _spreadsheet(",", "utf-8-sig"), ("FALSE", "TRUE")),
    "a spreadsheet in Europe": Style("table.csv", "", _spreadsheet(";", "utf-8-sig"), ("FALSE", "TRUE"), comma=True),
    "Unicode text": Style("table.txt", "#N/A", _comma_separated("\t", "\r\n", "utf-16"), ("FALSE", "TRUE")),
    "an old Mac": Style("table.csv", "", _comma_separated(",", "\r", "utf-8")),
    "all in quotes": Style("table.csv", "NULL", _comma_separated(",", "\n", "utf-8", csv.QUOTE_ALL)),
    "by hand": Style("table.tsv", "?", _by_hand),
    "a workbook": Style("table.xlsx", "", _workbook),
    "Parquet": Style("table.parquet", "", _parquet),
}

ODD_AGES = ("89+", ">89", "45 y", "unknown", "1,5", "12m", "-9999", "NA", "inf", "0x1F", "1.234,5", "१२")
ODD_LABELS = ("", "NA", "?", "unknown", "None", "2", "m s")


def make(chance: np.random.Generator, folder: Path) -> Sequence[str]:
    rows, label = cohort(chance)
    name = str(chance.choice(list(STYLES)))
    style = STYLES[name]
    kind = str(chance.choice(["as it is", "odd age", "odd label", "odd text", "bytes"], p=[0.4, 0.15, 0.1, 0.15, 0.2]))
    truth = {"kind": kind, "style": name, "rows": [dict(row) for row in rows]}
    row = rows[chance.integers(len(rows))]
    if kind == "odd age":
        row["Age at scan"] = str(chance.choice(ODD_AGES))
    elif kind == "odd label":
        row["label"] = str(chance.choice(ODD_LABELS))
    content = written(rows, style)
    if kind == "odd text":
        content = _with_odd_text(chance, content)
    elif kind == "bytes":
        content = _damaged(chance, content)
    (folder / style.name).write_bytes(content)
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "protocol.yaml").write_text(
        f"cohort:\n  reader: table\n  table: {style.name}\n  label: {label}\n  origins: [site]\n"
        "  covariates: [Age at scan]\n  features: ['GM [ml]', lh_*_thickness, 'vol*']\n  min_origin_size: 1\n"
        "folds: {n: 2}\n"
    )
    if chance.random() < 0.25:
        return ["init", style.name, "--out", "draft.yaml"]
    return ["validate", "protocol.yaml"]


def _with_odd_text(chance: np.random.Generator, content: bytes) -> bytes:
    """Put a mark that is easily lost or added at a random place."""
    mark = chance.choice([b'"', b"'", b",", b";", b"\t", b"\n", b"\r", b"#", b"\xa0", b"\xc2\xa0", b" ", b"\\"])
    place = int(chance.integers(len(content) + 1))
    return content[:place] + bytes(mark) + content[place:]


def _damaged(chance: np.random.Generator, content: bytes) -> bytes:
    """Cut, repeat or overwrite a part."""
    first, last = sorted(int(place) for place in chance.integers(0, len(content) + 1, 2))
    noise = bytes(chance.integers(0, 256, 20, dtype=np.uint8))
    damages = [content[:first], content[:first] + content[last:], content[:last] + content[first:]]
    damages += [content[:first] + noise + content[first + 20 :], b"", noise, content * 3]
    return damages[chance.integers(len(damages))]


def wrong(folder: Path, code: int, text: str) -> str | None:
    """Whether another cohort was read in silence."""
    truth = json.loads((folder / "truth.json").read_text())
    kind, style = truth["kind"], truth["style"]
    if (folder / "draft.yaml").exists() or "draft.yaml" in text:
        return None
    if code != 0:
        return f"refused ({style}): {text.strip()[-200:]}" if kind == "as it is" else None
    if kind == "bytes":
        return None
    cohort_read = read(folder)
    said = " ".join(cohort_read.notes)
    differing = differences(truth["rows"], cohort_read)
    if kind == "odd label":
        differing = differing and [] if "label" in said else differing
    elif kind == "odd age":
        differing = [words for words in differing if not (words.startswith("age") and "Age at scan" in said)]
    elif kind == "odd text":
        # A mark inside a name or a number is part of it; rows and labels must stay.
        differing = [words for words in differing if words.startswith("rows")]
    return f"another cohort ({kind}, {style}): {differing[0]}" if differing else None


def read(folder: Path) -> Any:
    """Read the cohort of a folder again."""
    from biasaudit.cohort.readers.table import TableReader
    from biasaudit.protocol import load_protocol

    return TableReader().read(load_protocol(folder / "protocol.yaml").cohort)


def differences(rows: Sequence[Row], cohort_read: Any) -> list[str]:
    """Name what differs between the rows that were written and the samples that were read."""
    samples = cohort_read.samples
    if len(samples) != len(rows):
        return [f"rows: {len(samples)} of {len(rows)}"]
    found = []
    raw = np.array([[row[name] for name in FEATURES] for row in rows])
    spread = np.subtract(*np.percentile(raw, [75, 25], axis=0))
    scaled = (raw - np.median(raw, axis=0)) / np.where(spread > 0, spread, raw.std(axis=0))
    ill = {row["label"] for row in rows[1::2]}
    for row, sample, features in zip(rows, samples, scaled, strict=True):
        if sample.subject != row["subject"]:
            found.append(f"subject {sample.subject!r} for {row['subject']!r}")
        if sample.positive != (row["label"] in ill):
            found.append(f"label {sample.label!r} for {row['label']!r}")
        if sample.origins["site"].replace("'", '"') != row["site"]:
            found.append(f"site {sample.origins['site']!r} for {row['site']!r}")
        if sample.covariates["Age at scan"] != row["Age at scan"]:
            found.append(f"age {sample.covariates['Age at scan']!r} for {row['Age at scan']!r}")
        if not np.allclose(sample.features, features, atol=1e-6):
            found.append(f"features of {row['subject']}")
    return found
