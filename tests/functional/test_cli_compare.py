"""`biasaudit compare`: what two finished runs have stored, side by side."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def two_runs(finished_run, tmp_path):
    """The two arms of one audit as two runs, so that its own comparison says what is right."""
    folders = []
    for arm in ("intensity", "tissue"):
        folder = tmp_path / f"out_{arm}"
        keep = shutil.ignore_patterns("jobs", "models", "figures", "maps", "learned", "*.html", ".biasaudit")
        shutil.copytree(finished_run, folder, ignore=keep)
        audit = json.loads((folder / "audit.json").read_text())
        audit["arms"] = [record | {"primary": True} for record in audit["arms"] if record["name"] == arm]
        audit["settings"]["arms"] = [record for record in audit["settings"]["arms"] if record["name"] == arm]
        (folder / "audit.json").write_text(json.dumps(audit))
        folders.append(folder)
    return folders


def change_table(folder: Path, name: str, change) -> None:
    path = folder / "tables" / f"{name}.tsv"
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    change(table).to_csv(path, sep="\t", index=False)


def change_audit(folder: Path, change) -> None:
    audit = json.loads((folder / "audit.json").read_text())
    change(audit)
    (folder / "audit.json").write_text(json.dumps(audit))


def test_differences_are_those_of_arms_of_one_audit(finished_run, two_runs, biasaudit_here):
    done = biasaudit_here("compare", *two_runs, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    audit = json.loads((finished_run / "audit.json").read_text())
    (pair,) = record["pairs"]
    assert pair["arms"] == ["intensity", "tissue"]
    assert pair["unpaired"] is None
    assert pair["subjects"] == 36
    assert len(pair["differences"]) == len(audit["comparisons"]) == 3
    for found, own in zip(pair["differences"], audit["comparisons"], strict=True):
        assert found["quantity"] == own["quantity"]
        for key in ("difference", "low", "high", "p_value"):
            assert found[key] == pytest.approx(own[key], abs=1e-5), (found["quantity"], key)
    assert record["same_data"] is True
    assert [difference["key"] for difference in record["settings"]] == ["arms"]
    for arm, own in zip(record["arms"], audit["arms"], strict=True):
        assert arm["verdict"] == own["verdict"]
        assert arm["reliance"]["estimate"] == own["reliance"]["estimate"]
    for finding in record["findings"]:
        assert (finding["first"] or {}).get("status") != (finding["second"] or {}).get("status")


def test_tables_and_a_page_that_needs_no_network(two_runs, biasaudit, tmp_path):
    blocked = tmp_path / "torch"
    blocked.mkdir()
    (blocked / "__init__.py").write_text("raise ImportError('a comparison must not need torch')\n")
    done = biasaudit("compare", *two_runs, "--out", "side_by_side.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in (
        "out_intensity",
        "Verdicts and estimates",
        "Paired differences",
        "Settings that differ",
        "Attention on lesions (× chance)",
    ):
        assert words in done.stdout
    page = (tmp_path / "side_by_side.html").read_text()
    assert not re.search(r"(src|href|srcset)=\"(?!data:|#)", page)
    assert "<script" not in page
    assert "out_intensity, intensity minus out_tissue, tissue" in page


def unscored(folder: Path) -> None:
    for name in ("subjects", "scores", "relevance"):
        change_table(folder, name, lambda table: table.assign(subject="other-" + table["subject"]))


def moved(folder: Path) -> None:
    change_table(folder, "subjects", lambda table: table.assign(fold=table["fold"].replace({"1": "2", "2": "1"})))


def relabelled(folder: Path) -> None:
    change_table(folder, "subjects", lambda table: table.assign(site=["elsewhere", *table["site"][1:]]))


def other_factor(folder: Path) -> None:
    change_audit(folder, lambda audit: audit["cohort"].update(origins={"scanner": {}}))
    change_table(folder, "subjects", lambda table: table.rename(columns={"site": "scanner"}))


def few(folder: Path) -> None:
    change_table(folder, "scores", lambda table: table[table["subject"].isin(sorted(set(table["subject"]))[:4])])


def other_classes(folder: Path) -> None:
    change_audit(folder, lambda audit: audit["cohort"].update(classes={"healthy": 12, "ms": 12, "tumour": 12}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (unscored, "no subject was scored in both runs"),
        (moved, "shared subjects were held out by another fold (`folds.n`, `folds.seed`, or another cohort)"),
        (relabelled, "1 of 36 shared subjects have another class or origin, such as sub-"),
        (other_factor, "the primary origin of the first run is none of the second (site; scanner)"),
        (few, "too few subjects were scored in both runs"),
        (other_classes, "the runs tell other classes apart"),
    ],
)
def test_what_is_not_paired_is_said_to_be_so(two_runs, biasaudit_here, spoil, words):
    spoil(two_runs[1])
    done = biasaudit_here("compare", *two_runs, "--json")
    assert done.returncode == 0, done.stderr
    (pair,) = json.loads(done.stdout)["pairs"]
    assert words in pair["unpaired"]
    assert pair["differences"] == []
    assert "No paired differences" in biasaudit_here("compare", *two_runs).stdout


def test_subjects_of_one_run_only_are_left_out_and_counted(two_runs, biasaudit_here):
    change_table(two_runs[1], "scores", lambda table: table[table["subject"] != table["subject"].iloc[0]])
    (pair,) = json.loads(biasaudit_here("compare", *two_runs, "--json").stdout)["pairs"]
    assert pair["subjects"] == 35
    assert pair["notes"] == ["differences are of the 35 subjects that both runs scored; the runs scored 36 and 35"]


def test_reliance_is_not_compared_without_its_covariates(two_runs, biasaudit_here):
    change_audit(two_runs[0], lambda audit: audit["settings"]["cohort"].update(covariates=["age"]))
    (pair,) = json.loads(biasaudit_here("compare", *two_runs, "--json").stdout)["pairs"]
    assert [difference["quantity"] for difference in pair["differences"]] == ["auc", "lesion_gain"]
    assert "do not hold the covariates of the first" in pair["notes"][0]


def test_reliance_is_adjusted_for_the_covariates_of_the_first_run_in_both(two_runs, biasaudit_here):
    change_audit(two_runs[0], lambda audit: audit["settings"]["cohort"].update(covariates=["age"]))
    for folder in two_runs:
        change_table(folder, "subjects", lambda table: table.assign(covariate_age=range(len(table))))
    (pair,) = json.loads(biasaudit_here("compare", *two_runs, "--json").stdout)["pairs"]
    assert [difference["quantity"] for difference in pair["differences"]] == ["auc", "reliance", "lesion_gain"]
    assert pair["notes"] == ["reliance is adjusted for the covariates of the first run in both"]


def test_runs_in_folders_of_the_same_name_are_told_apart(two_runs, biasaudit_here, tmp_path):
    moved = [tmp_path / name / "deep" / "out" for name in ("raw", "maps")]
    for folder, target in zip(two_runs, moved, strict=True):
        target.parent.mkdir(parents=True)
        folder.rename(target)
    shown = biasaudit_here("compare", *moved).stdout
    assert "raw/deep/out" in shown
    assert str(tmp_path) not in shown


def test_arms_of_the_same_name_belong_together(finished_run, two_runs, biasaudit_here):
    record = json.loads(biasaudit_here("compare", finished_run, two_runs[1], "--json").stdout)
    (pair,) = record["pairs"]
    assert pair["arms"] == ["tissue", "tissue"]
    assert all(difference["difference"] == 0 for difference in pair["differences"])
    assert not record["findings"]
    assert len(record["arms"]) == 3


FAULTS = {
    "no run": (lambda folder: (folder / "protocol.yaml").unlink(), 2, "is no run of biasaudit"),
    "incomplete": (lambda folder: (folder / "audit.json").unlink(), 4, "an incomplete run, or none; run the same"),
    "damaged audit": (lambda folder: (folder / "audit.json").write_text("{"), 3, "audit.json: not readable as JSON"),
    "not an audit": (lambda folder: (folder / "audit.json").write_text("{}"), 3, "audit.json: arms: expected a list"),
    "no scores": (lambda folder: (folder / "tables" / "scores.tsv").unlink(), 3, "scores.tsv: no such table"),
    "damaged table": (
        lambda folder: (folder / "tables" / "scores.tsv").write_bytes(b"\xff\xfe\x00"),
        3,
        "scores.tsv: not readable as a table",
    ),
    "column missing": (
        lambda folder: change_table(folder, "subjects", lambda table: table.drop(columns=["fold", "site"])),
        3,
        "subjects.tsv:1: no column 'fold', 'site'",
    ),
    "other settings": (
        lambda folder: change_audit(folder, lambda audit: audit["settings"].update(folds={"k": 3})),
        3,
        "settings of another version of biasaudit (1 fields do not fit)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line(two_runs, biasaudit_here, name):
    spoil, code, words = FAULTS[name]
    spoil(two_runs[1])
    done = biasaudit_here("compare", *two_runs)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_run_is_not_compared_with_itself(two_runs, biasaudit_here):
    done = biasaudit_here("compare", two_runs[0], two_runs[0])
    assert done.returncode == 2
    assert "is compared with itself; give two runs" in done.stderr


def test_a_page_that_cannot_be_written_is_said(two_runs, biasaudit_here, tmp_path):
    (tmp_path / "file").touch()
    done = biasaudit_here("compare", *two_runs, "-o", tmp_path / "file" / "page.html")
    assert done.returncode == 2
    assert "page.html cannot be written (Not a directory)" in done.stderr
