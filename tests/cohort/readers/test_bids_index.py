import time
from pathlib import Path

import pytest
from cohort.readers.bids_tree import build

from biasaudit.cohort.readers.bids_index import dataset_name, index_dataset
from biasaudit.errors import DataError


def test_names_are_parsed(tmp_path):
    build(tmp_path, 1)
    (tmp_path / "T1w.json").touch()
    (tmp_path / "sub-0000/anat/notes.txt").touch()
    (tmp_path / "sub-0000/anat/.hidden_T1w.nii.gz").touch()
    index = index_dataset(tmp_path)
    assert [file.suffix for file in index.shared] == ["T1w"]
    files = {Path(file.path).name: file for file in index.by_subject["0000"]}
    assert len(files) == 14
    image = files["sub-0000_space-MNI_res-2_desc-preproc_T1w.nii.gz"]
    assert image.entities == {"sub": "0000", "space": "MNI", "res": "2", "desc": "preproc"}
    assert (image.suffix, image.extension, image.raw, image.is_image) == ("T1w", ".nii.gz", False, True)
    assert files["sub-0000_T1w.nii.gz"].raw


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        index_dataset(tmp_path / "no")


def test_name_falls_back_to_the_folder(tmp_path):
    assert dataset_name(tmp_path) == tmp_path.name
    (tmp_path / "dataset_description.json").write_text('{"Name": " A "}')
    assert dataset_name(tmp_path) == "A"


@pytest.mark.slow
def test_five_hundred_subjects_in_two_seconds(tmp_path):
    build(tmp_path, 500)
    start = time.perf_counter()
    index = index_dataset(tmp_path)
    assert time.perf_counter() - start < 2
    assert len(index.subjects) == 500
