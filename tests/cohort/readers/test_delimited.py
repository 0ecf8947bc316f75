from pathlib import Path

import pytest

from biasaudit.cohort.readers.delimited import parse_text
from biasaudit.errors import DataError

PLAIN = (["subject", "label"], [["007", "ms"], ["008", "hc"]])


def cells(text, name="table.csv"):
    return parse_text(Path(name), text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "subject,label\n007,ms\n008,hc\n"),
        ("t.csv", "subject,label\r\n007,ms\r\n008,hc\r\n"),
        ("t.csv", "subject,label\r007,ms\r008,hc\r"),
        ("t.csv", "sep=;\r\nsubject;label\r\n007;ms\r\n008;hc\r\n"),
        ("t.csv", "subject,label,,\n007,ms,,\n\n008,hc,,\n,,,\n,,,\n"),
        ("t.csv", "subject,label\n007,ms,\n008,hc,\n"),
        ("t.csv", "# made by hand\nsubject,label\n007,ms\n# a break\n008,hc\n"),
        ("t.csv", "\u200bsubject , label\n007\u00a0,ms \n 008,hc\n"),
        ("t.csv", 'subject,label\n="007",ms\n"=""008""",hc\n'),
        ("t.tsv", '"subject"\t"label"\n"007"\t"ms"\n"008"\t"hc"\n'),
        ("t.txt", '"subject" "label"\n"007" "ms"\n"008" "hc"\n'),
        ("t.txt", "subject|label\n007|ms\n008|hc\n"),
    ],
)
def test_one_table_however_it_is_written(name, text):
    read = cells(text, name)
    assert (read.header, read.rows) == PLAIN


def test_row_names_of_r_get_a_column_of_their_own():
    read = cells('"subject"\t"label"\n"1"\t"007"\t"ms"\n"2"\t"008"\t"hc"\n', "t.tsv")
    assert read.header == ["row.names", "subject", "label"]
    assert read.rows == [["1", "007", "ms"], ["2", "008", "hc"]]
    assert "row names ('1', '2')" in read.notes[0]


def test_row_names_before_rows_whose_last_cell_is_empty():
    read = cells('"subject" "label" "note"\n"1" "007" "ms" ""\n"2" "008" "hc" "x"\n', "t.txt")
    assert read.rows == [["1", "007", "ms", ""], ["2", "008", "hc", "x"]]


@pytest.mark.parametrize("header", ['""', "", "Unnamed: 0"])
def test_a_column_of_positions_stays(header):
    assert cells(f"{header},subject\n1,007\n2,008\n").header == [header.strip('"'), "subject"]


@pytest.mark.parametrize("cell", ['"he said ""no"""', '"he said \\"no\\""'])
def test_quotes_inside_of_quotes(cell):
    assert cells(f'subject,note\n007,{cell}\n008,"a, b"\n').rows == [["007", 'he said "no"'], ["008", "a, b"]]


def test_lines_are_counted_over_breaks_in_cells():
    read = cells('subject,note,age\n007,"a\nb",1\n\n008,c,2\n')
    assert read.lines == (2, 5)
    assert read.rows[0] == ["007", "a\nb", "1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('s\tnote\n1\tok\n2\t"repeat\n3\tok\n', "t.tsv:3: a quotation mark is not closed"),
        ('s\tnote\n1\t"repeat\n2\t"again\n3\tok\n', "t.tsv:2: a quotation mark is not closed"),
        ('s\tnote\n1\t"repeat\n2\tok"\n3\tok\n', "t.tsv:2: one cell goes over several lines that look like rows"),
        ("s\tnote\n1\n2\n3\tok\n", r"t.tsv:2: 1 cells, expected 2 as in the header \(2 lines: 2, 3\)"),
        ("s\ts\tx\tx\n1\t2\t3\t4\n", "t.tsv:1: two columns are called 's'"),
        ("\t\tx\n1\t2\t3\n", "t.tsv:1: two columns have no name"),
        ("s\tx\n#1\t2\n3\t4\n", "t.tsv:2: the row begins with #: a comment, or a name?"),
        ("s\tx\n1\ta\t\n2\tb\t\n", "t.tsv:1: every row has one cell more than the header: row names in front, or"),
        (
            "Export of May\ns\tx\ty\n1\t2\t3\n",
            "t.tsv:2: 3 cells, expected 1 as in the header .*delete a title above it",
        ),
        ("<!DOCTYPE html>\n<p>", "t.tsv:1: a web page, XML or JSON, no table"),
        ('[{"s": 1}]', "t.tsv:1: a web page, XML or JSON, no table"),
        ("s\tx\n", "t.tsv:1: the table has no rows"),
        ("", "t.tsv:1: the table has no rows"),
        ("s\tx\n1\t\0\n", r"t.tsv:2: a control character \('\\x00'\)"),
        (f"s\tx\n1\t{'x' * 200_000}\n", "t.tsv:2: not a table"),
    ],
)
def test_faults(text, message):
    with pytest.raises(DataError, match=f"^{message}"):
        cells(text, "t.tsv")


def test_ragged_rows_and_repeated_columns_come_at_once():
    with pytest.raises(DataError) as caught:
        cells("x\ty\tx\n1\t2\n1\t2\t3\n1\t2\t3\t4\n", "t.tsv")
    assert len(caught.value.faults) == 3


def test_semicolons_are_told():
    assert cells("a;b\n1,5;2\n").semicolons
    assert not cells("a,b\n1,2\n").semicolons


def test_a_value_that_is_missing_is_no_comment():
    assert cells("s,x\n#N/A,2\n3,4\n").rows == [["#N/A", "2"], ["3", "4"]]


def test_commas_in_a_note_of_two_lines_split_nothing_between_tabs():
    read = cells('s\tnote\tx\n1\t"tired,\nslept badly, coughed, left"\t2\n2\tok\t3\n', "t.tsv")
    assert [row[2] for row in read.rows] == ["2", "3"]
