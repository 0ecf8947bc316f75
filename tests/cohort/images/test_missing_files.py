import pytest

from biasaudit.cohort.images.missing_files import absent_files, missing_file_faults


def named(folder, names, table="table.tsv"):
    return {str(folder / name): f"{folder / table}:{row}" for row, name in enumerate(names, start=2)}


def test_few_files_are_named_one_by_one(tmp_path):
    (tmp_path / "a.png").touch()
    absent = absent_files(named(tmp_path, ["a.png", "aa.png", "x/b.png"]))
    first, second = map(str, missing_file_faults(absent))
    assert first.endswith("aa.png: no such file; did you mean 'a.png'?")
    assert second.endswith(f"the folder {tmp_path / 'x'} does not exist either")


def many(folder, pattern="img/s{}.nii.gz"):
    (fault,) = missing_file_faults(absent_files(named(folder, [pattern.format(row) for row in range(120)])))
    assert fault.where.endswith("table.tsv:2")
    assert "120 of the files that are named, such as " in fault.message
    assert fault.message.count(str(folder)) == 3
    return fault.remedy


def test_many_files_are_one_line(tmp_path):
    assert many(tmp_path) == f"paths are relative to the table ({tmp_path / 'table.tsv'})"


def test_many_files_that_are_elsewhere(tmp_path):
    folder = tmp_path / "lists"
    (tmp_path / "img").mkdir()
    folder.mkdir()
    for row in range(120):
        (tmp_path / "img" / f"s{row}.nii.gz").touch()
    assert many(folder).startswith(f"they exist relative to {tmp_path}: move the table there")
    folder = tmp_path.parent
    assert many(folder).startswith(f"they exist relative to {tmp_path}:")


@pytest.mark.parametrize(
    ("there", "named_as", "remedy"),
    [
        ("s{}.nii.gz", "s{}.nii", "they exist with .gz at their end"),
        ("s{}.nii", "s{}.nii.gz", "they exist without .gz"),
        ("s{}.JPG", "s{}.jpg", "they exist with a suffix in upper case"),
        ("\u00e9{}.nii", "e\u0301{}.nii", "they exist with names in another form of Unicode (NFC)"),
    ],
)
def test_many_files_under_another_name(tmp_path, there, named_as, remedy):
    for row in range(120):
        (tmp_path / there.format(row)).touch()
    assert many(tmp_path, named_as) == remedy


def test_one_file_in_another_form_of_unicode(tmp_path):
    (tmp_path / "\u00e9.nii").touch()
    (fault,) = missing_file_faults(absent_files(named(tmp_path, ["e\u0301.nii"])))
    assert "is there in another form of Unicode" in fault.remedy


def test_drives_of_another_computer(tmp_path):
    assert many(tmp_path, "D:/study/s{}.nii").startswith("they begin with a drive of another computer")
