"""Which version of an image is taken, and what is said where none is chosen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biasaudit.cohort.readers.bids import BidsReader
from biasaudit.cohort.readers.bids_choice import candidates
from biasaudit.cohort.readers.bids_index import index_dataset
from biasaudit.errors import DataError
from biasaudit.protocol import BidsCohort

PEOPLE = "participant_id\tlabel\nsub-1\thc\nsub-2\tms\n"
DERIVED = "derivatives/prep"


def settings(root: Path, **more: object) -> BidsCohort:
    known = {"reader": "bids", "roots": [root], "label": {"positive": "ms"}, "min_origin_size": 1}
    return BidsCohort.model_validate(known | more)


def put(root: Path, *names: str) -> Path:
    """Touch files of both subjects from names such as ``anat/run-1_T1w.nii`` and ``derivatives/x|desc-y_T1w.nii``."""
    (root / "participants.tsv").write_text(PEOPLE)
    for subject in "12":
        for name in names:
            above, _, file = name.rpartition("|")
            place = root / above / f"sub-{subject}" / "anat" / f"sub-{subject}_{file}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    return root


def read(root: Path, **more: object):
    return BidsReader().read(settings(root, **more))


def taken(root: Path, **more: object) -> list[str]:
    return [os.path.basename(path).split("_", 1)[1] for path in read(root, **more).samples[0].images]


def fault(root: Path, **more: object) -> str:
    with pytest.raises(DataError) as caught:
        read(root, **more)
    (only,) = caught.value.faults
    return str(only).replace(str(root), "ds")


VERSIONS = {
    "res": ((f"{DERIVED}|space-MNI_res-1_T1w.nii", f"{DERIVED}|space-MNI_res-2_T1w.nii"), {"space": "MNI"}, "1"),
    "desc": ((f"{DERIVED}|space-M_desc-brain_T1w.nii", f"{DERIVED}|space-M_desc-x_T1w.nii"), {"space": "M"}, "brain"),
    "rec": (("rec-dis_T1w.nii", "rec-norm_T1w.nii"), {}, "dis"),
    "echo": (("echo-1_T2starw.nii", "echo-2_T2starw.nii"), {"suffix": "T2starw"}, "1"),
    "inv": (("inv-1_MP2RAGE.nii", "inv-2_MP2RAGE.nii"), {"suffix": "MP2RAGE"}, "1"),
    "cohort": ((f"{DERIVED}|space-X_cohort-1_T1w.nii", f"{DERIVED}|space-X_cohort-2_T1w.nii"), {"space": "X"}, "1"),
}


@pytest.mark.parametrize(("names", "asked", "first"), VERSIONS.values(), ids=VERSIONS)
def test_versions_are_named_with_the_entity_that_chooses(tmp_path, names, asked, first, request):
    entity = request.node.callspec.id
    root = put(tmp_path, *names)
    told = fault(root, **asked)
    assert told.startswith(f"ds: several images of one kind ({entity} ")
    assert f"choose by `cohort.entities`, such as `{{{entity}: {first}}}`, or remove the others" in told
    assert "set `space`" not in told
    number = int(first) if first.isdigit() else first
    assert taken(root, entities={entity: number}, **asked) == [names[0].rpartition("|")[2]]


def test_two_entities_that_differ_are_chosen_together(tmp_path):
    both = [f"{DERIVED}|space-MNI_res-{res}_desc-{desc}_T1w.nii" for res in "12" for desc in ("brain", "preproc")]
    root = put(tmp_path, *both)
    assert "res 1, 2; desc brain, preproc" in fault(root, space="MNI")
    assert "several images of one kind (desc brain, preproc)" in fault(root, space="MNI", entities={"res": 2})
    chosen = {"res": 2, "desc": "preproc"}
    assert taken(root, space="MNI", entities=chosen) == ["space-MNI_res-2_desc-preproc_T1w.nii"]


def test_one_name_with_two_extensions_has_no_entity_to_choose_by(tmp_path):
    assert fault(put(tmp_path, "T1w.nii", "T1w.nii.gz")).endswith("sub-2_T1w.nii / sub-2_T1w.nii.gz; remove the others")


@pytest.mark.parametrize("part", ["phase", "real", "imag"])
def test_phase_is_left_out_beside_magnitude(tmp_path, part):
    cohort = read(put(tmp_path, "part-mag_T1w.nii", f"part-{part}_T1w.nii"))
    assert [os.path.basename(s.images[0]) for s in cohort.samples] == [f"sub-{n}_part-mag_T1w.nii" for n in "12"]
    assert any("2 phase, real or imaginary images (`part-`) are left out" in note for note in cohort.notes)
    assert taken(tmp_path, entities={"part": part}) == [f"part-{part}_T1w.nii"]


def test_phase_alone_is_no_image(tmp_path):
    assert "no T1w images" in fault(put(tmp_path, "part-phase_T1w.nii"))


def test_other_acquisitions_are_images_of_their_own_and_told(tmp_path):
    root = put(tmp_path, "acq-a_T1w.nii", "acq-b_T1w.nii", "acq-b_run-2_T1w.nii")
    cohort = read(root)
    assert len(cohort.samples) == 6
    (note,) = (note for note in cohort.notes if "differ in" in note)
    assert "sessions with several images that differ in acq (a, b), each taken as an image of its subject" in note
    assert taken(root, entities={"acq": "a"}) == ["acq-a_T1w.nii"]
    assert len(read(root, entities={"acq": ["a", "b"]}).samples) == 6


def test_runs_are_no_news(tmp_path):
    assert not any("differ in" in note for note in read(put(tmp_path, "run-1_T1w.nii", "run-2_T1w.nii")).notes)


def test_runs_of_one_channel_only_are_named(tmp_path):
    root = put(tmp_path, "T1w.nii", "run-1_FLAIR.nii", "run-2_FLAIR.nii")
    told = fault(root, suffix=["T1w", "FLAIR"])
    assert told.startswith("ds: no session and run has all channels (T1w and FLAIR): sub-1_T1w.nii (without FLAIR), ")
    assert "sub-1_run-1_FLAIR.nii (without T1w)" in told
    assert taken(root, suffix=["T1w", "FLAIR"], entities={"run": "01"}) == ["T1w.nii", "run-1_FLAIR.nii"]


@pytest.mark.parametrize("ending", [".NII.GZ", ".nii.GZ", ".NII", ".Nii.Gz"])
def test_upper_case_extensions_are_read(tmp_path, ending):
    assert taken(put(tmp_path, f"T1w{ending}")) == [f"T1w{ending}"]


def test_sidecars_in_upper_case_apply(tmp_path):
    root = put(tmp_path, "T1w.nii")
    (root / "T1w.JSON").write_text('{"Manufacturer": "GE "}')
    assert [sample.origins for sample in read(root, origins=["Manufacturer"]).samples] == [{"Manufacturer": "GE"}] * 2


def test_links_that_were_not_fetched_are_one_line_of_each_kind(tmp_path):
    root = put(tmp_path, "T1w.nii")
    for subject in "12":
        (root / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.json").symlink_to("../../.git/annex/objects/x.json")
    told = fault(root)
    assert told.startswith("ds/sub-1/anat/sub-1_T1w.json: a link whose content is not here (2 files: sub-1_T1w.json, ")
    assert told.endswith("run `datalad get` (or `git annex get`) on it")


@pytest.mark.parametrize(
    "content", [None, "/annex/objects/MD5E-s99--x.tsv\n", "version https://git-lfs.github.com/spec/v1\n"]
)
@pytest.mark.parametrize("name", ["participants.tsv", "dataset_description.json", "T1w.json"])
def test_files_of_a_dataset_that_were_not_fetched(tmp_path, name, content):
    root = put(tmp_path, "T1w.nii")
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(".git/annex/objects/p") if content is None else (root / name).write_text(content)
    told = fault(root)
    assert told.startswith(f"ds/{name}: ")
    assert "whose content is not here" in told
    assert "datalad get" in told or "git lfs pull" in told


def test_sessions_of_a_subject_have_its_name(tmp_path):
    root = tmp_path
    (root / "participants.tsv").write_text(PEOPLE)
    for subject in "12":
        for session in "ab":
            place = root / f"sub-{subject}" / f"ses-{session}" / "anat"
            place.mkdir(parents=True)
            (place / f"sub-{subject}_ses-{session}_T1w.nii").touch()
    assert [sample.subject for sample in read(root).samples] == ["sub-1", "sub-1", "sub-2", "sub-2"]


def test_candidates_of_derivatives_are_taken_where_an_entity_asks_for_them(tmp_path):
    root = put(tmp_path, "T1w.nii", f"{DERIVED}|desc-preproc_T1w.nii")
    files = index_dataset(root).by_subject["1"]
    (raw,) = candidates(files, "T1w", settings(root))
    (derived,) = candidates(files, "T1w", settings(root, entities={"desc": "preproc"}))
    assert (raw.raw, derived.raw) == (True, False)


@pytest.mark.parametrize("asked", [{"acq": "mprage"}, {"run": 1}])
def test_nobody_enters_by_a_derivative_where_raw_images_are_chosen(tmp_path, asked):
    (entity, value), *_ = asked.items()
    root = put(tmp_path, f"{entity}-{value}_T1w.nii", f"{DERIVED}|desc-preproc_T1w.nii")
    (root / "sub-2" / "anat" / f"sub-2_{entity}-{value}_T1w.nii").unlink()
    assert [sample.subject for sample in samples_of(root, entities=asked)] == ["sub-1"]


def samples_of(root: Path, **more: object):
    return BidsReader().read(settings(root, **more), labelled=False).samples


def test_raw_images_among_processed_ones_are_told(tmp_path):
    root = put(tmp_path, "T1w.nii", f"{DERIVED}|desc-preproc_T1w.nii")
    assert not any("among processed ones" in note for note in read(root, entities={"desc": "preproc"}).notes)
    (root / DERIVED / "sub-2" / "anat" / "sub-2_desc-preproc_T1w.nii").unlink()
    notes = read(root, entities={"desc": "preproc"}).notes
    assert any("1 images are raw among processed ones: sub-2_T1w.nii; `cohort.select`" in note for note in notes)
