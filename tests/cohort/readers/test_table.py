from pathlib import Path

import numpy as np
import pytest

from biasaudit.cohort.readers.table import TableReader
from biasaudit.errors import DataError
from biasaudit.protocol import GridSettings, LabelSettings, TableCohort
from biasaudit.registry import get

HEADER = "subject\timage\tlabel\torigin\tage"
ROWS = [
    "007\timg/7.nii.gz\thealthy\ta\t34",
    "8\timg/8.nii.gz\thealthy\tb\tn/a",
    "9\timg/9.nii.gz\tms\ta\t50",
    "10\timg/10.nii.gz\tms\tb\t51",
]


def read(path, labelled=True, **settings):
    known = {"label": {"column": "label", "positive": "ms"}, "origins": ["origin"], "min_origin_size": 1}
    cohort = TableCohort.model_validate({"reader": "table", "table": path} | known | settings)
    return TableReader().read(cohort, labelled=labelled)


def faults(path, **settings):
    """Faults of the cells; the images of these tables are not there."""
    return [fault for fault in all_faults(path, **settings) if "no such file" not in fault]


def all_faults(path, **settings):
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    return [str(fault).replace(f"{path.parent}/", "") for fault in caught.value.faults]


def test_registered():
    assert get("reader", "table") is TableReader


def test_samples(table, tmp_path):
    cohort = read(table([HEADER, *ROWS]), covariates=["age"])
    first = cohort.samples[0]
    assert (first.subject, first.label, first.positive, first.origins) == ("007", "healthy", False, {"origin": "a"})
    assert first.images == (str(tmp_path / "img/7.nii.gz"),)
    assert first.where.endswith("table.tsv:2")
    assert cohort.classes == ("healthy", "ms")
    assert (cohort.factors, cohort.dimensions, cohort.channels) == (("origin",), 3, 1)
    assert [sample.covariates["age"] for sample in cohort.samples] == [34.0, None, 50.0, 51.0]


def test_csv_and_channels(table):
    path = table(["subject,t1,t2,label,origin", "1,a.png,b.png,hc,x", "2,c.png,d.png,ms,x"], "t.csv")
    cohort = read(path, image=["t1", "t2"])
    assert (cohort.channels, cohort.dimensions) == (2, 2)
    assert [Path(image).name for image in cohort.samples[1].images] == ["c.png", "d.png"]


def test_a_single_origin_is_no_error(table):
    assert len(read(table([HEADER, *(row.replace("\tb\t", "\ta\t") for row in ROWS)])).samples) == 4


def test_mask_column_is_found_and_marks_pathology_where_there_is_any(table):
    rows = [f"{row}\tm{k}.nii.gz" for k, row in enumerate(ROWS)]
    rows[3] = ROWS[3] + "\t"
    cohort = read(table([HEADER + "\tmask", *rows]))
    assert [sample.has_mask for sample in cohort.samples] == [False, False, True, False]
    assert [sample.mask is None for sample in cohort.samples] == [False, False, False, True]
    assert "pathology masks are taken from the column 'mask'" in cohort.notes
    assert "no pathology mask: 10" in cohort.notes
    assert any("taken for places to erase, not for pathology" in note for note in cohort.notes)
    everywhere = read(table([HEADER + "\tmask", *rows]), mask_in="all")
    assert [sample.has_mask for sample in everywhere.samples] == [True, True, True, False]


def test_optional_columns(table, tmp_path):
    rows = [f"{row}\tb.nii\tg.nii\tw.nii\tc.nii\ttrain" for row in ROWS]
    path = table([HEADER + "\tbrain\tgm\twm\tcsf\tpart", *rows])
    first = read(path, brain_mask="brain", tissue=["gm", "wm", "csf"], split="part").samples[0]
    assert first.brain_mask == str(tmp_path / "b.nii")
    assert first.tissue == tuple(str(tmp_path / name) for name in ("g.nii", "w.nii", "c.nii"))
    assert first.split == "train"


def test_missing_table(tmp_path):
    assert faults(tmp_path / "no.tsv") == ["no.tsv: no such table; give the path of a CSV or TSV table"]


def test_empty_table(table):
    assert faults(table([HEADER])) == ["table.tsv:1: the table has no rows; write one row per image below the header"]


def test_wrong_column_names_all_at_once(table):
    found = faults(table([HEADER, *ROWS]), image="imgae", origins=["orign"], covariates=["Age"])
    assert found == [
        "table.tsv:1: no column 'imgae'; did you mean 'image'?",
        "table.tsv:1: no column 'orign'; did you mean 'origin'?",
        "table.tsv:1: no column 'Age'; did you mean 'age'?",
    ]


def test_duplicate_rows(table):
    assert faults(table([HEADER, *ROWS, ROWS[0]])) == [
        "table.tsv:6: repeats table.tsv:2 (same subject and image); drop one of the two rows"
    ]


def test_same_image_under_two_subjects(table):
    (fault,) = faults(table([HEADER, *ROWS, "11\t./img/../img/7.nii.gz\thealthy\ta\t1"]))
    assert fault.startswith("table.tsv:6: image img/7.nii.gz belongs to '11' here and to '007' at table.tsv:2")


def test_same_subject_under_two_labels(table):
    assert faults(table([HEADER, *ROWS, "007\timg/x.nii.gz\tms\ta\t1"])) == [
        "table.tsv:6: subject '007' is 'ms' here and 'healthy' at table.tsv:2; one subject has one label; "
        "correct or drop a row"
    ]


def test_empty_cells_and_other_faults_at_once(table):
    found = faults(table([HEADER, *ROWS, "\timg/x.nii.gz\tms\ta\t1", "12\t\t\tn/a\t1", ROWS[0]]))
    assert [line.split(";")[0] for line in found] == [
        "table.tsv:7: column 'image' is empty",
        "table.tsv:6: column 'subject' is empty",
        "table.tsv:7: column 'origin' is empty",
        "table.tsv:7: no label in column 'label'",
        "table.tsv:8: repeats table.tsv:2 (same subject and image)",
    ]


def test_a_column_empty_in_many_rows_is_one_line(table):
    empty = [f"n{number}\timg/n{number}.nii.gz\t\t\t1" for number in range(80)]
    assert faults(table([HEADER, *ROWS, *empty])) == [
        "table.tsv:6: column 'origin' is empty (80 lines: 6, 7, 8, 9, 10 and 75 more); fill it in or leave the row out",
        "table.tsv:6: no label in column 'label' (80 lines: 6, 7, 8, 9, 10 and 75 more); fill it in, or leave the row "
        "out by `select`",
    ]


def test_unknown_label(table):
    (fault,) = faults(table([HEADER, *ROWS, "11\tx.nii\tMS?\ta\t1"]), label={"positive": "ms", "negative": "healthy"})
    assert fault.startswith("table.tsv:6: unknown label 'MS?' (rows: 1), expected 'ms' or 'healthy'")


def test_select(table):
    cohort = read(table([HEADER, *ROWS]), select="age >= 34 and origin in ['a', 'b']")
    assert [sample.subject for sample in cohort.samples] == ["007", "9", "10"]
    assert [sample.where[-1] for sample in cohort.samples] == ["2", "4", "5"]
    assert "select \"age >= 34 and origin in ['a', 'b']\" leaves out 1 of 4 rows" in cohort.notes


def test_select_that_keeps_nothing_or_attacks(table):
    path = table([HEADER, *ROWS])
    assert faults(path, select="age > 99") == [
        "table.tsv: select: 'age > 99' keeps no row; check the values it compares with"
    ]
    (fault,) = faults(path, select="__import__('os').getcwd() == 'x'")
    assert "a function call" in fault
    assert "is not allowed" in fault


def test_small_origins_are_pooled(table):
    rows = [f"{k}\t{k}.nii\t{'ms' if k % 2 else 'hc'}\t{'big' if k < 6 else f'o{k // 2}'}\t1" for k in range(10)]
    cohort = read(table([HEADER, *rows]), min_origin_size=3)
    assert [sample.origins["origin"] for sample in cohort.samples[5:]] == ["big", *["other"] * 4]
    assert any("pooled as 'other': o3 (2), o4 (2)" in note for note in cohort.notes)


def test_several_images_of_a_subject_are_noted(table):
    cohort = read(table([HEADER, *ROWS, "007\timg/7b.nii.gz\thealthy\ta\t34"]))
    assert "1 subjects have several images; they stay in one fold" in cohort.notes


def test_new_images_need_paths_and_subjects_only(table):
    path = table(["subject\timage", "1\ta.nii.gz"])
    cohort = read(path, labelled=False, mask="lesion", covariates=["age"])
    only = cohort.samples[0]
    assert (only.label, only.positive, only.origins, only.has_mask) == ("", False, {"origin": ""}, False)
    with pytest.raises(DataError, match="no column 'subject'"):
        read(table(["image", "a.nii.gz"]), labelled=False)


def test_real_pictures(data):
    settings = TableCohort(
        reader="table", table=data / "cxr/table.tsv", label=LabelSettings(positive="pneumonia"), origins=["origin"]
    )
    reader = TableReader()
    cohort = reader.read(settings)
    grid = reader.grid(cohort, GridSettings())
    loaded = reader.load(cohort.samples[0], grid, "auto")
    assert len(cohort.samples) == 320
    assert cohort.classes == ("normal", "pneumonia")
    assert (grid.shape, grid.affine) == ((128, 128), None)
    assert loaded.image.shape == (1, 128, 128)
    assert 0.3 < loaded.image.max() <= 1.0
    assert np.isclose(loaded.foreground.mean(), 0.75**2)


@pytest.mark.parametrize(("cell", "what"), [("9\t", "subject"), ("\ta\t50", "origin"), ("\tms\t", "label")])
@pytest.mark.parametrize("name", ["x" * 257, '"a\nb"'])
def test_names_that_are_none(table, cell, what, name):
    new = {"subject": f"{name}\t", "origin": f"\t{name}\t50", "label": f"\t{name}\t"}[what]
    (fault,) = faults(table([HEADER, ROWS[0], ROWS[1], ROWS[2].replace(cell, new, 1)]), label={"positive": "healthy"})
    assert fault == (
        f"table.tsv:4: {what}: expected a name of one line and at most 256 characters; "
        "is a quotation mark missing in the table?"
    )


@pytest.mark.parametrize("odd", ["\0", "\x1b", "\x85", "\x7f"])
def test_control_characters_are_refused(table, odd):
    (fault,) = faults(table([HEADER, ROWS[0].replace("a", f"a{odd}"), ROWS[1], ROWS[2].replace("a", f"a{odd}")]))
    assert fault.startswith(
        f"table.tsv:2: a control character ({odd!r}) (2 lines: 2, 4); save the table as plain UTF-8"
    )


def test_a_table_is_no_larger_than_the_limits_say(table):
    path = table([HEADER, *ROWS, *(f"{n}\timg/{n}.nii.gz\tms\ta\t{'5' * 200}" for n in range(100, 9000))])
    (fault,) = faults(path, limits={"table_megabytes": 1})
    assert "expected at most 1 MB (cohort.limits.table_megabytes)" in fault


def test_a_table_that_is_no_file(tmp_path):
    assert faults(tmp_path) == [f"{tmp_path.name}: cannot be read (a folder, expected a regular file)"]


def test_cells_of_all_columns_and_files_that_are_missing_come_at_once(table):
    header = f"{HEADER}\tvolume\tlogit\tmask"
    rows = [f"{row}\t{1 + k}\t{k / 2}\tNA" for k, row in enumerate(ROWS * 3)]
    rows = [row.replace("img/", f"img/{k}/").replace("\t", f"{k}\t", 1) for k, row in enumerate(rows)]
    rows[0] = rows[0].replace("healthy", "?")
    rows[1] = rows[1].replace("\tb\t", "\tnull\t")
    ages = [row.split("\t") for row in rows]
    text = ["\t".join([*row[:4], "old" if k == 5 else str(40 + k), *row[5:]]) for k, row in enumerate(ages)]
    found = all_faults(table([header, *text]), covariates=["age"])
    assert [fault.split(";")[0].split(" (")[0].removeprefix("table.tsv:") for fault in found] == [
        "3: column 'origin' is empty",
        "2: no label in column 'label'",
        "7: covariate 'age': no number in 1 of 12 cells",
        "2: no such file: 12 of the files that are named, such as img/0/7.nii.gz, img/1/8.nii.gz, img/2/9.nii.gz",
    ]


@pytest.mark.parametrize("sign", ["NA", "nan", "None", ".", "?"])
def test_signs_of_missing_values_are_missing_in_every_column(table, sign):
    header = f"{HEADER}\tmask\tbrain\tgm\tjac\tsplit"
    path = table([header, *(f"{row}\t{sign}\t{sign}\t{sign}\tj{k}.nii\t{sign}" for k, row in enumerate(ROWS))])
    (fault,) = faults(path, brain_mask="brain", tissue=["gm"], maps=["jac"], split="split")
    assert fault.startswith(f"table.tsv:2: column 'gm' is empty ('{sign}') (4 lines")
    sample = read(path, brain_mask="brain", maps=["jac"], split="split").samples[3]
    assert (sample.mask, sample.brain_mask, sample.split, sample.has_mask) == (None, None, "", False)
    rows = [ROWS[0], *(row.replace(f"{row.split(chr(9))[0]}\t", f"{sign}\t", 1) for row in ROWS[1:])]
    assert f"column 'subject' is empty ('{sign}')" in faults(table([HEADER, *rows]))[0]


def test_backslashes_in_paths_are_read_and_said(table, tmp_path):
    cohort = read(table([HEADER, *(row.replace("img/", "img\\") for row in ROWS)]))
    assert cohort.samples[0].images == (str(tmp_path / "img/7.nii.gz"),)
    assert "backslashes in the paths of 4 rows are read as /" in cohort.notes
    (tmp_path / "img\\7.nii.gz").touch()
    cohort = read(table([HEADER, *(row.replace("img/", "img\\") for row in ROWS)]))
    assert cohort.samples[0].images == (str(tmp_path / "img\\7.nii.gz"),)


def test_notes_of_the_table_and_of_its_filter_are_kept(table):
    path = table(["# by hand", HEADER, *ROWS])
    notes = read(path, select="age >= 34 or label == 'healthy'").notes
    assert notes[0].startswith("table.tsv: 1 lines of comments are left out")
    assert notes[1].startswith("select")


def test_subjects_that_are_written_much_alike_are_said(table):
    rows = [ROWS[0], ROWS[1].replace("8\t", "07\t", 1), ROWS[2], ROWS[3]]
    assert (
        "subjects that are written much alike count as different ones: '007', '07'"
        in read(table([HEADER, *rows])).notes
    )


def test_a_column_that_is_not_there_hides_no_other_fault(table):
    rows = [ROWS[0].replace("healthy", "NA"), *ROWS[1:3], ROWS[3].replace("\tb\t", "\t?\t")]
    found = faults(table([HEADER, *rows]), covariates=["sex", "age"], mask="lesion")
    assert [fault.split(";")[0] for fault in found] == [
        "table.tsv:1: no column 'lesion'",
        "table.tsv:1: no column 'sex'",
        "table.tsv:2: no label in column 'label' ('NA')",
        "table.tsv:5: column 'origin' is empty ('?')",
    ]
    found = faults(table([HEADER, *ROWS]), covariates=["sex"], select="agee > 3")
    assert [fault.split(";")[0] for fault in found] == [
        "table.tsv:1: no column 'sex'",
        "table.tsv: select: no column 'agee'",
    ]
