"""`init` on small trees and tables: what is found, what is guessed, what is left open, and that the rest is sound."""

from __future__ import annotations

import json
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from biasaudit.drafting.initialise import initialise, model_of
from biasaudit.drafting.profile_bids import profile_bids
from biasaudit.drafting.protocol_text import Model
from biasaudit.errors import DataError, UsageError
from biasaudit.protocol import parse_protocol
from biasaudit.registry import get

BALL = ((np.indices((8, 9, 8)) - 4.0) ** 2).sum(0) < 10


def image(path: Path, data: np.ndarray = BALL) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(data.astype(np.float32), np.diag([8.0, 8.0, 8.0, 1.0])), path)


@pytest.fixture
def tree(tmp_path):
    """Write a dataset with one image per row of its participants.tsv."""

    def write(
        name: str, header: str, rows: list[str], sidecar: dict[str, object] | None = None, **extra: object
    ) -> Path:
        root = tmp_path / name
        root.mkdir()
        lines = [f"participant_id\t{header}", *(f"sub-{name}{n}\t{row}" for n, row in enumerate(rows))]
        (root / "participants.tsv").write_text("\n".join(lines) + "\n")
        for number in range(len(rows)):
            stem = root / f"sub-{name}{number}" / "anat" / f"sub-{name}{number}"
            image(stem.with_name(f"{stem.name}_T1w.nii.gz"))
            if sidecar is not None:
                stem.with_name(f"{stem.name}_T1w.json").write_text(json.dumps(sidecar))
            for file in extra.get("masks", ()):
                image(root / "derivatives" / "lesions" / stem.name / "anat" / f"{stem.name}_{file}.nii.gz")
        return root

    return write


def look(*roots: Path, out: Path | None = None, model: Model | None = None, bids: bool = True):
    path = out or roots[0].parent / "protocol.yaml"
    first = initialise(roots, model or Model(), path, bids=bids, force=True)
    return first, path.read_text(encoding="utf-8"), path


def cohort_of(text: str, path: Path):
    protocol = parse_protocol(text, path)
    return get("reader", protocol.cohort.reader)().read(protocol.cohort)


def section(first, title: str):
    return next(found.rows for found in first.sections if found.title.startswith(title))


def test_two_datasets_and_sites_within(tree):
    """IXI and OFSEP: no site holds both classes; the dataset is the first factor, the sites in it the second."""
    healthy = tree("ixi", "age\tsite\tdiagnosis", [f"{20 + n}\t{'abc'[n % 3]}\thealthy" for n in range(9)])
    ill = tree(
        "ofsep", "age\tsite\tdiagnosis", [f"{40 + n}\t{'de'[n % 2]}\tms" for n in range(8)], masks=["label-lesion_mask"]
    )
    first, text, path = look(healthy, ill)
    assert not first.faults
    assert text.splitlines()[0] == "# yaml-language-server: $schema=protocol.schema.json"
    assert json.loads((path.parent / "protocol.schema.json").read_text())["title"] == "Protocol"
    cohort = cohort_of(text, path)
    assert cohort.factors == ("dataset", "site")
    assert cohort.classes == ("healthy", "ms")
    assert [sample.has_mask for sample in cohort.samples] == [False] * 9 + [True] * 8
    assert {row[0]: row[2] for row in section(first, "where")} == {"dataset": "aliased", "site": "nested"}
    assert "8 of 8 images of patients" in dict(section(first, "masks"))["pathology masks"]
    assert section(first, "age")[0][2].startswith("d = ")
    assert any("No origin holds both classes" in line for line in first.cannot_answer)


def test_the_schema_of_an_earlier_version_is_replaced_and_any_other_file_kept(tree):
    roots = [tree(name, "age", [str(20 + n) for n in range(6)]) for name in ("ixi", "clinic")]
    _, _, path = look(*roots)
    schema = path.parent / "protocol.schema.json"
    schema.write_text(json.dumps({**json.loads(schema.read_text()), "properties": {}}))
    path.unlink()
    initialise(roots, Model(), path, bids=True, force=False)
    assert json.loads(schema.read_text())["properties"]
    path.unlink()
    schema.write_text("{}")
    with pytest.raises(UsageError, match=r"protocol\.schema\.json exists"):
        initialise(roots, Model(), path, bids=True, force=False)


def test_datasets_without_a_diagnosis_are_the_classes(tree):
    healthy = tree("ixi", "age", [str(20 + n) for n in range(6)])
    ill = tree("clinic", "age\tdiagnosis", [f"{40 + n}\tMS" for n in range(6)])
    first, text, path = look(healthy, ill)
    assert not first.faults
    cohort = cohort_of(text, path)
    assert cohort.classes == ("ixi", "clinic")
    assert [sample.positive for sample in cohort.samples] == [False] * 6 + [True] * 6


def test_a_dataset_of_both_classes_beside_one_without_labels_is_refused_by_name(tree):
    silent = tree("silent", "age", [str(20 + n) for n in range(6)])
    mixed = tree("mixed", "age\tdiagnosis", [f"{40 + n}\t{('MS', 'HC')[n % 2]}" for n in range(12)])
    first, _, _ = look(silent, mixed)
    assert "no column 'diagnosis'" in str(first.faults[0])
    assert "silent/participants.tsv:1" in str(first.faults[0])


def test_sites_scanners_and_conflicts_from_sidecars(tree):
    rows = [f"{('hc', 'ms')[n % 2]}\tGE" for n in range(12)]
    root = tree("one", "diagnosis\tManufacturer", rows, sidecar={"Manufacturer": "Siemens", "MagneticFieldStrength": 3})
    for number in range(0, 12, 3):
        path = root / f"sub-one{number}" / "anat" / f"sub-one{number}_T1w.json"
        path.write_text(json.dumps({"Manufacturer": "GE", "MagneticFieldStrength": 1.5}))
    first, text, path = look(root)
    assert not first.faults
    assert cohort_of(text, path).factors == ("MagneticFieldStrength",)
    assert any("Manufacturer: participants.tsv and sidecar disagree" in note for note in first.notes)
    assert section(first, "where")[0][0] == "MagneticFieldStrength"


def test_columns_of_which_nothing_is_made_are_named(tree):
    rows = [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}\t{'uv'[n // 2 % 2]}\tFrance\tp{n}\tn/a" for n in range(12)]
    first, text, path = look(tree("one", "diagnosis\tsite\tward\tcountry\tnote\tblank", rows))
    assert dict(section(first, "other columns")) == {
        "crossed": "ward",
        "one value": "country",
        "many values": "note",
        "empty": "blank",
    }
    assert "  # not used, crossed: ward\n" in text
    assert cohort_of(text, path).factors == ("site",)


def test_missing_subjects_and_images_are_counted(tree):
    root = tree("one", "diagnosis\tsite", [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(12)])
    with (root / "participants.tsv").open("a") as table:
        table.write("sub-gone\tms\ta\n")
    image(root / "sub-extra" / "anat" / "sub-extra_T1w.nii.gz")
    first, _, _ = look(root)
    assert section(first, "datasets")[0][1:] == ("13", "13", "13", "1: sub-gone", "1: sub-extra")
    assert "no row for sub-extra, which has images" in str(first.faults[0])


def test_what_cannot_be_guessed_is_a_line_to_fill_in(tree):
    root = tree("one", "diagnosis", [("A", "B")[n % 2] for n in range(12)])
    first, text, path = look(root)
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "FILL IN" in line)
    assert str(first.faults[0]) == (
        f"{path}:{number}: cohort.label.positive could not be guessed: of 'A', 'B' none looks healthy; fill the line in"
    )
    filled = text.replace("# positive: ...", "positive: A")
    assert cohort_of(filled, path).classes == ("B", "A")


def test_patients_alone_need_healthy_subjects(tree):
    first, _, _ = look(tree("one", "diagnosis", ["MS"] * 6))
    assert "every label is 'MS': there are no healthy subjects; add some: another --bids" in str(first.faults[0])


def test_missing_and_rare_labels_are_left_out_by_a_filter(tree):
    rows = ["hc"] * 6 + ["ms"] * 6 + ["rare", "n/a"]
    first, text, path = look(tree("one", "diagnosis\tsite", [f"{row}\t{'ab'[n % 2]}" for n, row in enumerate(rows)]))
    assert not first.faults
    assert len(cohort_of(text, path).samples) == 12
    assert ("rare", "1", "left out") in section(first, "classes")


def test_small_classes_get_fewer_folds(tree):
    _, text, path = look(tree("one", "diagnosis\tsite", [f"{'hm'[n % 2]}c\t{'ab'[n // 2 % 2]}" for n in range(6)]))
    assert parse_protocol(text, path).folds.n == 3


def test_unusual_mask_labels_and_tissue_maps(tree):
    masks = ["label-tumour_mask", "desc-brain_mask", *(f"label-{t}_probseg" for t in ("GM", "WM", "CSF"))]
    rows = [f"{('hc', 'glioma')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(12)]
    first, text, path = look(tree("one", "diagnosis\tsite", rows, masks=masks))
    assert not first.faults
    samples = cohort_of(text, path).samples
    assert sum(sample.has_mask for sample in samples) == 6
    assert all(sample.tissue and sample.brain_mask for sample in samples)
    assert [arm.name for arm in parse_protocol(text, path).arms] == ["intensity", "tissue"]


def test_registered_derivatives_are_preferred(tree):
    root = tree("one", "diagnosis\tsite", [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(12)])
    for number in range(12):
        name = f"sub-one{number}"
        image(root / "derivatives" / "fmriprep" / name / "anat" / f"{name}_space-MNI152NLin2009cAsym_T1w.nii.gz")
    _, text, path = look(root)
    assert all("derivatives" in sample.images[0] for sample in cohort_of(text, path).samples)


def test_broken_links_are_named(tree):
    root = tree("one", "diagnosis\tsite", [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(12)])
    path = root / "sub-one3" / "anat" / "sub-one3_T1w.nii.gz"
    path.unlink()
    path.symlink_to("../../.git/annex/objects/gone")
    first, _, _ = look(root)
    assert str(first.faults[0]).endswith(f"{path}: no such file; copy it there; in a DataLad dataset: `datalad get` it")


def test_unreadable_header(tree):
    root = tree("one", "diagnosis\tsite", [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(12)])
    (root / "sub-one3" / "anat" / "sub-one3_T1w.nii.gz").write_bytes(b"no image")
    first, _, _ = look(root)
    assert "the header cannot be read" in str(first.faults[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "no such folder"),
        (lambda root: root.mkdir(), r"no image in sub-\*/\[ses-\*/\]anat; give the folder that holds participants.tsv"),
    ],
)
def test_no_dataset(tmp_path, make, message):
    root = tmp_path / "empty"
    make(root)
    with pytest.raises(DataError, match=message):
        look(root)
    assert not (tmp_path / "protocol.yaml").exists()


def picture_table(folder: Path, header: str, rows: list[str]) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    for row in rows:
        np.save(folder / row.split(",")[1], np.eye(8))
    return path


def test_table(tmp_path):
    rows = [f"s{n},{n}.npy,{n}.npy,{('no', 'pneumonia')[n % 2]},{'ab'[n // 2 % 2]},{50 + n},train" for n in range(16)]
    table = picture_table(tmp_path, "Patient ID,file,lesion,finding,Hospital,age,split", rows)
    first, text, path = look(table, bids=False)
    assert not first.faults
    protocol = parse_protocol(text, path)
    assert protocol.cohort.label.negative == "no"
    assert (protocol.cohort.subject, protocol.cohort.image, protocol.cohort.mask) == ("Patient ID", ["file"], "lesion")
    assert protocol.cohort.covariates == ["age"]
    cohort = cohort_of(text, path)
    assert (cohort.factors, cohort.dimensions) == (("Hospital",), 2)


def test_table_without_images(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("subject,label\n1,a\n")
    with pytest.raises(
        DataError, match=r"table.csv:1: no column holds the paths of images; write one; .*columns: subject, label"
    ):
        look(path, bids=False)


def test_table_without_origins(tmp_path):
    rows = [f"s{n},{n}.npy,{('hc', 'ms')[n % 2]}" for n in range(12)]
    first, _, _ = look(picture_table(tmp_path, "subject,image,label", rows), bids=False)
    assert "cohort.origins could not be guessed: no column says where the images come from; columns: label" in str(
        first.faults[0]
    )


def test_missing_files_of_a_table(tmp_path):
    table = picture_table(tmp_path, "subject,image,label,site", [f"s{n},{n}.npy,{'hm'[n % 2]}c,a" for n in range(8)])
    (tmp_path / "3.npy").unlink()
    first, _, _ = look(table, bids=False)
    assert str(first.faults[0]).startswith(f"{table}:5: {tmp_path}/3.npy: no such file; ")


def test_many_missing_files_of_a_table_are_one_line(tmp_path):
    table = picture_table(tmp_path, "subject,image,label,site", [f"s{n},{n}.npy,{'hm'[n % 2]}c,a" for n in range(8)])
    (tmp_path / "pictures").mkdir()
    for number in range(8):
        (tmp_path / f"{number}.npy").rename(tmp_path / "pictures" / f"{number}.npy")
    first, _, _ = look(table, bids=False)
    (fault,) = first.faults
    assert str(fault).startswith(f"{table}:2: no such file: 8 of the files that are named, such as {tmp_path}/0.npy, ")
    assert f"they exist relative to {tmp_path}/pictures" in str(fault)


def test_refuses_to_overwrite(tree, tmp_path):
    root = tree("one", "diagnosis", ["hc", "ms"] * 4)
    path = tmp_path / "protocol.yaml"
    path.write_text("mine\n")
    with pytest.raises(UsageError, match="exists; add --force to overwrite it, or name another file with -o"):
        initialise([root], Model(), path, bids=True, force=False)
    assert path.read_text() == "mine\n"


def test_own_network(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.py").write_text("def build(spatial_dims, in_channels, out_channels): ...\n")
    root = tree("one", "diagnosis\tsite", [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(12)])
    _, text, path = look(root, model=model_of("my.py:build", None, tmp_path))
    assert parse_protocol(text, path).target.network == f"{tmp_path / 'my.py'}:build"


def test_own_weights_need_a_split(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("my.py", "w.pt"):
        (tmp_path / name).touch()
    model = model_of("my.py:build", Path("w.pt"), tmp_path)
    root = tree("one", "diagnosis\tsite", [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(12)])
    first, text, path = look(root, model=model)
    assert "target.training_subjects could not be guessed: which subjects has the network seen?" in str(first.faults[0])
    assert "cohort.split" not in str(first.faults[0])  # only tables have one
    (tmp_path / "seen.txt").touch()
    assert "# training: {epochs: 15}" in text
    filled = text.replace("# training_subjects: seen.txt", "training_subjects: seen.txt")
    target = parse_protocol(filled, path).target
    assert (target.weights, target.training_subjects) == ([tmp_path / "w.pt"], tmp_path / "seen.txt")


def test_own_weights_and_a_split_column(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("my.py", "w.pt"):
        (tmp_path / name).touch()
    rows = [f"s{n},{n}.npy,{('hc', 'ms')[n % 2]},{'ab'[n // 2 % 2]},{('train', 'test')[n > 7]}" for n in range(16)]
    table = picture_table(tmp_path, "subject,image,label,site,split", rows)
    first, text, path = look(table, bids=False, model=model_of("my.py:build", Path("w.pt"), tmp_path))
    assert not first.faults
    assert parse_protocol(text, path).cohort.split == "split"
    table.write_text(table.read_text().replace("site,split", "site,part"))
    second, _, _ = look(table, bids=False, model=model_of("my.py:build", Path("w.pt"), tmp_path))
    assert "or add a column `split` (train, val, test) and set cohort.split" in str(second.faults[0])


@pytest.mark.parametrize(
    ("factory", "weights", "message"),
    [
        ("gone.py:build", None, "--model: no file gone.py"),
        ("my.py", None, "which function of my.py makes the network"),
        ("", "w.pt", "--weights needs the network they belong to"),
        ("my.py:build", "gone.pt", "--weights: no file gone.pt"),
    ],
)
def test_wrong_networks(tmp_path, monkeypatch, factory, weights, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("my.py", "sub/my.py", "w.pt"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=message):
        model_of(factory, weights and Path(weights), tmp_path)


def test_odd_values_survive_the_way_through_yaml(tree):
    rows = [f"{('no', '1.0')[n % 2]}\t{('on: x', 'a, b')[n // 2 % 2]}" for n in range(12)]
    first, text, path = look(tree("one", "diagnosis\tsite", rows))
    assert not first.faults
    assert cohort_of(text, path).classes == ("no", "1.0")


@pytest.mark.slow
def test_five_hundred_subjects_with_derivatives(tree):
    rows = [f"{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(500)]
    masks = ["label-lesion_mask", "desc-brain_mask", *(f"label-{t}_probseg" for t in ("GM", "WM", "CSF"))]
    root = tree("one", "diagnosis\tsite", rows, sidecar={"Manufacturer": "GE"}, masks=masks)
    started = time.perf_counter()
    profile = profile_bids([root])
    assert len(profile.subject) == 500
    assert time.perf_counter() - started < 2


def test_table_of_features(tmp_path):
    path = tmp_path / "table.csv"
    chance = np.random.default_rng(0)
    header = "subject,diagnosis,site,age,lh_a_thickness,lh_b_thickness,lh_c_thickness,eTIV"
    rows = [
        ",".join([f"s{n}", ("cn", "ad")[n % 2], "ab"[n // 2 % 2], *(f"{value:.3f}" for value in chance.random(5))])
        for n in range(24)
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    first, text, out = look(path, bids=False)
    assert not first.faults
    protocol = parse_protocol(text, out)
    assert protocol.cohort.features == ["lh_*_thickness", "eTIV"]
    assert [arm.representation for arm in protocol.arms] == ["features"]
    assert protocol.target.network == "mlp"
    cohort = cohort_of(text, out)
    assert (len(cohort.features), cohort.classes, cohort.factors) == (4, ("cn", "ad"), ("site",))
    assert not any(found.title == "images" for found in first.sections)


def test_a_spreadsheet_with_decimal_commas_and_no_column_called_label(tmp_path):
    path = tmp_path / "table.csv"
    chance = np.random.default_rng(0)
    rows = [
        ";".join(
            [f"s{n}", ("no", "yes")[n % 2], "ab"[n // 2 % 2], *(f"{v:.3f}".replace(".", ",") for v in chance.random(4))]
        )
        for n in range(24)
    ]
    path.write_text("\n".join(["subject;ill;site;GM [ml];WM [ml];CSF [ml];eTIV", *rows]) + "\n")
    first, text, _ = look(path, bids=False)
    assert "features: ['GM [ml]', 'WM [ml]', 'CSF [ml]', eTIV]" in text.replace('"', "'") or "[ml]" in text
    assert any("label" in str(fault) for fault in first.faults)


def test_backslashes_in_the_paths_of_a_table(tmp_path, tree):
    (tmp_path / "img").mkdir()
    for n in range(8):
        Image.fromarray(np.full((9, 9), 10 * n, np.uint8)).save(tmp_path / "img" / f"{n}.png")
    rows = [f"s{n}\timg\\{n}.png\t{('hc', 'ms')[n % 2]}\t{'ab'[n // 2 % 2]}" for n in range(8)]
    (tmp_path / "t.tsv").write_text("\n".join(["subject\timage\tdiagnosis\tsite", *rows]) + "\n")
    assert not look(tmp_path / "t.tsv", bids=False)[0].faults


def test_a_dataset_without_participants(tree):
    root = tree("one", "diagnosis", ["hc", "ms"] * 4)
    (root / "participants.tsv").unlink()
    first, _, _ = look(root)
    assert "no participants.tsv: write one with participant_id and diagnosis" in str(first.faults[0])


def test_healthy_subjects_alone_need_patients(tree):
    first, _, _ = look(tree("one", "diagnosis", ["healthy"] * 6))
    assert "there are no patients; add some: another --bids with ill subjects" in str(first.faults[0])


def test_a_folder_is_no_table_and_a_dataset_counts_once(tree):
    root = tree("one", "diagnosis", ["hc", "ms"] * 4)
    with pytest.raises(UsageError, match="is a folder: give a BIDS dataset as --bids"):
        look(root, bids=False)
    with pytest.raises(UsageError, match="the same dataset is given twice"):
        look(root, root)


def numbers_table(folder: Path, header: str, cells, rows: int = 24) -> Path:
    """A table of four random features beside what `cells` gives for a row."""
    chance = np.random.default_rng(0)
    path = folder / "abide" / "table.csv"
    path.parent.mkdir()
    lines = [",".join([*map(str, cells(n)), *(f"{value:.3f}" for value in chance.random(4))]) for n in range(rows)]
    path.write_text("\n".join([f"{header},a,b,c,d", *lines]) + "\n")
    return path


def test_a_table_like_abide_needs_no_edit(tmp_path):
    path = numbers_table(
        tmp_path,
        "Unnamed: 0,SUB_ID,SITE_ID,DX_GROUP,ADOS_TOTAL,FIQ",
        lambda n: (n, 50000 + n, "uv"[n // 2 % 2], 1 + n % 2, n if n % 2 else -9999, 100 + n if n else -9999),
    )
    first, text, out = look(path, bids=False)
    assert not first.faults
    protocol = parse_protocol(text, out)
    assert protocol.name == "abide, autism against control"
    assert (protocol.cohort.label.positive, protocol.cohort.label.negative) == ("1", "2")
    assert protocol.cohort.features == ["a", "b", "c", "d"]
    assert "# no features, clinical scores, not measured from the image: ADOS_TOTAL" in text
    assert ("empty in some rows", "FIQ (1)") in section(first, "other columns")
    assert ("2 (control)", "12", "healthy (guess)") in section(first, "classes")
    assert cohort_of(text, out).factors == ("SITE_ID",)


def test_sessions_of_one_subject_count_once(tmp_path):
    """The group table of MRIQC names files: a subject of two sessions is one subject, and stays in one fold."""
    path = numbers_table(
        tmp_path,
        "bids_name,group,site",
        lambda n: (f"sub-{n // 2}_ses-{n % 2}_T1w", "hm"[n // 2 % 2] + "c", "uv"[n // 4 % 2]),
    )
    first, text, out = look(path, bids=False)
    assert not first.faults
    assert section(first, "table")[0][1:4] == ("12", "12", "24")
    assert "subject: bids_name                   # guess: of names such as sub-0_ses-0_T1w the part sub-0" in text
    cohort = cohort_of(text, out)
    assert len({sample.subject for sample in cohort.samples}) == 12
    assert any("its sessions and runs stay in one fold" in note for note in cohort.notes)


def test_without_known_classes_no_regime_is_claimed(tmp_path):
    path = numbers_table(tmp_path, "id,group,site", lambda n: (f"s{n}", 1 + n % 3, "uv"[n % 2]))
    first, text, _ = look(path, bids=False)
    assert "what do the numbers 1, 2, 3 mean?" in str(first.faults[0])
    assert "#   site: 2 origin(s), `biasaudit validate` says how they divide the classes" in text
    assert "single" not in text


def test_of_two_labels_the_regime_is_known_whichever_is_healthy(tmp_path):
    path = numbers_table(tmp_path, "id,group,site", lambda n: (f"s{n}", 1 + n % 2, "uv"[n % 2]))
    _, text, _ = look(path, bids=False)
    assert "#   site: 2 origin(s), aliased" in text


def test_a_subject_that_no_column_names_is_said_to_be_a_guess(tmp_path):
    path = numbers_table(tmp_path, "person,diagnosis,site", lambda n: (f"s{n}", ("hc", "ms")[n % 2], "uv"[n // 2 % 2]))
    _, text, _ = look(path, bids=False)
    assert "guess, none is called so: rows of one person must have the same cell here" in text


def test_features_that_tell_the_classes_apart_alone_are_named(tmp_path):
    path = numbers_table(
        tmp_path, "id,diagnosis,site,contrast", lambda n: (f"s{n}", ("hc", "ms")[n % 2], "uv"[n % 2], n % 2 + n / 100)
    )
    _, text, _ = look(path, bids=False)
    assert "# each of these alone tells the classes apart; take out what is no measurement: contrast" in text


@pytest.mark.parametrize(("labels", "where"), [(("benign", "malignant"), "all"), (("healthy", "ill"), "positive")])
def test_benign_findings_are_lesions_too(tmp_path, labels, where):
    rows = [f"s{n},{n}.npy,{n}.npy,{labels[n % 2]},{'ab'[n // 2 % 2]}" for n in range(12)]
    _, text, path = look(picture_table(tmp_path, "subject,image,mask,label,site", rows), bids=False)
    assert parse_protocol(text, path).cohort.mask_in == where
