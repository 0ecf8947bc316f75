import pytest

from biasaudit.cohort.readers.joined_tables import read_tables
from biasaudit.cohort.readers.table import TableReader
from biasaudit.errors import DataError
from biasaudit.protocol import TableCohort

LEFT = ["lh.aparc.thickness\tlh_a\teTIV", "s1\t2.5\t1500", "s2\t2.6\t1600", "s3\t2.7\t1700", "s4\t2.8\t1800"]
RIGHT = ["rh.aparc.thickness\trh_a\teTIV", "s2\t3.6\t1600.0", "s1\t3.5\t1500", "s4\t3.8\t1800", "s3\t3.7\tNA"]
PEOPLE = ["participant_id\tdx\tsite", "sub-s1\tms\ta", "sub-s2\thc\ta", "sub-s3\tms\tb", "sub-s4\thc\tb"]
QUALITY = ["bids_name\tcjv", *(f"sub-s{row}_ses-{visit}_T1w\t0.{row}{visit}" for row in range(1, 5) for visit in "12")]


def settings(*paths, **changed):
    known = {"subject": "participant_id", "label": {"column": "dx", "positive": "ms"}, "origins": ["site"]}
    return TableCohort.model_validate(
        {"reader": "table", "table": list(paths), "min_origin_size": 1, "features": ["*_a"], **known, **changed}
    )


def joined(*paths, **changed):
    return read_tables(settings(*paths, **changed))


def fault(*paths, **changed):
    with pytest.raises(DataError) as caught:
        joined(*paths, **changed)
    return str(caught.value).replace(f"{paths[0].parent}/", "")


def test_tables_of_freesurfer_beside_the_participants(table):
    files = table(PEOPLE, "p.tsv"), table(LEFT, "lh.tsv"), table(RIGHT, "rh.tsv")
    read = joined(*files)
    assert read.column("participant_id") == ["sub-s1", "sub-s2", "sub-s3", "sub-s4"]
    assert read.column("rh_a") == ["3.5", "3.6", "3.7", "3.8"]
    assert read.column("eTIV") == ["1500", "1600", "1700", "1800"]
    assert "rh.tsv: 'participant_id' is its first column, 'rh.aparc.thickness'" in read.notes
    assert read.where(0).endswith("p.tsv:2")
    assert read.where(0, "rh_a").endswith("rh.tsv:3")
    cohort = TableReader().read(settings(*files))
    assert cohort.features == ("lh_a", "rh_a")
    assert [sample.label for sample in cohort.samples] == ["ms", "hc", "ms", "hc"]


def test_a_subject_with_several_rows_has_them_all(table):
    read = joined(table(PEOPLE, "p.tsv"), table(QUALITY, "group.tsv"))
    assert read.column("dx") == ["ms", "ms", "hc", "hc", "ms", "ms", "hc", "hc"]
    assert read.column("cjv")[:3] == ["0.11", "0.12", "0.21"]
    assert "group.tsv: participant_id are read from 'bids_name'" in read.notes


def test_subject_and_session_are_one_key(table):
    images = [
        "participant_id\tses\timage",
        *(f"s{row}\tses-{visit}\t{row}{visit}" for row in range(1, 5) for visit in "21"),
    ]
    read = joined(
        table(images, "i.tsv"), table(QUALITY, "group.tsv"), table(PEOPLE, "p.tsv"), key=["participant_id", "ses"]
    )
    assert read.column("image") == ["12", "11", "22", "21", "32", "31", "42", "41"]
    assert read.column("cjv") == ["0.12", "0.11", "0.22", "0.21", "0.32", "0.31", "0.42", "0.41"]
    assert read.column("dx")[:3] == ["ms", "ms", "hc"]


def test_who_is_in_one_table_only_is_told(table):
    read = joined(table(PEOPLE[:-1], "p.tsv"), table([LEFT[0], *LEFT[2:]], "lh.tsv"))
    assert read.column("participant_id") == ["sub-s2", "sub-s3"]
    assert "p.tsv: 1 without a row in lh.tsv are left out: 's1'" in read.notes
    assert "lh.tsv: 1 without a row in p.tsv are left out: 's4'" in read.notes


def test_numbers_of_subjects_may_have_lost_their_zeros(table):
    read = joined(table(["id\tx", "007\t1", "008\t2"], "a.tsv"), table(["id\ty", "8\t4", "7\t3"], "b.tsv"), key="id")
    assert read.column("y") == ["3", "4"]


def test_a_path_is_relative_to_its_own_table(table, tmp_path):
    (tmp_path / "lists").mkdir()
    images = ["participant_id\timage", *(f"s{row}\t{row}.nii" for row in range(1, 5))]
    files = table(PEOPLE, "p.tsv"), table(images, "lists/i.tsv")
    cohort = TableReader().read(settings(*files, features=[]))
    assert cohort.samples[0].images == (str(tmp_path / "lists" / "1.nii"),)


def test_faults(table):
    people, left = table(PEOPLE, "p.tsv"), table(LEFT, "lh.tsv")
    other = table(["participant_id\teTIV", "s1\t1500", "s2\t9", "s3\t1", "s4\t1800"], "x.tsv")
    assert fault(people, left, other) == (
        "x.tsv:3: column 'eTIV' is '9' here and '1600' at lh.tsv:3 (2 lines: 3, 4); leave it in one of the tables, or "
        "rename one"
    )
    twice = table([*LEFT, LEFT[1]], "twice.tsv")
    assert "several rows of 's1' here and in q.tsv; name the column" in fault(
        table([*PEOPLE, PEOPLE[1]], "q.tsv"), twice
    )
    strangers = table(["participant_id\tx", "t1\t3"], "t.tsv")
    assert "none of its 'participant_id' is in p.tsv: 't1' here, 's1', 's2', 's3' and 1 more there" in fault(
        people, strangers
    )
    assert "n.tsv:1: no column 'participant_id' to join by" in fault(people, table(["id\tx", "s1\t3"], "n.tsv"))
    gap = fault(people, table(["participant_id\tx", "s1\t3", "NA\t4"], "g.tsv"), table(["x\tx", "1\t2"], "two.tsv"))
    assert "g.tsv:3: column 'participant_id' is empty" in gap
    assert "two.tsv:1: two columns are called 'x'" in gap


def test_a_key_needs_several_tables(table):
    with pytest.raises(ValueError, match="`key` joins several tables"):
        settings(table(PEOPLE, "p.tsv"), key="participant_id")
    assert settings("a.tsv").table == settings("a.tsv").tables[0]


def numbered(names, column):
    return [f"participant_id\t{column}", *(f"{name}\t{row}" for row, name in enumerate(names))]


def test_numbers_that_lost_their_zeros_join_beside_those_that_had_none(table):
    known = [f"{number:03d}" for number in (8, 9, 99, 100, 101)]
    read = joined(table(numbered(known, "a"), "a.tsv"), table(numbered(map(int, known), "b"), "b.tsv"))
    assert read.column("participant_id") == known
    assert read.column("b") == ["0", "1", "2", "3", "4"]
    assert read.notes == (
        "b.tsv: 3 that a.tsv spells otherwise are taken for the same: '8', '9', '99' for '008', '009', '099'",
    )


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (["001", "1", "2"], ["1", "2"], r"b.tsv:2: .*'1' here, '001', '1' in a.tsv; write subjects alike"),
        (["001", "2"], ["01", "1", "2"], r"'01', '1' here, '001' in a.tsv"),
        (["p1", "p2"], ["P1", "p1", "p2"], r"'P1', 'p1' here, 'p1' in a.tsv"),
    ],
)
def test_a_subject_that_may_be_one_of_two_is_refused(table, left, right, message):
    with pytest.raises(DataError, match=message):
        joined(table(numbered(left, "a"), "a.tsv"), table(numbered(right, "b"), "b.tsv"))


def test_subjects_that_both_tables_write_much_alike_stay_two(table):
    read = joined(table(numbered(["01", "1"], "a"), "a.tsv"), table(numbered(["1", "01"], "b"), "b.tsv"))
    assert read.column("b") == ["1", "0"]
    assert read.notes == ()


def test_commas_are_decimal_where_semicolons_split_the_cells_of_that_table(table):
    plain = table(["participant_id,tiv,eTIV", 's1,"1,949",', 's2,"1,871",1500'], "a.csv")
    semicolons = table(["participant_id;age;eTIV", "s1;50,125;1,500", "s2;61,250;1500"], "b.csv")
    assert joined(plain, semicolons).comma_columns == {"age"}
    assert joined(semicolons, plain).comma_columns == {"participant_id", "age"}
    assert joined(semicolons, plain).kept([0]).comma_columns == {"participant_id", "age"}
