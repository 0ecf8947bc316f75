"""A finished audit as an object: a mapping, typed records, tables, a gate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from run_folders import NASTY, write_run

import biasaudit
from biasaudit.audit import Auc, Audit, Reliance
from biasaudit.errors import DataError, IncompleteError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = write_run(tmp_path / "out", "nested", ("intensity", "tissue"), maps=False, n=24)
    (run / "protocol.yaml").write_text("name: x\n", encoding="utf-8")
    return run


@pytest.fixture
def audit(folder: Path) -> Audit:
    return biasaudit.load(folder)


def stored(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "audit.json").read_text())
    return record


def changed(folder: Path, **own: Any) -> Audit:
    """Load the run with other fields of its first arm."""
    record = stored(folder)
    record["arms"][0] |= own
    (folder / "audit.json").write_text(json.dumps(record))
    return biasaudit.load(str(folder))


def test_it_is_the_content_of_its_file(audit: Audit, folder: Path) -> None:
    assert {key: audit[key] for key in stored(folder)} == stored(folder)
    assert audit["arms"][0]["name"] == "intensity"
    assert "findings" not in audit
    assert json.loads(json.dumps(dict(audit)))["cohort"]["n"] == 24
    with pytest.raises(KeyError):
        audit["no_such_key"]


def test_where_it_lies(audit: Audit, folder: Path) -> None:
    assert (audit.folder, audit.report) == (folder, folder / "report.html")


def test_the_verdict_is_that_of_the_primary_arm(audit: Audit) -> None:
    assert audit.verdict == "ORIGIN"
    assert audit.verdict != "MIXED"
    assert audit.verdict.word == str(audit.verdict) == "ORIGIN"
    assert audit.verdict.factor == "origin"
    assert audit.verdict.settle.startswith("Healthy subjects from ofsep-lyon")
    assert audit.verdict == audit.arms["intensity"].verdict
    assert audit.verdict in {"ORIGIN"}


def test_intervals_say_their_level(audit: Audit) -> None:
    assert audit.reliance == Reliance(0.91, 0.8, 0.99, 0.9, None, "U4", ("A2",))
    assert audit.arms["tissue"].auc == Auc(0.94, 0.89, 0.98, 0.95)
    assert audit.arms["tissue"].reliance.estimate == 0.08


def test_the_level_follows_the_protocol(folder: Path) -> None:
    record = stored(folder)
    record["settings"]["statistics"]["alpha"] = 0.01
    (folder / "audit.json").write_text(json.dumps(record))
    assert biasaudit.load(folder).reliance.level == pytest.approx(0.98)
    record["settings"] = {}
    (folder / "audit.json").write_text(json.dumps(record))
    assert biasaudit.load(folder).reliance.level is None


def test_a_level_that_was_recorded_counts(folder: Path) -> None:
    verdict = stored(folder)["arms"][0]["verdicts"][0]
    verdict["reliance"]["level"] = 0.8
    arm = changed(folder, verdicts=[verdict], target={"auc": 0.9, "level": 0.7}).arms["intensity"]
    assert (arm.reliance.level, arm.auc.level) == (0.8, 0.7)


def test_a_run_that_recorded_one_verdict_alone_can_be_read(folder: Path) -> None:
    audit = changed(folder, verdicts=[], verdict="MIXED", provisional=True)
    assert (audit.verdict.word, audit.verdict.factor, audit.verdict.provisional) == ("MIXED", "", True)
    assert audit.reliance.estimate == 0.91


def test_the_headline_is_the_worst_of_several_verdicts(folder: Path) -> None:
    first = stored(folder)["arms"][0]["verdicts"][0]
    mild = {**first, "verdict": "PATHOLOGY", "factor": "scanner", "reliance": {"estimate": 0.01}}
    arm = changed(folder, verdicts=[mild, first]).arms["intensity"]
    assert [own.word for own in arm.verdicts] == ["PATHOLOGY", "ORIGIN"]
    assert (arm.verdict.factor, arm.reliance.estimate) == ("origin", 0.91)


def test_findings_scores_and_subjects_are_tables(audit: Audit) -> None:
    concerns = audit.findings.query("status == 'concern' and arm == 'intensity'")
    assert {"A1", "A2", "U4"} == set(concerns["code"])
    assert audit.findings.loc[audit.findings["arm"] == "", "code"].tolist() == ["D1"]
    assert audit.scores["logit"].dtype == float
    assert pd.api.types.is_integer_dtype(audit.scores["fold"])
    assert audit.subjects["positive"].dtype == bool
    assert audit.subjects["severity"].isna().sum() == 12
    merged = audit.scores.merge(audit.subjects, on=["subject", "fold"])
    assert len(merged) == len(audit.scores)


def test_digits_that_are_names_stay_names(folder: Path) -> None:
    table = pd.read_csv(folder / "tables/subjects.tsv", sep="\t").assign(covariate_age=30, covariate_sex="f")
    table["subject"], table["origin"] = [f"{number:04d}" for number in range(len(table))], "007"
    table.to_csv(folder / "tables/subjects.tsv", sep="\t", index=False)
    subjects = biasaudit.load(folder).subjects
    assert subjects.loc[0, "subject"] == "0000"
    assert set(subjects["origin"]) == {"007"}
    assert subjects["covariate_age"].sum() == 30 * len(table)
    assert set(subjects["covariate_sex"]) == {"f"}


@pytest.mark.parametrize(
    ("fail_on", "arm", "passes"),
    [
        ("undetermined", None, False),
        ("origin", None, False),
        ("undetermined", "tissue", True),
        ("mixed", "tissue", True),
    ],
)
def test_it_is_gated(audit: Audit, fail_on: str, arm: str | None, passes: bool) -> None:
    assert audit.passes(fail_on, arm) is passes


def test_a_flag_does_not_pass_at_mixed(folder: Path) -> None:
    audit = changed(folder, verdict="PATHOLOGY", flagged=["U1"], verdicts=[])
    assert audit.passes()
    assert not audit.passes("mixed")


@pytest.mark.parametrize("asked", [{"fail_on": "pathology"}, {"fail_on": "mixd"}, {"arm": "tisue"}])
def test_a_gate_that_does_not_exist_is_refused(audit: Audit, asked: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        audit.passes(**asked)


def test_it_shows_itself(audit: Audit, folder: Path) -> None:
    title = "Healthy vs MS, raw against tissue maps"
    assert repr(audit) == f"<Audit {title!r}: intensity ORIGIN, tissue PATHOLOGY; {folder}>"
    assert title in audit._repr_html_()


def test_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no run of biasaudit") as refused:
        biasaudit.load(tmp_path / "nowhere")
    assert "\n" not in str(refused.value)


def test_an_unfinished_run_is_one_line(folder: Path) -> None:
    (folder / "audit.json").unlink()
    with pytest.raises(IncompleteError, match=r"run the same .* again to resume") as refused:
        biasaudit.load(folder)
    assert "\n" not in str(refused.value)


def test_a_damaged_run_is_one_line(folder: Path) -> None:
    (folder / "audit.json").write_text('{"arms": [')
    with pytest.raises(DataError, match="not readable as JSON") as refused:
        biasaudit.load(folder)
    assert "\n" not in str(refused.value)


def test_nothing_heavy_is_imported_before_a_table_is_asked_for(folder: Path) -> None:
    program = (
        "import sys, biasaudit\n"
        "heavy = {'torch', 'pandas', 'numpy'}\n"
        "print(heavy & set(sys.modules), biasaudit.load(sys.argv[1]).verdict, heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set() ORIGIN set()"


def test_names_of_users_do_no_harm(audit: Audit) -> None:
    assert NASTY in set(audit.subjects["subject"])
    assert "<script" not in audit._repr_html_()
