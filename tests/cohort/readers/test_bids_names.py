import pytest

from biasaudit.cohort.readers.bids_names import subjects_of_names


@pytest.mark.parametrize(
    ("cells", "subjects"),
    [
        (["sub-01_ses-1_T1w", "sub-01_ses-2_T1w", "sub-02_ses-1_T1w"], ["sub-01", "sub-01", "sub-02"]),
        (["sub-01_T1w", "sub-02_T1w"], ["sub-01", "sub-02"]),
        (["sub-01_ses-1", "sub-02"], ["sub-01", "sub-02"]),
        (["sub-01/ses-1/anat/sub-01_ses-1_run-1_bold.nii.gz"] * 2, ["sub-01"] * 2),
        ([r"C:\\data\\sub-01_task-rest_bold.nii.gz"], ["sub-01"]),
    ],
)
def test_subjects_of_names(cells, subjects):
    found, notes = subjects_of_names(cells, "bids_name")
    assert found == subjects
    assert f"'bids_name' holds names of BIDS files such as {cells[0]}: sub-01 is taken" in notes[0]


@pytest.mark.parametrize(
    ("cell", "subject"),
    [
        ("sub-001_site-A_ses-1_T1w", "sub-001_site-A"),
        ("sub-001_UCL_ses-2", "sub-001_UCL"),
        ("sub-1_acq-x_run-2_t1w.nii.gz", "sub-1"),
    ],
)
def test_words_that_bids_does_not_know_stay_in_the_name(cell, subject):
    assert subjects_of_names([cell], "id")[0] == [subject]


@pytest.mark.parametrize(
    "cells",
    [
        ["sub-01", "sub-02"],
        ["sub-001_UCL", "sub-001_KCL"],
        ["sub-001_site-A", "sub-001_site-B"],
        ["sub-001_cohort-1"],
        ["pat_1", "pat_2"],
        [],
        ["sub-1_a b"],
    ],
)
def test_other_names_stay(cells):
    assert subjects_of_names(cells, "subject") == (cells, [])


def test_a_cell_is_read_alike_beside_any_other():
    assert subjects_of_names(["phantom", "sub-00_ses-1_T1w", "sub-00"], "id")[0] == ["phantom", "sub-00", "sub-00"]
