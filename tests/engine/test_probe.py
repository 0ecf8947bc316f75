"""Probes for a finished run: the protocol that they make, and what is kept where adding them fails."""

from __future__ import annotations

import json

import pytest

from biasaudit.engine.probe import changes, kept_if_it_fails, with_probes
from biasaudit.errors import UsageError
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import mark

PROTOCOL = """\
cohort: {reader: table, table: t.tsv, label: {positive: ms}, origins: [site]}
"""


@pytest.fixture
def run(tmp_path):
    mark(tmp_path, "run")
    OwnedFiles(tmp_path).write("setup", {"protocol.yaml": PROTOCOL.encode()})
    OwnedFiles(tmp_path).write(
        "results", {"audit.json": json.dumps({"arms": [{"name": "a", "verdict": "ORIGIN"}]}).encode()}
    )
    return tmp_path


def test_a_table_joins_those_that_are_there_and_the_larger_prevalence_holds_for_all(run):
    plan = with_probes(run, run / "first.tsv", 0.4)
    assert plan.cohort.probes.table == [run / "first.tsv"]
    both = "  probes: {table: [first.tsv], max_prevalence: 0.4}\n"
    write_protocol(run, "cohort:\n  reader: table\n  table: t.tsv\n  label: {positive: ms}\n  origins: [site]\n" + both)
    more = with_probes(run, run / "second.tsv", 0.1).cohort.probes
    assert [path.name for path in more.table] == ["first.tsv", "second.tsv"]
    assert more.max_prevalence == 0.4


def test_error_rates_that_were_measured_without_the_probes_are_dropped(run):
    write_protocol(run, PROTOCOL + "calibration: rates/own-rates.json\n")
    assert with_probes(run, run / "first.tsv", None).calibration is None


def test_a_run_without_image_files_takes_no_probes(run):
    write_protocol(run, "cohort: {reader: phantom}\n")
    with pytest.raises(UsageError, match="audited no image files"):
        with_probes(run, run / "p.tsv", None)


def write_protocol(run, text):
    OwnedFiles(run).write("setup", {"protocol.yaml": text.encode()})


def contents(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def interrupted(run):
    with kept_if_it_fails(run):
        OwnedFiles(run).remove("results")
        OwnedFiles(run).write("setup", {"protocol.yaml": b"other"})
        OwnedFiles(run).write("failures", {"failures.json": b"[]"})
        raise KeyboardInterrupt


def test_an_interrupt_leaves_the_run_finished(run):
    before = contents(run)
    with pytest.raises(KeyboardInterrupt):
        interrupted(run)
    assert contents(run) == before


def test_what_has_changed_is_said_arm_by_arm():
    def arm(verdict, **reliance):
        return {"arms": [{"name": "intensity", "verdict": verdict, "reliance": reliance, "findings": []}]}

    nothing, bound = arm("UNDETERMINED"), arm("MIXED", low=0.2, kind="bound")
    interval = arm("ORIGIN", estimate=0.9, low=0.8, high=1.0, kind="interval")
    (line,) = changes(nothing, interval)
    assert line == "arm intensity: UNDETERMINED (reliance not known) -> ORIGIN (reliance 80-100 %)"
    (same,) = changes(bound, bound)
    assert same == "arm intensity: MIXED (reliance at least 20 %), as before"
