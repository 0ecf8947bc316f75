"""Benign against malignant lesions, each with a mask, one source per class: what is left when both are erased."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

pytestmark = pytest.mark.slow  # audits that take half a minute

SIDE = 40
NEEDED = "mask_in: all"
PROTOCOL = """\
name: benign against malignant
cohort:
  reader: table
  table: table.tsv
  label: {positive: malignant, negative: benign}
  origins: [source]
  mask_in: all
checks: [D1, G1, A2, U1, U4, U6]
target:
  network_arguments: {widths: [8, 16]}
  training: {epochs: 12}
folds: {n: 3}
statistics: {n_permutations: 99, n_bootstraps: 199}
attribution: {max_subjects: 24}
"""


def picture(chance: np.random.Generator, malignant: bool, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw a dark lesion on skin: a smooth small one, or a larger one with a texture."""
    radius = chance.uniform(6, 9) if malignant else chance.uniform(4, 6)
    centre = SIDE / 2 + chance.normal(0, 2, 2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    mask = np.hypot(rows - centre[0], columns - centre[1]) < radius
    texture = ndimage.gaussian_filter(chance.normal(size=(SIDE, SIDE)), 1)
    skin = 150 + 12 * ndimage.gaussian_filter(chance.normal(size=(SIDE, SIDE)), 6) / 0.05
    lesion = -50 + (90 * texture if malignant else 0)
    return np.clip(skin + mask * lesion + chance.normal(0, noise, (SIDE, SIDE)), 0, 255), mask


def write_cohort(folder: Path, noise: float, n: int = 120, seed: int = 3) -> Path:
    """One source per class; pictures of the malignant source have more noise by `noise` grey levels."""
    chance = np.random.default_rng(seed)
    rows = []
    for index in range(n):
        malignant = index % 2 == 1
        shown, mask = picture(chance, malignant, 6 + noise * malignant)
        Image.fromarray(shown.astype(np.uint8)).save(folder / f"{index}.png")
        Image.fromarray((255 * mask).astype(np.uint8)).save(folder / f"{index}-mask.png")
        label, source = ("malignant", "b") if malignant else ("benign", "a")
        rows.append((f"{index}.png", f"s{index}", label, source, f"{index}-mask.png"))
    table = pd.DataFrame(rows, columns=["image", "subject", "label", "source", "mask"])
    table.to_csv(folder / "table.tsv", sep="\t", index=False)
    (folder / "protocol.yaml").write_text(PROTOCOL)
    return folder


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory, biasaudit) -> dict[str, dict]:
    """Audits of a cohort with nothing planted, and of one whose sources differ in noise."""
    found = {}
    for name, noise in (("nothing", 0.0), ("noise", 12.0)):
        folder = write_cohort(tmp_path_factory.mktemp(name), noise)
        done = biasaudit("run", folder / "protocol.yaml", "-o", folder / "out", "--engine", "local")
        assert done.returncode == 0, done.stderr
        found[name] = json.loads((folder / "out" / "audit.json").read_text()) | {"folder": folder}
    return found


def findings(audit: dict, code: str) -> list[dict]:
    return [finding for finding in audit["arms"][0]["findings"] if finding["code"] == code]


def test_what_is_left_is_nothing_where_nothing_is_planted_and_most_where_the_sources_differ(audits):
    (clean,), (planted,) = (findings(audits[name], "U4") for name in ("nothing", "noise"))
    assert findings(audits["nothing"], "G1")[0]["statistic"] > 0.9
    assert clean["status"] != "concern"
    assert abs(clean["statistic"]) < 0.2
    assert planted["status"] == "concern"
    assert planted["low"] > 0.5


def test_the_size_of_the_hole_does_not_give_the_class_away(audits):
    (erased,) = [f for f in findings(audits["nothing"], "A2") if f["input"] == "erased"]
    assert erased["status"] != "concern"
    assert "one mask of each class from everybody" in erased["reason"]
    (erased,) = [f for f in findings(audits["noise"], "A2") if f["input"] == "erased"]
    assert erased["statistic"] > 0.9


def test_lesions_of_both_classes_are_located_and_nobody_is_healthy(audits):
    assert {finding["class"] for finding in findings(audits["nothing"], "U6")} == {"malignant", "benign"}
    subjects = pd.read_csv(audits["nothing"]["folder"] / "out" / "tables" / "subjects.tsv", sep="\t")
    assert (subjects["mask_voxels"] > 0).all()
    relevance = pd.read_csv(audits["nothing"]["folder"] / "out" / "tables" / "relevance.tsv", sep="\t")
    inside = relevance[relevance["region"] == "pathology"].groupby("label")["volume_share"].min()
    assert (inside > 0).all()
    assert audits["nothing"]["settings"]["cohort"]["mask_in"] == "all"


def test_masks_in_both_classes_are_noted_and_a_class_without_any_is_one_line(audits, biasaudit, tmp_path):
    folder = write_cohort(tmp_path, 0.0, n=60)
    protocol = folder / "protocol.yaml"
    protocol.write_text(PROTOCOL.replace(f"  {NEEDED}\n", ""))
    noted = biasaudit("validate", protocol)
    assert noted.returncode == 0, noted.stderr
    assert "masks in both classes" in noted.stdout
    assert NEEDED in noted.stdout
    proposed = biasaudit("init", folder / "table.tsv", "-o", folder / "new.yaml")
    assert proposed.returncode == 0, proposed.stderr
    assert "mask_in: all" in (folder / "new.yaml").read_text()  # benign against malignant: lesions in both
    table = pd.read_csv(folder / "table.tsv", sep="\t")
    table.loc[table["label"] == "benign", "mask"] = "n/a"
    table.to_csv(folder / "table.tsv", sep="\t", index=False, na_rep="n/a")
    protocol.write_text(PROTOCOL)
    refused = biasaudit("validate", protocol)
    assert refused.returncode == 3
    (line,) = refused.stderr.strip().splitlines()
    assert "none of the 30 images of class 'benign' has a mask, which `cohort.mask_in: all` needs" in line
