"""Log-Jacobian maps that the user made, as an arm: from a table and from BIDS derivatives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from stacks import whole_stack

SHAPE = (8, 9, 8)
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
REST = """\
  label: {column: label, positive: ill, negative: healthy}
  origins: [site]
  min_origin_size: 2
arms: [intensity, maps]
grid: {spacing: 4}
folds: {n: 2}
target: {training: {epochs: 1}}
checks: [G1, U1, U4, U5]
statistics: {n_permutations: 99, n_bootstraps: 99}
learned: {enabled: false}
"""
TABLE = "cohort:\n  reader: table\n  table: table.tsv\n  maps: jacobian\n" + REST
BIDS = "cohort:\n  reader: bids\n  roots: [bids]\n  maps: jacobian\n" + REST


def write(path: Path, data: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data.astype(np.float32), AFFINE), path)


def arrays(index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, lesion mask and log-Jacobian, which is negative where the lesion takes room."""
    chance = np.random.default_rng(index)
    image, mask, jacobian = np.zeros(SHAPE), np.zeros(SHAPE), np.zeros(SHAPE)
    image[1:7, 1:8, 1:7] = chance.normal(10, 1, (6, 7, 6))
    jacobian[1:7, 1:8, 1:7] = chance.normal(0, 0.1, (6, 7, 6))
    if index % 2:
        mask[3:5, 3:5, 3:5] = 1
        image[mask > 0] += 5
        jacobian[mask > 0] -= 1
    return image, mask, jacobian


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = ["subject\timage\tjacobian\tmask\tlabel\tsite"]
    for index in range(16):
        for name, data in zip(("image", "mask", "jacobian"), arrays(index), strict=True):
            write(tmp_path / f"{index}-{name}.nii.gz", data)
        ill = index % 2
        mask = f"{index}-mask.nii.gz" if ill else ""
        files = f"{index}-image.nii.gz\t{index}-jacobian.nii.gz\t{mask}"
        rows.append(f"s{index}\t{files}\t{'ill' if ill else 'healthy'}\t{'ab'[ill]}")
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "protocol.yaml").write_text(TABLE)
    return tmp_path


@pytest.fixture
def bids(tmp_path: Path) -> Path:
    root, rows = tmp_path / "bids", ["participant_id\tlabel\tsite"]
    for index in range(8):
        image, mask, jacobian = arrays(index)
        own = f"sub-{index}/anat/sub-{index}"
        write(root / f"{own}_T1w.nii.gz", image)
        write(root / f"derivatives/maps/{own}_jacobian.nii.gz", jacobian)
        if index % 2:
            write(root / f"derivatives/maps/{own}_label-L_mask.nii.gz", mask)
        rows.append(f"sub-{index}\t{'ill' if index % 2 else 'healthy'}\t{'ab'[index // 2 % 2]}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}')
    (tmp_path / "protocol.yaml").write_text(BIDS)
    return tmp_path


def inputs(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of the arm `maps`, as they are and erased: the smaller numbers of the two arms."""
    found = {path.parent: whole_stack(path) for path in (out / "jobs").glob("*/erased.npz")}
    folder = min(found, key=lambda own: abs(found[own]).max())
    return whole_stack(folder / "original.npz"), found[folder]


def test_erased_in_the_maps_and_not_transferred(biasaudit_here, table):
    out = table / "out"
    done = biasaudit_here("run", table / "protocol.yaml", "-o", out, "--engine", "local")
    assert done.returncode == 0, done.stderr
    original, erased = inputs(out)
    np.testing.assert_allclose(original[1, 0], arrays(1)[2], atol=1e-3)
    assert original[1, 0, 3:5, 3:5, 3:5].mean() < -0.8
    assert abs(erased[1, 0, 3:5, 3:5, 3:5].mean()) < 0.2
    np.testing.assert_array_equal(erased[1, 0, :2], original[1, 0, :2])
    audit = json.loads((out / "audit.json").read_text())
    maps = {finding["code"]: finding for finding in audit["arms"][1]["findings"]}
    assert maps["U4"]["status"] != "not_applicable"
    assert maps["U5"]["status"] == "not_applicable"
    assert "this input cannot be made again from an edited image" in maps["U5"]["reason"]
    image = {finding["code"]: finding for finding in audit["arms"][0]["findings"]}
    assert image["U5"]["status"] != "not_applicable"
    assert any("erasure (U4, A2) filled the masks in the maps" in limit for limit in audit["limits"])
    predicted = biasaudit_here("predict", out, table / "table.tsv", "--arm", "maps", "-o", table / "scores.tsv")
    assert predicted.returncode == 0, predicted.stderr
    stored = pd.read_csv(out / "tables" / "scores.tsv", sep="\t")
    held = stored[(stored.arm == "maps") & (stored.question == "target") & (stored.variant == "original")]
    both = held.merge(pd.read_csv(table / "scores.tsv", sep="\t"), on="subject")
    np.testing.assert_allclose(both["logit_x"], both["logit_y"], atol=1e-4)


def test_from_derivatives(biasaudit_here, bids):
    checked = biasaudit_here("validate", bids / "protocol.yaml")
    assert checked.returncode == 0, checked.stderr
    (bids / "bids/derivatives/maps/sub-3/anat/sub-3_jacobian.nii.gz").unlink()
    checked = biasaudit_here("validate", bids / "protocol.yaml")
    assert checked.returncode == 3
    assert (
        "participants.tsv:5: 0 files with the suffix 'jacobian' (`cohort.maps`) for sub-3_T1w.nii.gz" in checked.stderr
    )


def test_found_by_the_first_look(biasaudit_here, table, tmp_path):
    drafted = biasaudit_here("init", table / "table.tsv", "-o", tmp_path / "draft.yaml")
    assert drafted.returncode == 0, drafted.stderr
    text = (tmp_path / "draft.yaml").read_text()
    assert "image: image" in text.replace("[image]", "image")
    assert re.search(r"maps: \[jacobian\]", text)
    assert re.search(r"arms: \[intensity, maps\]", text)
    checked = biasaudit_here("validate", tmp_path / "draft.yaml")
    assert checked.returncode == 0, checked.stderr


def test_found_in_derivatives_if_every_image_has_one(biasaudit_here, bids, tmp_path):
    drafted = biasaudit_here("init", "--bids", bids / "bids", "-o", tmp_path / "draft.yaml")
    assert drafted.returncode == 0, drafted.stderr
    assert "maps: [jacobian]" in (tmp_path / "draft.yaml").read_text()
    (bids / "bids/derivatives/maps/sub-3/anat/sub-3_jacobian.nii.gz").unlink()
    again = biasaudit_here("init", "--bids", bids / "bids", "-o", tmp_path / "second.yaml")
    assert again.returncode == 0, again.stderr
    assert "jacobian" not in (tmp_path / "second.yaml").read_text()


FAULTS = {
    "none named": (
        lambda f: edit(f / "protocol.yaml", "  maps: jacobian\n", ""),
        "name them by `cohort.maps`",
    ),
    "empty cell": (lambda f: edit(f / "table.tsv", "3-jacobian.nii.gz", ""), "table.tsv:5: column 'jacobian' is empty"),
    "no such column": (lambda f: edit(f / "protocol.yaml", "maps: jac", "maps: jak"), "did you mean 'jacobian'"),
    "NaN": (lambda f: write(f / "3-jacobian.nii.gz", np.full(SHAPE, np.nan)), "NaN or infinite"),
    "too large": (
        lambda f: write(f / "3-jacobian.nii.gz", np.full(SHAPE, 1e6)),
        "half precision; scale the map",
    ),
    "several volumes": (lambda f: write(f / "3-jacobian.nii.gz", np.zeros((*SHAPE, 3))), "3 volumes, expected one map"),
}


@pytest.mark.parametrize(("spoil", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(biasaudit_here, table, spoil, message):
    spoil(table)
    checked = biasaudit_here("validate", table / "protocol.yaml")
    assert checked.returncode == 3
    assert message in checked.stderr
    assert "Traceback" not in checked.stderr


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
