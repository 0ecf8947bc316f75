"""`run`, `report`, `gate`, `list`, `--dry-run` and their exit codes."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from biasaudit.cohort.layouts import LAYOUTS

TIMES = re.compile(r'"(started|finished)": "[^"]*"')


MISSING_CELL = {"P1", "U13", "U14"}
"""Checks that take probes or a declared field, and say so where there are none."""


def without_times(text: str) -> str:
    return TIMES.sub("", text)


def test_run_writes_every_file_of_the_contract(finished_run):
    for name in (
        "report.html",
        "audit.json",
        "audit.schema.json",
        "junit.xml",
        "methods/methods.txt",
        "methods/methods.tex",
        "methods/methods.bib",
        "methods/checklists.tsv",
        "modelcard.md",
        "protocol.yaml",
        "protocol.schema.json",
        "dataset_description.json",
        "tables/findings.tsv",
        "tables/subjects.tsv",
        "tables/scores.tsv",
        "tables/relevance.tsv",
        "maps/overlays.npz",
        "models/index.json",
    ):
        assert (finished_run / name).exists(), name
    assert list((finished_run / "maps").glob("*.nii.gz"))
    assert list((finished_run / "models").glob("*.safetensors"))
    assert list((finished_run / "figures").iterdir())


def test_audit_keeps_the_contract(finished_run):
    audit = json.loads((finished_run / "audit.json").read_text())
    assert {"schema_version", "biasaudit", "cohort", "design", "arms", "comparisons"} <= set(audit)
    assert [arm["name"] for arm in audit["arms"]] == ["intensity", "tissue"]
    assert [arm["primary"] for arm in audit["arms"]] == [True, False]
    assert audit["design"]["regime"] == "nested"
    for arm in audit["arms"]:
        assert arm["verdict"] in ("ORIGIN", "MIXED", "PATHOLOGY", "UNDETERMINED")
        assert set(arm["reliance"]) == {"estimate", "low", "high", "kind", "from", "corroborated_by", "level"}
        assert arm["error_rates"]["within_calibration"] is False
        codes = {finding["code"] for finding in arm["findings"]}
        used = {"U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U12"}
        assert codes == {"G1", "G2", "D4", "A1", "A2", *used, *MISSING_CELL}
        for finding in arm["findings"]:
            assert finding["status"] in ("clear", "concern", "inconclusive", "not_applicable", "error")
            assert finding["p_value"] is None or finding["p_value"] > 0
            assert finding["reason"]
    assert {c["quantity"] for c in audit["comparisons"]} >= {"auc", "reliance"}


def test_the_target_has_one_score_a_subject_and_controls_are_named(finished_run):
    scores = pd.read_csv(finished_run / "tables" / "scores.tsv", sep="\t")
    own = scores[(scores[["question", "input", "variant"]] == ["target", "original", "original"]).all(axis=1)]
    assert not own.duplicated(["arm", "subject"]).any()
    audit = json.loads((finished_run / "audit.json").read_text())
    asked = {f["input"] for arm in audit["arms"] for f in arm["findings"] if f["code"] == "A2" and f["p_value"]}
    assert "shuffled" in asked
    assert asked <= set(scores["input"])


def test_every_voxelwise_comparison_has_its_maps(finished_run):
    audit = json.loads((finished_run / "audit.json").read_text())
    findings = [finding for arm in audit["arms"] for finding in arm["findings"] if finding["code"] == "U8"]
    made = [finding["details"]["significant_voxels"] for finding in findings if finding["p_value"] is not None]
    assert made
    table = pd.read_csv(finished_run / "maps" / "differences.tsv", sep="\t")
    assert table["significant_voxels"].tolist() == made
    assert len(list((finished_run / "maps").glob("*_statistic.nii.gz"))) == len(made)
    page = (finished_run / "report.html").read_text()
    assert f"U8 tested {len(made)} comparisons of attribution maps" in page
    assert (finished_run / "figures" / "differences.png").exists() is any(made)


def test_all_arms_show_the_same_subjects_cut_at_the_same_place(finished_run):
    table = pd.read_csv(finished_run / "maps" / "overlays.tsv", sep="\t")
    by_arm = [own[["subject", "label", "role", "cut"]].to_numpy().tolist() for _, own in table.groupby("arm")]
    assert len(by_arm) == 2
    assert by_arm[0] == by_arm[1]
    assert not table["cut"].isna().any()
    with np.load(finished_run / "maps" / "overlays.npz") as slices:
        for _, own in table.groupby("subject"):
            first, second = (slices[f"{key}__axial__anatomy"] for key in own["key"])
            np.testing.assert_array_equal(first, second)


def test_the_cohort_and_the_inputs_are_stored_as_small_pictures(finished_run):
    subjects = pd.read_csv(finished_run / "tables" / "subjects.tsv", sep="\t")
    thumbs = pd.read_csv(finished_run / "maps" / "thumbnails.tsv", sep="\t")
    assert thumbs["subject"].tolist() == subjects["subject"].tolist()
    assert set("; ".join(thumbs["marks"].dropna()).split("; ")) == {"alignment", "highest", "lowest"}
    with np.load(finished_run / "maps" / "thumbnails.npz") as stored:
        assert stored["thumbnails"].dtype == np.uint8
        assert len(stored["thumbnails"]) == len(subjects)
    inputs = pd.read_csv(finished_run / "maps" / "inputs.tsv", sep="\t")
    tissue = inputs[inputs["arm"] == "tissue"]
    assert set(tissue["channel"]) == {"grey matter", "white matter", "CSF", "lesions"}
    assert set(tissue["subject"]) == set(inputs.loc[inputs["arm"] == "intensity", "subject"])
    assert tissue[["low", "high"]].min().min() >= 0
    with np.load(finished_run / "maps" / "inputs.npz") as stored:
        assert set(stored.files) == set(inputs["key"])


def test_every_subject_is_scored_by_the_fold_that_held_it_out(finished_run):
    subjects = pd.read_csv(finished_run / "tables" / "subjects.tsv", sep="\t").set_index("subject")["fold"]
    scores = pd.read_csv(finished_run / "tables" / "scores.tsv", sep="\t")
    own = scores[(scores["question"] == "target") & (scores["input"] == "original") & (scores["variant"] == "original")]
    for _, arm in own.groupby("arm"):
        assert arm.set_index("subject")["fold"].to_dict() == subjects.to_dict()


def test_same_run_again_does_nothing_and_changes_nothing(finished_run, small_protocol, biasaudit, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished_run, out)
    before = (out / "audit.json").read_text()
    page = (out / "report.html").read_text()
    trained = {path: path.stat().st_mtime_ns for path in (out / "jobs").glob("*/done")}
    assert trained
    done = biasaudit("run", small_protocol, "-o", out, "--engine", "local")
    assert done.returncode == 0, done.stderr
    assert without_times((out / "audit.json").read_text()) == without_times(before)
    assert {path: path.stat().st_mtime_ns for path in (out / "jobs").glob("*/done")} == trained
    assert len((out / "report.html").read_text()) == len(page)


def test_report_is_rebuilt_without_torch(finished_run, biasaudit, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(finished_run, copy, ignore=shutil.ignore_patterns("jobs"))
    page = (copy / "report.html").read_bytes()
    (copy / "report.html").unlink()
    blocked = tmp_path / "torch"
    blocked.mkdir()
    (blocked / "__init__.py").write_text("raise ImportError('the report must not need torch')\n")
    done = biasaudit("report", copy, cwd=tmp_path)  # python -m puts the current folder first on the path
    assert done.returncode == 0, done.stderr
    assert (copy / "report.html").read_bytes() == page


def test_junit_counts_findings(finished_run):
    tree = ElementTree.parse(finished_run / "junit.xml")
    audit = json.loads((finished_run / "audit.json").read_text())
    findings = sum(len(arm["findings"]) for arm in audit["arms"]) + len(audit["design"]["findings"])
    assert len(tree.findall(".//testcase")) == findings + len(audit["arms"])


@pytest.mark.parametrize(
    ("verdict", "flagged", "fail_on", "code"),
    [
        ("PATHOLOGY", [], "undetermined", 0),
        ("UNDETERMINED", [], "undetermined", 1),
        ("UNDETERMINED", [], "mixed", 0),
        ("UNDETERMINED", ["U1"], "mixed", 1),
        ("UNDETERMINED", ["U1"], "origin", 0),
        ("MIXED", ["U1"], "mixed", 1),
        ("MIXED", ["U1"], "origin", 0),
        ("ORIGIN", ["U1"], "origin", 1),
    ],
)
def test_gate(finished_run, biasaudit_here, tmp_path, verdict, flagged, fail_on, code):
    (tmp_path / "protocol.yaml").write_text("")
    audit = json.loads((finished_run / "audit.json").read_text())
    audit["arms"][0] |= {"verdict": verdict, "flagged": flagged}
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    done = biasaudit_here("gate", tmp_path, "--fail-on", fail_on)
    assert done.returncode == code, done.stdout + done.stderr


def test_gate_defaults_to_undetermined_and_the_primary_arm(finished_run, biasaudit_here):
    audit = json.loads((finished_run / "audit.json").read_text())
    expected = int(audit["arms"][0]["verdict"] != "PATHOLOGY")
    assert biasaudit_here("gate", finished_run).returncode == expected


def test_incomplete_run_exits_4(finished_run, biasaudit_here, tmp_path):
    (tmp_path / "protocol.yaml").write_text((finished_run / "protocol.yaml").read_text())
    for words in (("gate", tmp_path), ("report", tmp_path), ("predict", tmp_path, tmp_path / "t.tsv")):
        done = biasaudit_here(*words)
        assert done.returncode == 4, (words, done.stderr)
        assert "incomplete" in done.stderr


def test_dry_run_lists_jobs_and_writes_nothing(small_protocol, biasaudit_here, tmp_path):
    done = biasaudit_here("run", small_protocol, "-o", tmp_path / "out", "--dry-run", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "train label from intensity, fold 1" in done.stdout
    assert re.search(r"\d+ jobs, about .* on 2 worker", done.stdout)
    assert "put to the spike-in test (G3)" in done.stdout
    assert not (tmp_path / "out").exists()


def test_one_origin_is_said_before_anything_is_trained(biasaudit_here, tmp_path):
    lines = ["subject\timage\tlabel\tsite\tcountry"]
    for index in range(24):
        np.save(tmp_path / f"{index}.npy", np.random.default_rng(index).random((12, 12)) + 1)
        lines.append(f"s{index}\t{index}.npy\t{('hc', 'ms')[index % 2]}\t{'ab'[index // 2 % 2]}\tFrance")
    (tmp_path / "table.tsv").write_text("\n".join(lines) + "\n")
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(
        "cohort: {reader: table, table: table.tsv, label: {positive: ms}, origins: [site, country]}\nfolds: {n: 3}\n"
    )
    for words in (("validate", protocol), ("run", protocol, "--dry-run")):
        done = biasaudit_here(*words)
        assert done.returncode == 0, done.stderr
        assert (
            "country: all subjects come from one origin (France), so no verdict on it but UNDETERMINED" in done.stdout
        )
        assert "site: all subjects" not in done.stdout


@pytest.mark.parametrize("what", ["score: score", "features: [lh_*_volume]"])
def test_a_dry_run_announces_no_spike_in_test_that_is_never_asked(what, biasaudit_here, tmp_path):
    rows = ["subject\tlabel\tsite\tlh_a_volume\tlh_b_volume\tscore"]
    rows += [f"s{i}\t{'ab'[i % 2]}\t{i // 2 % 2}\t{i % 7}\t{i % 5}\t{i % 11 - 4.5}" for i in range(40)]
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "protocol.yaml").write_text(
        f"cohort: {{reader: table, table: table.tsv, label: {{column: label, positive: b}}, origins: [site], {what}}}\n"
    )
    done = biasaudit_here("run", tmp_path / "protocol.yaml", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "jobs, about" in done.stdout
    assert "G3" not in done.stdout


def test_list_names_every_kind(biasaudit_here):
    done = biasaudit_here("list")
    assert done.returncode == 0, done.stderr
    for name in ("U4", "intensity", "tissue", "cnn", "integrated_gradients", "bids", "phantom"):
        assert name in done.stdout


def test_demo_writes_bids_that_the_reader_reads(biasaudit_here, tmp_path, small_protocol):
    done = biasaudit_here("demo", "--write-data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(
        "cohort:\n  reader: bids\n  roots: [data/dataset-a, data/dataset-b]\n  suffix: FLAIR\n"
        "  label: {column: diagnosis, positive: patient}\n  origins: [site]\n"
    )
    done = biasaudit_here("validate", protocol)
    assert done.returncode == 0, done.stderr
    assert "sound" in done.stdout
    assert re.search(r"b1\s+0\s+33", done.stdout)


def test_help_lists_the_layouts(biasaudit_here):
    help_text = biasaudit_here("demo", "--help").stdout
    assert [name for name in LAYOUTS if name not in help_text] == []


def test_a_folder_that_is_no_run_is_refused(biasaudit_here, small_protocol, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    done = biasaudit_here("run", small_protocol, "-o", tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_protocols_are_found():
    from biasaudit.resources import protocols_folder

    assert Path(protocols_folder() / "demo.yaml").exists()


def test_demo_writes_the_layout_of_a_ready_protocol(biasaudit_here, tmp_path):
    done = biasaudit_here("demo", "--write-data", tmp_path / "xray", "--layout", "chest-xray")
    assert done.returncode == 0, done.stderr
    done = biasaudit_here("validate", tmp_path / "xray" / "chest-xray.yaml")
    assert done.returncode == 0, done.stderr
    assert re.search(r"source +normal +pneumonia +s1 +\d+ +\d+ +s2", " ".join(done.stdout.split()))


@pytest.mark.parametrize(("layout", "table"), [((), "dataset-*/participants.tsv"), (("--layout", "features"), "*.tsv")])
def test_demo_writes_as_many_subjects_as_asked_for(layout, table, biasaudit_here, tmp_path):
    done = biasaudit_here("demo", "--write-data", tmp_path / "data", *layout, "--subjects", "25")
    assert done.returncode == 0, done.stderr
    assert "wrote 25 subjects" in done.stdout
    assert sum(len(pd.read_csv(path, sep="\t")) for path in (tmp_path / "data").glob(table)) == 25


@pytest.mark.parametrize("words", [("--layout", "ms"), ("--subjects", "30")])
def test_what_is_said_of_data_needs_a_folder_to_write_them_to(words, biasaudit_here, tmp_path):
    done = biasaudit_here("demo", *words, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "--write-data" in done.stderr


def test_sixty_two_centres_fit_on_a_screen(biasaudit_here, tmp_path):
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(
        "cohort:\n  reader: phantom\n  min_origin_size: 3\n"
        "  phantom: {n: 248, design: crossed, patient_sites: 62, spacing: 8.0}\n"
    )
    done = biasaudit_here("validate", protocol)
    assert done.returncode == 0, done.stderr
    table = done.stdout.partition("note:")[0]
    assert len(table.splitlines()) < 25
    assert re.search(r"\d+ smaller origins +\d+ +\d+", table)


UNTRAINED = """\
cohort:
  reader: phantom
  phantom: {n: 36, design: crossed, spacing: 8.0, truth_subjects: 0}
target:
  training: {epochs: 1, learning_rate: 1.0e-12}
folds: {n: 3}
checks: [D1, G1, G2, U6, U8, U12]
statistics: {n_permutations: 199, n_bootstraps: 99}
attribution: {max_subjects: 12, steps: 4}
"""


def test_maps_of_random_weights_fail_and_are_withheld(biasaudit_here, tmp_path):
    """A network whose steps are too small to move it is its own random beginning."""
    (tmp_path / "protocol.yaml").write_text(UNTRAINED)
    done = biasaudit_here("run", tmp_path / "protocol.yaml", "-o", tmp_path / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    audit = json.loads((tmp_path / "out" / "audit.json").read_text())
    findings = {finding["code"]: finding for finding in audit["arms"][0]["findings"]}
    assert findings["G2"]["status"] == "concern"
    for code in ("U6", "U8", "U12"):
        assert findings[code]["status"] == "not_applicable"
        assert findings[code]["reason"].startswith("maps failed G2")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The maps of the <bdi>intensity</bdi> arm are withheld" in page
    assert "Signed relevance of held-out subjects" not in page
