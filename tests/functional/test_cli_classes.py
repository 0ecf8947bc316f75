"""Three classes, end to end through the command line: pictures in a table, with masks and two origins."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from PIL import Image

CLASSES = ("healthy", "ms", "tumour")
CORNERS = {"ms": (3, 3), "tumour": (9, 9)}
PROTOCOL = """\
name: three classes
cohort:
  reader: table
  table: data/table.tsv
  label: {positive: [ms, tumour], negative: healthy}
  origins: [origin]
target:
  network_arguments: {widths: [4, 8]}
  training: {epochs: 4}
folds: {n: 3}
statistics: {n_permutations: 99, n_bootstraps: 99}
attribution: {max_subjects: 18, steps: 4, max_steps: 4}
"""


def write_cohort(folder: Path, n: int = 54) -> Path:
    """Bright squares at a place of its own for each disease; origin b is brighter as a whole."""
    chance = np.random.default_rng(3)
    data = folder / "data"
    data.mkdir()
    rows = []
    for index in range(n):
        label, origin = CLASSES[index % 3], "ab"[index // 3 % 2]
        picture = chance.normal(90 if origin == "a" else 105, 12, (16, 16))
        mask = np.zeros((16, 16), dtype=bool)
        if label in CORNERS:
            top, left = CORNERS[label]
            mask[top : top + 4, left : left + 4] = True
            Image.fromarray((255 * mask).astype(np.uint8)).save(data / f"{index}-mask.png")
        picture[mask] += 80
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(data / f"{index}.png")
        named = f"{index}-mask.png" if mask.any() else "n/a"
        rows.append((f"{index}.png", f"s{index}", label, origin, named))
    table = pd.DataFrame(rows, columns=["image", "subject", "label", "origin", "mask"])
    table.to_csv(data / "table.tsv", sep="\t", index=False)
    (folder / "protocol.yaml").write_text(PROTOCOL)
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, biasaudit) -> Path:
    folder = write_cohort(tmp_path_factory.mktemp("classes"))
    done = biasaudit("run", folder / "protocol.yaml", "-o", folder / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    for name in CLASSES:
        assert f"{name} " in done.stdout.partition("  against the rest: ")[2]
    return folder


def audit_of(study: Path) -> dict:
    return json.loads((study / "out" / "audit.json").read_text())


def test_one_verdict_per_contrast_and_the_worst_is_the_headline(study):
    (arm,) = audit_of(study)["arms"]
    order = ("PATHOLOGY", "UNDETERMINED", "MIXED", "ORIGIN")
    assert [(v["factor"], v["contrast"]) for v in arm["verdicts"]] == [("origin", name) for name in CLASSES]
    assert arm["verdict"] == max((v["verdict"] for v in arm["verdicts"]), key=order.index)
    assert arm["verdict"] == next(v["verdict"] for v in arm["verdicts"] if v["contrast"] == arm["contrast"])
    assert arm["error_rates"]["within_calibration"] is False


def test_findings_name_their_contrast(study):
    audit = audit_of(study)
    found = {(f["code"], f["contrast"]) for f in audit["arms"][0]["findings"]}
    assert found == {
        (code, name)
        for code in (
            *("G1", "G2", "A1", "A2", "U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U12", "U13", "U14", "P1", "D4"),
        )
        for name in CLASSES
    }
    assert {finding["contrast"] for finding in audit["design"]["findings"]} == set(CLASSES)
    assert not [f for f in audit["arms"][0]["findings"] if f["status"] == "error"]


def test_the_target_learns_and_erasure_closes_every_gap(study):
    (arm,) = audit_of(study)["arms"]
    assert set(arm["target"]["contrasts"]) == set(CLASSES)
    assert min(each["auc"] for each in arm["target"]["contrasts"].values()) > 0.9
    assert arm["target"]["balanced_accuracy"] > 0.7
    shares = {f["contrast"]: f["statistic"] for f in arm["findings"] if f["code"] == "U4"}
    assert set(shares) == set(CLASSES)
    assert max(map(abs, shares.values())) < 0.25


def test_design_counts_every_class(study):
    audit = audit_of(study)
    assert audit["cohort"]["classes"] == dict.fromkeys(CLASSES, 18)
    assert audit["design"]["table"] == {name: {"a": 9, "b": 9} for name in CLASSES}
    assert audit["design"]["regime"] == "crossed"
    assert set(audit["design"]["contrasts"]) == set(CLASSES)


def test_tables_and_maps_hold_every_class(study):
    scores = pd.read_csv(study / "out/tables/scores.tsv", sep="\t")
    target = scores[(scores["question"] == "target") & (scores["input"] == "original")]
    assert target.groupby("contrast")["subject"].nunique().to_dict() == dict.fromkeys(CLASSES, 54)
    findings = pd.read_csv(study / "out/tables/findings.tsv", sep="\t")
    assert set(findings["contrast"]) == set(CLASSES)
    for name in CLASSES:
        path = study / "out/maps" / f"arm-intensity_group-{name}_relevance.nii.gz"
        relevance = np.asarray(nibabel.load(path).dataobj).squeeze()
        if name in CORNERS:  # the map of a class explains that class: it is brightest on its own square
            assert np.unravel_index(relevance.argmax(), relevance.shape)[0] in range(
                CORNERS[name][0], CORNERS[name][0] + 4
            )


def test_predict_writes_one_logit_per_class(study, biasaudit_here):
    done = biasaudit_here("predict", study / "out", study / "data/table.tsv", "-o", study / "predictions.tsv")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(study / "predictions.tsv", sep="\t")
    columns = [f"logit_{name}" for name in CLASSES]
    assert list(table.columns) == ["image", "subject", "arm", "fold", *columns]
    logits = table[columns].to_numpy()
    stored = pd.read_csv(study / "out/tables/scores.tsv", sep="\t")
    stored = stored[
        (stored["question"] == "target") & (stored["input"] == "original") & (stored["variant"] == "original")
    ]
    own = stored[stored["contrast"] == "ms"].set_index("subject")["logit"].reindex(table["subject"]).to_numpy()
    assert own == pytest.approx(logits[:, 1] - np.logaddexp(logits[:, 0], logits[:, 2]), abs=1e-3)


def test_gate_judges_the_worst_contrast(study, biasaudit_here):
    audit = audit_of(study)
    done = biasaudit_here("gate", study / "out")
    assert done.returncode == int(audit["arms"][0]["verdict"] != "PATHOLOGY")
    assert f"for {audit['arms'][0]['contrast']} against the rest" in done.stdout


def test_report_shows_every_contrast(study, biasaudit_here):
    assert biasaudit_here("report", study / "out").returncode == 0
    page = (study / "out/report.html").read_text()
    card = (study / "out/modelcard.md").read_text()
    for name in CLASSES:
        assert f"{name} against the rest" in page
        assert f"{name} against the rest" in card
    assert "18 healthy, 18 ms and 18 tumour" in page
    assert len(list((study / "out/figures").glob("scores_arm-1_contrast-*.svg"))) == 3
    cases = [case.get("name") for case in ElementTree.parse(study / "out/junit.xml").findall(".//testcase")]
    assert len(cases) == len(set(cases)), "two test cases share a name"
    assert "G1 origin tumour" in cases


def test_validate_counts_every_class(study, biasaudit_here):
    done = biasaudit_here("validate", study / "protocol.yaml")
    assert done.returncode == 0, done.stderr
    assert "tumour" in done.stdout
    assert "9" in done.stdout


def test_a_class_smaller_than_the_folds_is_named(tmp_path, biasaudit_here):
    folder = write_cohort(tmp_path)
    table = pd.read_csv(folder / "data/table.tsv", sep="\t", keep_default_na=False)
    few = table[(table["label"] != "tumour") | (table["subject"].isin(["s2", "s5"]))]
    few.to_csv(folder / "data/table.tsv", sep="\t", index=False)
    done = biasaudit_here("validate", folder / "protocol.yaml")
    assert done.returncode == 3
    assert (
        "class 'tumour' has 2 subjects, expected at least one for each of 3 folds; set `folds: {n: 2}`" in done.stderr
    )


def test_two_runs_are_compared_contrast_by_contrast(study, tmp_path, biasaudit_here):
    other = tmp_path / "other"
    shutil.copytree(study / "out", other, ignore=shutil.ignore_patterns("jobs", "models", "maps", ".biasaudit"))
    scores = pd.read_csv(other / "tables" / "scores.tsv", sep="\t")
    scores.loc[scores["contrast"] == "ms", "logit"] *= -1
    scores.to_csv(other / "tables" / "scores.tsv", sep="\t", index=False, na_rep="n/a")
    done = biasaudit_here("compare", study / "out", other, "--json")
    assert done.returncode == 0, done.stderr
    (pair,) = json.loads(done.stdout)["pairs"]
    auc = {each["contrast"]: each["difference"] for each in pair["differences"] if each["quantity"] == "auc"}
    assert auc["healthy"] == auc["tumour"] == 0
    assert auc["ms"] > 0.5
    assert "lesion gain is not compared" in pair["notes"][0]
