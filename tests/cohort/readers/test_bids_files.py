"""Which files of a BIDS subject belong together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cohort.readers.bids_tree import build

from biasaudit.cohort.readers.bids_files import companions, group_images, map_faults
from biasaudit.cohort.readers.bids_index import index_dataset
from biasaudit.protocol import BidsCohort, LabelSettings


def test_group_and_companions(tmp_path):
    build(tmp_path, 1)
    files = index_dataset(tmp_path).by_subject["0000"]
    settings = BidsCohort(reader="bids", roots=[tmp_path], label=LabelSettings(positive="x"), space="MNI")
    ((image,),) = group_images(files, settings).images
    found = companions(files, image, settings)
    assert Path(found.brain_mask).name == "sub-0000_space-MNI_res-2_desc-brain_mask.nii.gz"
    assert [Path(path).name for path in found.tissue] == [
        f"sub-0000_space-MNI_res-2_label-{tissue}_probseg.nii.gz" for tissue in ("GM", "WM", "CSF")
    ]
    assert (found.mask, found.several) == (None, False)


def touched(root: Path, *names: str):
    """Files of subject 1, from names such as ``anat/ses-1_T1w.nii.gz`` or ``derivatives/x/...``."""
    for name in names:
        folder, _, file = name.rpartition("/")
        place = root / "derivatives" / "x" / "sub-1" / "anat" if folder else root / "sub-1" / "anat"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"sub-1_{file}").touch()
    return index_dataset(root).by_subject["1"]


def settings_of(root: Path, **more) -> BidsCohort:
    return BidsCohort.model_validate({"reader": "bids", "roots": [root], "label": {"positive": "x"}, **more})


def names_of(groups) -> list[list[str]]:
    return [[Path(file.path).name for file in images] for images in groups.images]


def test_sessions_are_samples_and_incomplete_ones_are_named(tmp_path):
    files = touched(tmp_path, "ses-1_T1w.nii", "ses-1_FLAIR.nii", "ses-2_T1w.nii")
    groups = group_images(files, settings_of(tmp_path, suffix=["T1w", "FLAIR"]))
    assert names_of(groups) == [["sub-1_ses-1_T1w.nii", "sub-1_ses-1_FLAIR.nii"]]
    assert groups.incomplete == ("sub-1_ses-2_T1w.nii (without FLAIR)",)


def test_two_versions_of_one_image_are_ambiguous_and_two_runs_are_not(tmp_path):
    files = touched(tmp_path, "run-1_T1w.nii", "run-2_T1w.nii", "run-2_space-MNI_T1w.nii")
    groups = group_images(files, settings_of(tmp_path))
    assert names_of(groups) == [["sub-1_run-1_T1w.nii"]]
    ((first, second),) = groups.ambiguous
    assert [Path(file.path).name for file in (first, second)] == [
        "sub-1_run-2_T1w.nii",
        "sub-1_run-2_space-MNI_T1w.nii",
    ]


def test_a_mask_of_another_session_or_space_is_not_taken(tmp_path):
    files = touched(tmp_path, "ses-1_space-A_T1w.nii", "x/ses-2_label-L_mask.nii", "x/ses-1_space-B_label-L_mask.nii")
    settings = settings_of(tmp_path)
    ((image,),) = group_images(files, settings).images
    found = companions(files, image, settings)
    assert (found.mask, found.elsewhere) == (None, True)


def test_the_label_named_first_wins(tmp_path):
    files = touched(tmp_path, "T1w.nii", "x/label-L_mask.nii", "x/label-lesion_mask.nii")
    for labels, expected in ((["L", "lesion"], "label-L"), (["lesion", "L"], "label-lesion")):
        settings = settings_of(tmp_path, mask_labels=labels)
        ((image,),) = group_images(files, settings).images
        found = companions(files, image, settings)
        assert expected in found.mask
        assert not found.several


def test_a_map_that_is_missing_or_there_twice_is_a_fault(tmp_path):
    files = touched(tmp_path, "T1w.nii", "x/desc-a_jacobian.nii", "x/desc-b_jacobian.nii")
    settings = settings_of(tmp_path, maps=["jacobian", "thickness"])
    ((image,),) = group_images(files, settings).images
    found = companions(files, image, settings)
    faults = map_faults(found, image, "participants.tsv:2", settings)
    assert [fault.message.split(" (")[0] for fault in faults] == [
        "2 files with the suffix 'jacobian'",
        "0 files with the suffix 'thickness'",
    ]
    assert map_faults(replace(found, maps=(("a",), ("b",))), image, "", settings) == []
