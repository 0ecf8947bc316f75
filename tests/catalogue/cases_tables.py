"""What a user may get wrong in a table, a list or the files that they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalogue.case import Case, sound, write_protocol, write_table

Rows = list[dict[str, str]]


def _cells(change: Callable[[Rows], object], *says: str, code: int = 3, lines: int = 1, **cohort: Any) -> Case:
    """Change rows of the sound cohort, which has an age in each."""

    def make(folder: Path) -> None:
        rows = sound(folder)
        for number, row in enumerate(rows):
            row["age"] = str(30 + number)
        change(rows)
        write_table(folder, rows)
        write_protocol(folder, cohort={"covariates": ["age"], **cohort})

    return Case(make, says, code=code, lines=lines)


def _cell(name: str, value: str, *says: str, row: int = 3, **options: Any) -> Case:
    return _cells(lambda rows: rows[row].__setitem__(name, value), *says, **options)


def _column(name: str, values: Callable[[int], str], *says: str, **options: Any) -> Case:
    def change(rows: Rows) -> None:
        for number, row in enumerate(rows):
            row[name] = values(number)

    return _cells(change, *says, **options)


def _text(change: Callable[[str], str | bytes], *says: str, name: str = "table.tsv", **options: Any) -> Case:
    """Change the text of the sound table."""

    def make(folder: Path) -> None:
        sound(folder)
        text = change((folder / "table.tsv").read_text())
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        write_protocol(folder, cohort={"table": name, **options.pop("cohort", {})})

    return Case(make, says, **options)


def _features(change: Callable[[Rows], object], *says: str, code: int = 3, lines: int = 1, **cohort: Any) -> Case:
    def make(folder: Path) -> None:
        rows = sound(folder, n=12)
        for number, row in enumerate(rows):
            del row["image"]
            row |= {"GM [ml]": f"{600 + number**1.5:.2f}", "WM [ml]": f"{500 + number % 5}.5"}
        change(rows)
        write_table(folder, rows)
        write_protocol(
            folder,
            cohort={"features": ["GM [ml]", "WM [ml]"], **cohort},
            target={"network": "mlp", "network_arguments": {}},
        )

    return Case(make, says, code=code, lines=lines)


def _scores(change: Callable[[Rows], object], *says: str, lines: int = 1) -> Case:
    def make(folder: Path) -> None:
        rows = sound(folder)
        scores = [{"subject": row["subject"], "logit": f"{0.3 * n - 1:.2f}"} for n, row in enumerate(rows)]
        change(scores)
        write_table(folder, scores, "scores.tsv")
        write_protocol(folder, cohort={"predictions": "scores.tsv"})

    return Case(make, says, lines=lines)


def _tables(second: str, *says: str, **cohort: Any) -> Case:
    def make(folder: Path) -> None:
        sound(folder)
        (folder / "more.tsv").write_text(second)
        write_protocol(folder, cohort={"table": ["table.tsv", "more.tsv"], **cohort})

    return Case(make, says)


def _listed(content: bytes, *says: str) -> Case:
    def make(folder: Path) -> None:
        sound(folder)
        (folder / "seen.txt").write_bytes(content)
        target = {"network": "cnn", "weights": "w.pt", "training_subjects": "seen.txt"}
        write_protocol(folder, target=target)
        (folder / "w.pt").write_bytes(b"")

    return Case(make, says)


def _words(*words: str) -> Callable[[int], str]:
    return lambda number: words[number % len(words)]


def _elsewhere(folder: Path) -> None:
    rows = sound(folder)
    (folder / "lists").mkdir()
    write_table(folder, rows, "lists/table.tsv")
    write_protocol(folder, cohort={"table": "lists/table.tsv"})


def _one_image(rows: Rows) -> None:
    rows[1]["image"] = rows[0]["image"]


def _third(value: str) -> Callable[[Rows], None]:
    return lambda rows: rows[2].update({"GM [ml]": value})


def _with_comma(cell: str) -> str:
    return cell.replace(".", ",")


def _all(name: str, change: Callable[[str], str]) -> Callable[[Rows], None]:
    def changed(rows: Rows) -> None:
        for row in rows:
            row[name] = change(row[name])

    return changed


MISSING = {
    f"a diagnosis that is {sign!r}": _cell(
        "label", sign, "table.tsv:5", "no label in column 'label'", f"'{sign}'", "fill it in", label={"positive": "ms"}
    )
    for sign in ("NA", "nan", "#N/A", "None", ".", "?", "--")
}
ROLES = {
    "a subject that is nan": _cell("subject", "nan", "table.tsv:5", "column 'subject' is empty ('nan')", "fill it in"),
    "a site that is NA": _cell("site", "NA", "table.tsv:5", "column 'site' is empty ('NA')", "write another one"),
    "an image that is null": _cell("image", "null", "table.tsv:5", "column 'image' is empty ('null')", "fill it in"),
    "sites of which five are empty": _column(
        "site", lambda number: "" if number < 5 else "b", "table.tsv:2", "column 'site' is empty (5 lines", "fill it in"
    ),
    "a mask that is NA": _cells(
        lambda rows: [row.__setitem__("mask", "NA") for row in rows], "pathology masks are taken", code=0
    ),
}
COVARIATES = {
    "an age of 89+": _cell("age", "89+", "covariate 'age': '89+' (1 rows) is read as the number itself", code=0),
    "an age with its unit": _cell("age", "45 y", "table.tsv:5", "covariate 'age'", "'45 y'", "without units"),
    "an age in words": _cell("age", "unknown", "table.tsv:5", "no number in 1 of 8 cells ('unknown')", "`n/a`"),
    "ages of DICOM": _column("age", lambda n: f"{30 + n:03d}Y", "table.tsv:2", "'030Y', '031Y'", "without units"),
    "ages with decimal commas": _column(
        "age", lambda n: f"5{n},5", "covariate 'age' is read with decimal commas", code=0
    ),
    "ages with commas and points": _column("age", _words("50,1", "50.2"), "table.tsv:2", "in two ways ('50,1')"),
    "ages with commas that may part thousands": _column(
        "age", lambda n: f"1,{200 + n}", "can be read in two ways", "decimal point"
    ),
    "an age that is -9999": _cell("age", "-9999", "'-9999' (1 rows) is taken for a code of missing values", code=0),
    "an age that is NA": _cell("age", "NA", "covariate 'age': missing where it is 'NA' (1 rows)", code=0),
}
LABELS = {
    "a label in other case": _cell("label", "MS", "label 'MS' (rows: 1) is read as 'ms'", code=0),
    "a label that is unknown": _cell("label", "unclear", "table.tsv:5", "unknown label 'unclear'", "`select`"),
    "the column of subjects as label": _cells(
        lambda rows: [row.__setitem__("group", f"g{n}") for n, row in enumerate(rows)],
        *("table.tsv:2", "8 unknown labels ('g0', 'g1', 'g2' and 5 more)", "is it the column of the label?"),
        lines=1,
        label={"column": "group", "positive": "ms", "negative": "healthy"},
    ),
    "a label that is an origin": _cells(
        len, "'site' is both the label and an origin", label={"column": "site", "positive": "a"}
    ),
    "a subject of two classes": _cell(
        "subject", "s2", "table.tsv:5", "'s2' is 'ms' here and 'healthy' at", "one label"
    ),
    "one image of two subjects": _cells(_one_image, "table.tsv:3", "belongs to 's1' here and to 's0'"),
}
SELECT = {
    "a filter on a column with blanks": _cells(
        len, "select", "cannot be parsed", "in backticks where a name holds blanks", select="Age at scan > 3"
    ),
    "a filter that quotes its column": _cells(len, "'Age' and 3 are no columns", "in backticks", select="'Age' > 3"),
    "a filter on numbers in quotes": _cells(len, "'30' in quotes is a text", "write 30", select="age > '30'"),
    "a filter on no column": _cells(len, "no column 'ages'", "did you mean 'age'?", select="ages > 3"),
    "a filter that keeps nothing": _cells(len, "keeps no row", "check the values", select="age > 300"),
    "a filter on words as numbers": _column(
        "age", _words("young", "30", "31", "32"), "select compares 'age' with a number", "'young' (2 rows)", code=0,
        covariates=[], select="age > 3",
    ),
}  # fmt: skip
TEXTS = {
    "a quote that is never closed": _text(
        lambda text: text.replace("s3", '"s3'), "table.tsv:5", "a quotation mark is not closed", "in quotes"
    ),
    "quotes that swallow rows": _text(
        lambda text: text.replace("s2", '"s2').replace("\ta\n", '\ta"\n'), "table.tsv:4", "quotation mark"
    ),
    "a row that is too short": _text(
        lambda text: text.replace("\tms\tb\n", "\tms\n", 1), "table.tsv:5", "3 cells, expected 4"
    ),
    "a row that is too long": _text(
        lambda text: text.replace("\tms", "\tms\tms", 1), "table.tsv:3", "5 cells, expected 4"
    ),
    "a column twice": _text(
        lambda text: text.replace("image", "site", 1), "table.tsv:1", "two columns are called 'site'", "rename"
    ),
    "a header alone": _text(
        lambda text: text.split("\n")[0], "table.tsv:1", "the table has no rows", "one row per image"
    ),
    "a row behind #": _text(lambda text: text.replace("s3", "#s3"), "table.tsv:5", "the row begins with #", "delete"),
    "text of another coding": _text(
        lambda text: text.replace("s3", "sé").encode("latin-1"), "table.tsv:5", "not UTF-8", "save"
    ),
    "a NUL": _text(lambda text: text.replace("s3", "s\0"), "table.tsv:5", "a control character", "plain UTF-8"),
    "a workbook that is damaged": _text(
        lambda text: b"PK\x03\x04" + text.encode(),
        "t.xlsx",
        "an Excel workbook that cannot be read",
        "CSV",
        name="t.xlsx",
    ),
    "an old workbook": _text(lambda text: b"\xd0\xcf\x11\xe0", "t.xls", "old Excel", "save it as CSV", name="t.xls"),
    "a spreadsheet of another program": _text(lambda text: b"PK\x03\x04", "t.ods", "OpenDocument", "CSV", name="t.ods"),
    "a damaged Parquet file": _text(
        lambda text: b"PAR1PAR1", "t.parquet", "a Parquet file that cannot be read", name="t.parquet"
    ),
    "comments": _text(lambda text: f"# mine\n{text}", "1 lines of comments are left out", code=0),
    "row names of R": _text(
        lambda text: "\n".join(f"{n}\t{line}" if n else line for n, line in enumerate(text.strip().split("\n"))),
        "taken for row names",
        code=0,
    ),
    "a table that is not there": Case(
        lambda folder: (sound(folder), write_protocol(folder, cohort={"table": "tabel.tsv"})),
        ("tabel.tsv: no such table", "did you mean 'table.tsv'?"),
    ),
}
FILES = {
    "all images elsewhere": Case(_elsewhere, ("table.tsv:2", "no such file: 8 of the files", "they exist relative to")),
    "images without their .gz": _cells(
        _all("image", lambda path: f"{path}.gz"), "8 of the files", "they exist without .gz"
    ),
    "images on a drive": _cells(
        _all("image", lambda path: f"D:\\mri\\{path}"), "8 of the files", "drive of another computer"
    ),
    "backslashes": _cells(
        _all("image", lambda path: f".\\{path}"), "backslashes in the paths of 8 rows are read as /", code=0
    ),
    "one image that is misspelt": _cell(
        "image", "33.nii", "table.tsv:5", "33.nii: no such file", "did you mean '3.nii'?"
    ),
    "cells and files": _cells(
        lambda rows: [row.update(site="", image=f"x/{row['image']}") for row in rows[:5]], "table.tsv:2", lines=2
    ),
}
FEATURES = {
    "features with decimal commas": _features(_all("GM [ml]", _with_comma), "decimal commas", code=0),
    "a feature with a word": _features(_third("large"), "table.tsv:4", "'large'", "finite"),
    "a feature that is missing": _features(_third("NA"), "table.tsv:4", "is empty ('NA')"),
    "a feature with a bound": _features(_third("<600"), "table.tsv:4", "'<600'"),
    "a feature that is -9999": _features(_third("-9999"), "stands for a missing value"),
    "a feature that is not there": _features(len, "no column fits the feature 'GM [mm]'", "did you mean 'GM [ml]'?",
                                             features=["GM [mm]"]),
    "an answer as feature": _features(len, "'site' is a feature and an answer at once", features=["GM [ml]", "si*"]),
    "a feature that is always the same": _features(_all("GM [ml]", lambda cell: "1"), "is the same in all rows"),
}  # fmt: skip
OTHERS = {
    "a score that is missing": _scores(
        lambda rows: rows[2].update(logit="NA"), "scores.tsv:4", "'NA', expected a finite"
    ),
    "scores with commas and points": _scores(
        lambda rows: rows[2].update(logit="0,5"), "can be read in two ways ('0,5'"
    ),
    "subjects without a score": _scores(
        lambda rows: rows.__delitem__(slice(3)), "3 subjects ('s0', 's1', 's2') have no score"
    ),
    "a second table of strangers": _tables(
        "subject\tage\nx1\t3\n", "more.tsv", "none of its 'subject' is in table.tsv"
    ),
    "a second table without the key": _tables(
        "id\tage\ns1\t3\n", "more.tsv:1", "no column 'subject' to join by", "`key`"
    ),
    "a second table that disagrees": _tables(
        "subject\tsite\n" + "".join(f"s{n}\ta\n" for n in range(8)),
        "more.tsv:4",
        "column 'site' is 'a' here and 'b' at",
    ),
    "a key for one table": Case(
        lambda folder: (sound(folder), write_protocol(folder, cohort={"key": ["subject"]})),
        ("protocol.yaml", "`key` joins several tables"),
    ),
    "a list of training subjects in other case": _listed(
        b"\xef\xbb\xbfs0\r\nS1\r\n", "seen.txt", "'S1'", "did you mean 's1'?"
    ),
}
CASES: dict[str, Case] = {
    **MISSING,
    **ROLES,
    **COVARIATES,
    **LABELS,
    **SELECT,
    **TEXTS,
    **FILES,
    **FEATURES,
    **OTHERS,
}
