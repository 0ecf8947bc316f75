"""Findings and verdicts as JUnit XML, which continuous-integration servers show without a plugin."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from biasaudit.records import FindingRecord
from biasaudit.run_folder.contract import ArmRecord
from biasaudit.run_folder.reading import RunRecords

__all__ = ["junit_xml"]

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OUTCOMES = {"error": "error", "inconclusive": "skipped", "not_applicable": "skipped"}
_GATES = ("G1", "G3")
"""Competence and power, without which no arm is cleared."""
_ASIDE = "concern, but the verdict does not rest on it"


def junit_xml(records: RunRecords) -> bytes:
    """Write one test case per finding and one per arm's verdict.

    A concern is a failure where the verdict rests on it: the check flags, the reliance is taken from it, or it is the
    gate of competence or of power. Any other concern is skipped with its reason, and so is what is inconclusive or does
    not apply; an error is an error. A verdict other than PATHOLOGY fails, because what could not be assessed never
    counts as passed.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    bytes
        UTF-8 XML, one suite per arm and one for the design.
    """
    root = ElementTree.Element("testsuites", name=_legal(records.audit.get("name") or "biasaudit"))
    design = records.audit["design"].get("findings") or []
    if design:
        _suite(root, "design", [_finding_case("design", finding, rests=False) for finding in design])
    for arm in records.audit["arms"]:
        findings = arm.get("findings") or []
        cases = [_finding_case(arm["name"], finding, rests=_rests_on(arm, finding)) for finding in findings]
        _suite(root, arm["name"], [_verdict_case(arm), *cases])
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: ElementTree.Element, name: str, cases: list[ElementTree.Element]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=_legal(name), tests=str(len(cases)))
    for outcome, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(outcome) is not None for case in cases)))
    suite.extend(cases)


def _rests_on(arm: ArmRecord, finding: FindingRecord) -> bool:
    """Whether some verdict of an arm rests on a finding."""
    if finding["code"] in _GATES:
        return True
    verdicts = arm.get("verdicts") or ()
    if (finding.get("details") or {}).get("may_flag") is False:
        return False
    about = [
        own
        for own in verdicts
        if own.get("factor") in (None, "", finding.get("factor")) and own.get("contrast") == finding.get("contrast")
    ]
    codes = {code for own in about for code in own.get("flagged") or ()}
    codes |= {str((own.get("reliance") or {}).get("from")) for own in about}
    return finding["code"] in codes | ({*(arm.get("flagged") or ())} if not verdicts else set())


def _finding_case(arm: str, finding: FindingRecord, *, rests: bool) -> ElementTree.Element:
    parts = [
        *(finding.get("factor"), finding.get("contrast"), finding.get("class"), finding.get("layer")),
        finding.get("input"),
    ]
    name = " ".join([str(finding["code"]), *(str(part) for part in parts if part)])
    outcome, status = _OUTCOMES.get(finding["status"]), str(finding["status"])
    if status == "concern":
        outcome, status = ("failure", status) if rests else ("skipped", _ASIDE)
    return _case(arm, name, outcome, f"{status}: {finding.get('reason') or ''}", str(finding.get("remedy") or ""))


def _verdict_case(arm: ArmRecord) -> ElementTree.Element:
    outcome = None if arm["verdict"] == "PATHOLOGY" else "failure"
    contrast = f" ({arm['contrast']} against the rest)" if arm.get("contrast") else ""
    return _case(arm["name"], "verdict", outcome, f"{arm['verdict']}{contrast}: {arm.get('reason') or ''}", "")


def _case(suite: str, name: str, outcome: str | None, message: str, body: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_legal(f"biasaudit.{suite}"), name=_legal(name))
    if outcome is not None:
        ElementTree.SubElement(case, outcome, message=_legal(message)).text = _legal(body) or None
    return case


def _legal(text: str) -> str:
    """Drop what XML 1.0 cannot hold, not even escaped."""
    return _ILLEGAL.sub("", str(text))
