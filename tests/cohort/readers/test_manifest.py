import pytest

from biasaudit.cohort.readers.manifest import read_manifest
from biasaudit.errors import DataError


def test_text_stays_text(table):
    manifest = read_manifest(table(["subject\tage", "007\t34"]))
    assert manifest.cell(0, "subject") == "007"
    assert manifest.cell(0, "age") == "34"
    assert manifest.where(0).endswith("table.tsv:2")


def test_absent_column_is_empty(table):
    assert read_manifest(table(["subject", "1"])).cell(0, "label") == ""


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("a.csv", ["x,y", "1,2"]),
        ("a.csv", ["x;y", "1;2"]),
        ("a.tsv", ["x,y", "1,2"]),
        ("a.txt", ["x\ty", "1\t2"]),
        ("a.csv", ["\ufeffx,y", "", " 1 ,2"]),
        ("a.csv", ["x,y", '"1",2']),
    ],
)
def test_delimiters_marks_and_quotes(table, name, rows):
    manifest = read_manifest(table(rows, name))
    assert list(manifest.frame.columns) == ["x", "y"]
    assert manifest.frame.to_numpy().tolist() == [["1", "2"]]


def test_lines_count_blank_lines_and_line_breaks_in_cells(table):
    manifest = read_manifest(table(["x,y", "", '"a\nb",1', "c,2"], "a.csv"))
    assert manifest.lines == (3, 5)


def test_missing_table_suggests_a_neighbour(table, tmp_path):
    table(["x", "1"], "table.tsv")
    with pytest.raises(DataError, match=r"tabel.tsv: no such table; did you mean 'table.tsv'\?"):
        read_manifest(tmp_path / "tabel.tsv")


@pytest.mark.parametrize("rows", [["subject\tlabel"], [""]])
def test_empty_table(table, rows):
    with pytest.raises(DataError, match=r"table.tsv:1: the table has no rows"):
        read_manifest(table(rows))


def test_all_ragged_rows_and_repeated_columns_at_once(table):
    with pytest.raises(DataError) as caught:
        read_manifest(table(["x\ty\tx", "1\t2", "1\t2\t3", "1\t2\t3\t4"]))
    lines = str(caught.value).splitlines()
    assert [line.split("table.tsv")[1].split(";")[0] for line in lines] == [
        ":1: two columns are called 'x'",
        ":2: 2 cells, expected 3 as in the header",
        ":4: 4 cells, expected 3 as in the header",
    ]


def test_not_utf8(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_bytes("x\ty\nM\xfcller\t1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"table.tsv:2: not UTF-8 text \(byte 0xfc\); save the table as UTF-8"):
        read_manifest(path)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_marks_of_the_byte_order_say_how_text_is_coded(tmp_path, coding):
    path = tmp_path / "table.tsv"
    mark = "\ufeff" if coding == "utf-16-be" else ""
    path.write_bytes(f"{mark}x\ty\nM\u00fcller\t1\n".encode(coding))
    assert read_manifest(path).column("x") == ["M\u00fcller"]


def test_thousands_of_columns(tmp_path):
    names = [f"f{place}" for place in range(5000)]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([",".join(names), *[",".join(["1.5"] * 5000)] * 20]))
    manifest = read_manifest(path)
    assert manifest.column("f4999") == ["1.5"] * 20
