import importlib
import io
from datetime import date

import pytest

from biasaudit.cohort.readers.manifest import read_manifest
from biasaudit.errors import DataError
from biasaudit.protocol import FileLimits

pa = pytest.importorskip("pyarrow")
openpyxl = pytest.importorskip("openpyxl")


def arrow_table():
    columns = {
        "subject": ["007", "8"],
        "label": [True, False],
        "age": [50.5, None],
        "count": [3, None],
        "day": [date(2019, 3, 1)] * 2,
    }
    return pa.table(columns)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_values_of_arrow_become_text(tmp_path, kind):
    path = tmp_path / f"table.{kind}"
    write = importlib.import_module(f"pyarrow.{kind}")
    (write.write_table if kind == "parquet" else write.write_feather)(arrow_table(), str(path))
    manifest = read_manifest(path)
    assert manifest.frame.to_numpy().tolist() == [
        ["007", "True", "50.5", "3", "2019-03-01"],
        ["8", "False", "", "", "2019-03-01"],
    ]
    assert manifest.lines == (1, 2)


def workbook(path, rows, **options):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    options.get("change", lambda book: None)(book)
    book.save(path)
    return path


def test_a_workbook(tmp_path):
    def change(book):
        book.active["A2"].number_format = "000"
        book.create_sheet("legend").append(["x"])

    rows = [["subject", "label", "age", None], [7, True, 50.5, None], [None] * 4, [8, "#N/A", None, None]]
    manifest = read_manifest(workbook(tmp_path / "t.xlsx", rows, change=change))
    assert manifest.frame.to_numpy().tolist() == [["007", "True", "50.5"], ["8", "#N/A", ""]]
    assert list(manifest.frame.columns) == ["subject", "label", "age"]
    assert manifest.lines == (2, 4)
    assert not manifest.notes


def test_the_first_of_several_sheets_is_read_and_said(tmp_path):
    def change(book):
        for row in (["subject"], ["9"]):
            book.create_sheet("more") if "more" not in book.sheetnames else None
            book["more"].append(row)

    manifest = read_manifest(workbook(tmp_path / "t.xlsx", [["subject"], [7]], change=change))
    assert manifest.column("subject") == ["7"]
    assert manifest.notes == ("t.xlsx: of 2 sheets the first is read, 'Sheet'",)


def test_a_formula_without_a_result_is_a_fault(tmp_path):
    path = workbook(tmp_path / "t.xlsx", [["subject", "age"], ["a", "=1+1"], ["b", 3]])
    with pytest.raises(DataError, match=r"t.xlsx:2: a formula without a stored result; open the workbook"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xlsx", b"PK\x03\x04\x14\x00" + bytes(range(256)), "an Excel workbook that cannot be read"),
        ("t.xls", b"\xd0\xcf\x11\xe0" + bytes(9), r"a workbook of old Excel \(.xls\).*save it as CSV"),
        ("t.ods", b"PK\x03\x04" + bytes(9), "a spreadsheet of OpenDocument, which is not read; save it as CSV"),
        ("t.csv.gz", b"\x1f\x8b" + bytes(9), "a compressed file, which is not read"),
        ("t.zip", b"PK\x03\x04", "a compressed file, which is not read"),
        ("t.sav", b"$FL2", "a file of SPSS, which is not read"),
        ("t.parquet", b"PAR1" + bytes(40) + b"PAR1", "a Parquet file that cannot be read"),
        ("t.feather", b"ARROW1" + bytes(40), "a Feather file that cannot be read"),
    ],
)
def test_what_is_no_table_is_told_in_words(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path / name)


@pytest.mark.parametrize(("kind", "package"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_without_the_extra_the_remedy_is_named(tmp_path, monkeypatch, kind, package):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    (tmp_path / f"t.{kind}").write_bytes(b"PAR1" if kind == "parquet" else b"PK\x03\x04")
    with pytest.raises(DataError, match=rf"{package} is not installed; pip install 'biasaudit\[tables\]'"):
        read_manifest(tmp_path / f"t.{kind}")


def test_what_is_packed_too_well_is_refused(tmp_path):
    content = io.BytesIO()
    importlib.import_module("pyarrow.parquet").write_table(pa.table({"x": [7] * 25_000_000}), content)
    (tmp_path / "t.parquet").write_bytes(content.getvalue())
    with pytest.raises(DataError, match="unpacked, expected at most"):
        read_manifest(tmp_path / "t.parquet", FileLimits(table_megabytes=1))


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_one_text_that_is_repeated_counts_as_often_as_it_is_read(tmp_path, kind):
    write = importlib.import_module(f"pyarrow.{kind}")
    text = pa.array(["x" * 100_000] * 30)
    for number, column in enumerate((text, text.dictionary_encode())):
        path = tmp_path / f"{number}.{kind}"
        (write.write_table if kind == "parquet" else write.write_feather)(pa.table({"x": column}), str(path))
        assert path.stat().st_size < 50_000
        with pytest.raises(DataError, match="unpacked, expected at most 2 MB; raise `cohort"):
            read_manifest(path, FileLimits(table_megabytes=1))
        assert len(read_manifest(path, FileLimits(table_megabytes=4)).rows) == 30
