import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from biasaudit.report.views_checks import check_views, design_findings
from biasaudit.run_folder.reading import RunRecords, load_run
from biasaudit.vocabulary import OR_PROBES

ARMS = ("intensity", "tissue")


@pytest.fixture
def records(make_run: Callable[..., Path]) -> RunRecords:
    return load_run(make_run(regime="nested", arms=ARMS, n=24))


def test_each_check_is_said_once_with_its_findings_of_every_arm(records: RunRecords):
    views = check_views(records)
    assert len({view.code for view in views}) == len(views)
    scores = next(view for view in views if view.code == "U1")
    assert {finding.arm for finding in scores.findings} == set(ARMS)
    assert scores.of("tissue")[0].anchor.startswith("tissue-U1-")
    assert not scores.of_cohort


def test_checks_come_by_question_and_then_by_number(records: RunRecords):
    views = check_views(records)
    kinds = [view.kind for view in views]
    assert kinds == sorted(kinds, key=["used", "available", "gate", "design", ""].index)
    used = [view.code for view in views if view.kind == "used"]
    assert used == sorted(used, key=lambda code: (code.rstrip("0123456789"), int(code.lstrip("PU"))))


def test_a_check_is_as_urgent_as_its_worst_finding(records: RunRecords):
    for view in check_views(records):
        ranks = [("error", "concern", "inconclusive", "clear", "not_applicable").index(f.status) for f in view.findings]
        assert view.rank == min(ranks)


def test_every_finding_has_an_anchor_of_its_own(make_run: Callable[..., Path]):
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    first = audit["arms"][0]["findings"][0]
    audit["arms"][0]["findings"] += [first, {**first, "factor": "s" * 60}, {**first, "factor": "s" * 70}]
    (run / "audit.json").write_text(json.dumps(audit))
    anchors = [finding.anchor for view in check_views(load_run(run)) for finding in view.findings]
    assert len(set(anchors)) == len(anchors)


def test_a_check_that_was_measured_to_tell_nothing_says_so(make_run: Callable[..., Path]):
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["checks"]["U1"]["weight"] = "it does not discriminate and carries no weight"
    (run / "audit.json").write_text(json.dumps(audit))
    unused = {view.code for view in check_views(load_run(run)) if view.unused}
    assert unused == {"U1"}


def test_probes_that_answered_are_not_asked_for_again(make_run: Callable[..., Path]):
    records = load_run(make_run(regime="nested", n=24, maps=False))
    advice = f"Add an origin that holds both classes{OR_PROBES}, or lesion masks for erasure."
    design = records.audit["design"]
    asked = {**design, "findings": [{**design["findings"][0], "remedy": advice}]}
    for status, told in (("inconclusive", advice), ("concern", advice.replace(OR_PROBES, ""))):
        findings = records.findings.assign(code="P1", status=status)
        run = replace(records, audit={**records.audit, "design": asked}, findings=findings)
        assert design_findings(run)[0].remedy == told
