import json
from pathlib import Path

import pytest

from biasaudit.cohort.images.alignment import alignment
from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.cohort.images.template import tissue_priors
from biasaudit.cohort.readers.bids import BidsReader
from biasaudit.errors import DataError
from biasaudit.protocol import BidsCohort, GridSettings
from biasaudit.registry import get

PEOPLE = ["participant_id\tage\tlabel", "sub-01\t30\thc", "sub-02\t40\tms", "sub-03\tn/a\thc", "sub-04\t60\tms"]


@pytest.fixture
def dataset(tmp_path):
    """Write a dataset of empty files."""

    def write(name="one", people=PEOPLE, subjects=("01", "02", "03", "04"), images=("T1w",), extra=(), title=None):
        root = tmp_path / name
        root.mkdir()
        if people is not None:
            (root / "participants.tsv").write_text("\n".join(people) + "\n")
        if title is not None:
            (root / "dataset_description.json").write_text(json.dumps({"Name": title}))
        for subject in subjects:
            for image in images:
                put(root / f"sub-{subject}" / "anat" / f"sub-{subject}_{image}.nii.gz")
        for path in extra:
            put(root / path)
        return root

    return write


def put(path: Path, content: object = ""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def read(*roots, labelled=True, **settings):
    known = {"label": {"positive": "ms"}, "min_origin_size": 1}
    cohort = BidsCohort.model_validate({"reader": "bids", "roots": list(roots)} | known | settings)
    return BidsReader().read(cohort, labelled=labelled)


def faults(*roots, **settings):
    with pytest.raises(DataError) as caught:
        read(*roots, **settings)
    return [str(fault).replace(f"{roots[0].parent}/", "") for fault in caught.value.faults]


def names(sample):
    return [Path(image).name for image in sample.images]


def test_registered():
    assert get("reader", "bids") is BidsReader


def test_samples(dataset):
    cohort = read(dataset(title="One"), covariates=["age"])
    second = cohort.samples[1]
    assert [sample.subject for sample in cohort.samples] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    assert (second.label, second.positive, second.origins) == ("ms", True, {"dataset": "One"})
    assert second.where.endswith("participants.tsv:3")
    assert names(second) == ["sub-02_T1w.nii.gz"]
    assert [sample.covariates["age"] for sample in cohort.samples] == [30.0, 40.0, None, 60.0]
    assert (cohort.dimensions, cohort.channels, cohort.classes) == (3, 1, ("hc", "ms"))
    assert "One: 4 images (T1w) of 4 subjects" in cohort.notes


def test_missing_folder_and_table_at_once(dataset, tmp_path):
    found = faults(tmp_path / "no", dataset(people=None))
    assert found == [
        "no: no such folder; give the folder that holds participants.tsv",
        "one: no participants.tsv; write one with the columns participant_id and label",
    ]


def test_wrong_label_column(dataset):
    people = ["participant_id\tdiagnosis\tlable", *(f"sub-0{k}\thc\thc" for k in range(1, 5))]
    (fault,) = faults(dataset(people=people))
    assert fault == "one/participants.tsv:1: no column 'label'; did you mean 'lable'?"


def test_repeated_participant(dataset):
    (fault,) = faults(dataset(people=[*PEOPLE, "01\t3\tms"]))
    assert fault == "one/participants.tsv:6: repeats participant '01'; drop one of the rows"


def test_participants_without_images_and_images_without_participants(dataset):
    root = dataset(people=[*PEOPLE, "sub-05\t1\tms"])
    assert "one: 1 participants without T1w: sub-05" in read(root).notes
    put(root / "sub-09/anat/sub-09_T1w.nii.gz")
    assert faults(root) == [
        "one/participants.tsv: no row for sub-09, which has images; add the row, or move the images away; "
        "to audit a part, keep all rows and set `cohort.select`"
    ]


def test_a_shortened_table_is_one_line(dataset):
    root = dataset()
    for number in range(10, 90):
        put(root / f"sub-{number}/anat/sub-{number}_T1w.nii.gz")
    (fault,) = faults(root)
    assert fault.startswith(
        "one/participants.tsv: no row for 80 subjects that have images: sub-10, sub-11, sub-12, sub-13, sub-14 and "
        "75 more; add the rows, or move the images away; to audit a part"
    )


def test_origins_empty_in_many_rows_are_one_line(dataset):
    root = dataset(people=[f"{row}\t{site}" for row, site in zip(PEOPLE, ("site", "a", "", "n/a", "a"), strict=True)])
    assert faults(root, origins=["site"]) == [
        "one/participants.tsv:3: sub-02, sub-03: origin 'site' is empty; fill it in or leave the row out"
    ]


def test_unknown_and_single_label(dataset):
    (fault,) = faults(dataset("x"), label={"positive": "ms", "negative": "healthy"})[:1]
    assert fault.startswith("x/participants.tsv:2: unknown label 'hc' (rows: 2), expected 'ms' or 'healthy'")
    (fault,) = faults(dataset("y", people=[row.replace("hc", "ms") for row in PEOPLE]))
    assert fault.startswith("y/participants.tsv: every row is 'ms'; a classifier needs two classes")


def test_wrong_suffix_names_what_is_there(dataset):
    (fault,) = faults(dataset(), suffix="FLAIR")
    assert fault == "one: no FLAIR images in sub-*/anat; suffixes present: T1w; spaces present: none"


def test_channels_and_missing_channels(dataset):
    root = dataset(images=("T1w", "acq-x_FLAIR"))
    (root / "sub-03/anat/sub-03_acq-x_FLAIR.nii.gz").unlink()
    cohort = read(root, suffix=["T1w", "FLAIR"])
    assert cohort.channels == 2
    assert names(cohort.samples[0]) == ["sub-01_T1w.nii.gz", "sub-01_acq-x_FLAIR.nii.gz"]
    assert len(cohort.samples) == 3
    assert "one: left out because a channel is missing: sub-03_T1w.nii.gz (without FLAIR)" in cohort.notes


def test_sessions_and_runs_are_samples(dataset):
    extra = [
        f"sub-01/ses-{s}/anat/sub-01_ses-{s}_run-{r}_{x}.nii.gz" for s in "ab" for r in "12" for x in ("T1w", "T2w")
    ]
    cohort = read(dataset(images=("T1w", "T2w"), subjects=("02",), extra=extra), suffix=["T1w", "T2w"])
    assert [names(sample)[0] for sample in cohort.samples] == [
        *(f"sub-01_ses-{s}_run-{r}_T1w.nii.gz" for s in "ab" for r in "12"),
        "sub-02_T1w.nii.gz",
    ]
    assert names(cohort.samples[1])[1] == "sub-01_ses-a_run-2_T2w.nii.gz"


def test_several_spaces(dataset):
    root = dataset(images=("space-MNI_T1w", "T1w"))
    (fault,) = faults(root)
    assert fault.startswith(
        "one: several images of one kind (space none, MNI): sub-01_T1w.nii.gz / sub-01_space-MNI_T1w.nii.gz, sub-02_"
    )
    assert fault.endswith("set `space` to the one to take, or remove the others")
    assert names(read(root, space="MNI").samples[0]) == ["sub-01_space-MNI_T1w.nii.gz"]


def test_space_may_live_in_the_derivatives(dataset):
    extra = [f"derivatives/prep/sub-0{k}/anat/sub-0{k}_space-MNI_desc-preproc_T1w.nii.gz" for k in range(1, 5)]
    root = dataset(extra=extra)
    assert names(read(root).samples[0]) == ["sub-01_T1w.nii.gz"]
    assert names(read(root, space="MNI").samples[0]) == ["sub-01_space-MNI_desc-preproc_T1w.nii.gz"]
    assert "spaces present: MNI" in faults(root, space="mni")[0]


def test_derivatives_as_root(dataset, tmp_path):
    dataset(extra=[f"derivatives/prep/sub-0{k}/anat/sub-0{k}_desc-preproc_T1w.nii.gz" for k in range(1, 5)])
    cohort = read(tmp_path / "one/derivatives/prep")
    assert names(cohort.samples[0]) == ["sub-01_desc-preproc_T1w.nii.gz"]


@pytest.mark.parametrize(
    ("masks", "taken"),
    [
        (["label-lesion_mask"], "label-lesion_mask"),
        (["label-lesion_roi"], "label-lesion_roi"),
        (["label-tumour_mask"], None),
        (["space-T1w_label-L_mask", "space-MNI_res-2_label-L_mask"], "space-MNI_res-2_label-L_mask"),
        (["space-MNI_res-1_label-L_mask", "space-MNI_res-2_label-L_mask"], "space-MNI_res-2_label-L_mask"),
        (["space-MNI_res-2_label-lesion_mask", "space-MNI_res-2_label-L_mask"], "space-MNI_res-2_label-L_mask"),
        (["space-T1w_label-L_mask"], None),
    ],
)
def test_pathology_mask(dataset, masks, taken):
    extra = [f"derivatives/les/sub-0{k}/anat/sub-0{k}_{mask}.nii.gz" for mask in masks for k in (1, 2)]
    cohort = read(dataset(images=("space-MNI_res-2_T1w",), extra=extra))
    found = [sample.mask and Path(sample.mask).name for sample in cohort.samples]
    assert found == [None, taken and f"sub-02_{taken}.nii.gz", None, None]
    assert [sample.has_mask for sample in cohort.samples] == [False, taken is not None, False, False]
    elsewhere = any("in another space than the images: sub-02" in note for note in cohort.notes)
    assert elsewhere == (masks == ["space-T1w_label-L_mask"])
    if taken:
        assert any(note.startswith("1 of 2 samples of the negative class have a mask") for note in cohort.notes)
        assert "no pathology mask: sub-04" in cohort.notes


def test_mask_labels_are_in_order_of_preference(dataset):
    root = dataset(extra=[f"derivatives/les/sub-02/anat/sub-02_label-{label}_mask.nii.gz" for label in ("L", "lesion")])
    cohort = read(root, mask_labels=["lesion", "L"])
    assert cohort.samples[1].mask.endswith("label-lesion_mask.nii.gz")
    assert not any("several pathology masks" in note for note in cohort.notes)


def test_several_masks_that_fit_are_noted(dataset):
    extra = [f"derivatives/les/sub-02/anat/sub-02_label-L_desc-{rater}_mask.nii.gz" for rater in "ab"]
    cohort = read(dataset(extra=extra))
    assert cohort.samples[1].mask.endswith("desc-a_mask.nii.gz")
    assert "several pathology masks fit, the first by name is taken: sub-02" in cohort.notes


def test_masks_of_another_session_do_not_fit(dataset):
    extra = [f"sub-02/ses-{s}/anat/sub-02_ses-{s}_T1w.nii.gz" for s in "ab"]
    extra.append("derivatives/les/sub-02/ses-b/anat/sub-02_ses-b_label-L_mask.nii.gz")
    cohort = read(dataset(subjects=("01", "03", "04"), extra=extra))
    patient = [sample for sample in cohort.samples if sample.subject == "sub-02"]
    assert [sample.has_mask for sample in patient] == [False, True]


def test_brain_masks_and_tissue(dataset):
    folder = "derivatives/prep/sub-0{}/anat/sub-0{}_"
    files = ["desc-brain_mask", "space-MNI_desc-brain_mask", *(f"label-{t}_probseg" for t in ("WM", "GM", "CSF"))]
    extra = [f"{folder.format(1, 1)}{file}.nii.gz" for file in files]
    extra += [f"{folder.format(2, 2)}{file}.nii.gz" for file in ("probseg", "space-MNI_label-GM_probseg")]
    extra.append(f"{folder.format(3, 3)}space-MNI_desc-brain_mask.nii.gz")
    cohort = read(dataset(extra=extra))
    first, second, third = cohort.samples[:3]
    assert third.brain_mask is None
    assert Path(first.brain_mask).name == "sub-01_desc-brain_mask.nii.gz"
    assert [Path(path).name for path in first.tissue] == [
        f"sub-01_label-{t}_probseg.nii.gz" for t in ("GM", "WM", "CSF")
    ]
    assert [Path(path).name for path in second.tissue] == ["sub-02_probseg.nii.gz"]
    assert "no tissue maps, so those of the others are not used: sub-03, sub-04" in cohort.notes


@pytest.mark.parametrize(("subjects", "maps"), [((1, 2, 3, 4), 4), ((1, 2), 3)])
def test_lesion_maps_are_taken_where_everybody_has_one(subjects, maps, dataset):
    folder = "derivatives/prep/sub-0{}/anat/sub-0{}_label-{}_probseg.nii.gz"
    extra = [folder.format(n, n, label) for n in (1, 2, 3, 4) for label in ("GM", "WM", "CSF")]
    extra += [folder.format(n, n, "lesion") for n in subjects]
    cohort = read(dataset(extra=extra))
    assert {len(sample.tissue) for sample in cohort.samples} == {maps}
    assert any("lesion probability maps of 2 of 4" in note for note in cohort.notes) == (maps == 3)


def test_sidecars_are_inherited_and_the_nearest_wins(dataset):
    root = dataset()
    put(root / "T1w.json", {"Manufacturer": "Siemens", "MagneticFieldStrength": 3})
    put(root / "T2w.json", {"Manufacturer": "Philips"})
    put(root / "acq-x_T1w.json", {"Manufacturer": "Canon"})
    put(root / "sub-02/sub-02_T1w.json", {"Manufacturer": "GE"})
    put(root / "sub-02/anat/sub-02_T1w.json", {"MagneticFieldStrength": 1.5})
    cohort = read(root, origins=["Manufacturer", "dataset"], covariates=["MagneticFieldStrength"])
    assert [sample.origins["Manufacturer"] for sample in cohort.samples] == ["Siemens", "GE", "Siemens", "Siemens"]
    assert [sample.covariates["MagneticFieldStrength"] for sample in cohort.samples] == [3.0, 1.5, 3.0, 3.0]


def test_raw_sidecars_apply_to_derivatives(dataset):
    extra = [f"derivatives/prep/sub-0{k}/anat/sub-0{k}_space-MNI_T1w.nii.gz" for k in range(1, 5)]
    root = dataset(extra=extra)
    for k in range(1, 5):
        put(root / f"sub-0{k}/anat/sub-0{k}_T1w.json", {"Manufacturer": "GE"})
    assert read(root, space="MNI", origins="Manufacturer").samples[0].origins == {"Manufacturer": "GE"}


def test_conflict_between_table_and_sidecar_is_noted(dataset):
    people = [f"{row}\t{field}" for row, field in zip(PEOPLE, ("Field", "3", "3", "n/a", "3.0"), strict=True)]
    root = dataset(people=people)
    put(root / "T1w.json", {"Field": 3})
    put(root / "sub-02/sub-02_T1w.json", {"Field": 7})
    cohort = read(root, origins="Field")
    assert [sample.origins["Field"] for sample in cohort.samples] == ["3", "3", "3", "3"]
    assert "Field: participants.tsv and sidecar disagree, participants.tsv is taken: sub-02" in cohort.notes


def test_broken_sidecar(dataset):
    root = dataset()
    put(root / "T1w.json", "{")
    (fault,) = faults(root)
    assert fault.startswith("one/T1w.json: not a readable JSON file (")


def test_unknown_and_empty_origins(dataset):
    root = dataset(people=[f"{row}\t{site}" for row, site in zip(PEOPLE, ("site", "a", "n/a", "a", "a"), strict=True)])
    put(root / "T1w.json", {"Manufacturer": "GE"})
    assert faults(root, origins=["manufacturer", "site"]) == [
        "one/participants.tsv: 'manufacturer' is neither a column of participants.tsv nor a field of a sidecar; "
        "did you mean 'Manufacturer'?",
        "one/participants.tsv:3: sub-02: origin 'site' is empty; fill it in or leave the row out",
    ]


def test_several_datasets(dataset):
    first = dataset("one", title="A")
    second = dataset(
        "two", people=["participant_id\tlabel", "sub-04\tms", "sub-11\thc"], subjects=("04", "11"), title="B"
    )
    cohort = read(first, second, covariates=["age"])
    assert [sample.subject for sample in cohort.samples] == [
        *("sub-01", "sub-02", "sub-03", "A/sub-04"),
        *("B/sub-04", "sub-11"),
    ]
    assert [sample.origins["dataset"] for sample in cohort.samples] == ["A"] * 4 + ["B"] * 2
    assert cohort.samples[-1].covariates == {"age": None}
    assert "subjects of the same name in several datasets, prefixed by the dataset: 04" in cohort.notes


def test_datasets_of_the_same_name_are_told_apart_by_folder(dataset):
    cohort = read(dataset("one", title="A"), dataset("two", title="A"))
    assert {sample.origins["dataset"] for sample in cohort.samples} == {"one", "two"}


def test_select_knows_columns_and_sidecars(dataset):
    root = dataset()
    put(root / "sub-02/sub-02_T1w.json", {"Manufacturer": "GE"})
    cohort = read(root, select="age < 60 or Manufacturer == 'GE'")
    assert [sample.subject for sample in cohort.samples] == ["sub-01", "sub-02"]
    assert faults(root, select="age > 999") == ["select: 'age > 999' keeps no image; check the values it compares with"]


def test_select_takes_missing_cells_for_empty_texts(dataset):
    cohort = read(dataset(), select="age != ''")
    assert [sample.subject for sample in cohort.samples] == ["sub-01", "sub-02", "sub-04"]


def test_new_images_need_no_table(dataset):
    cohort = read(dataset(people=None), labelled=False, origins=["Manufacturer"])
    assert [sample.label for sample in cohort.samples] == [""] * 4


def openms(data, **settings):
    known = {"suffix": ["FLAIR", "T1w"], "label": {"column": "diagnosis", "positive": "MS"}}
    return read(
        data / "openms", labelled=False, origins=["dataset", "site"], covariates=["age", "sex"], **known, **settings
    )


def test_real_dataset_has_one_class(data):
    (fault,) = faults(data / "openms", label={"column": "diagnosis", "positive": "MS"})
    assert fault.startswith("openms/participants.tsv: every row is 'MS'; a classifier needs two classes")


def test_real_images_and_masks_are_aligned(data):
    cohort = openms(data)
    assert cohort.samples[0].covariates == {"age": 53.0, "sex": "F"}
    inspection = inspect_files(cohort, GridSettings(), {})
    assert inspection.faults == ()
    reader = BidsReader()
    grid = reader.grid(cohort, GridSettings())
    assert (grid.shape, grid.spacing) == ((46, 55, 46), (4.0, 4.0, 4.0))
    white = tissue_priors(grid)[1] > 0.8
    loaded = [reader.load(sample, grid, "auto") for sample in cohort.samples]
    for one in loaded:
        flair = one.image[0]
        assert one.mask.any()
        assert (one.mask & one.foreground).sum() > 0.95 * one.mask.sum()
        assert 16_000 < one.foreground.sum() < 20_000
        assert flair[one.mask].mean() > 1.1 * flair[white & one.foreground & ~one.mask].mean()
    report = alignment([one.image for one in loaded], [one.foreground for one in loaded], ["07", "19", "26"])
    assert report.dice.min() > 0.9
