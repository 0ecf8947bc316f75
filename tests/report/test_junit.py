import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from biasaudit.report.junit import junit_xml
from biasaudit.run_folder.reading import load_run

Make = Callable[..., Path]


def suites(run: Path) -> dict[str, ElementTree.Element]:
    return {str(suite.get("name")): suite for suite in ElementTree.fromstring(junit_xml(load_run(run)))}


def test_one_case_per_finding_and_verdict(make_run: Make) -> None:
    found = suites(make_run(arms=("intensity", "tissue"), n=24))
    assert list(found) == ["design", "intensity", "tissue"]
    counts = {
        name: [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] for name, suite in found.items()
    }
    assert counts == {"design": ["1", "0", "0", "1"], "intensity": ["9", "2", "1", "5"], "tissue": ["9", "0", "1", "4"]}


def test_totals_add_up(make_run: Make) -> None:
    run = make_run(arms=("intensity", "tissue"), n=24)
    root = ElementTree.fromstring(junit_xml(load_run(run)))
    assert [root.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["19", "2", "2", "10"]


def test_skipped_cases_say_why(make_run: Make) -> None:
    case = suites(make_run(n=24))["intensity"].find("testcase[@name='U1 origin healthy']/skipped")
    assert case is not None
    assert case.get("message") == "not_applicable: one origin in this class"


def test_a_concern_that_the_verdict_does_not_rest_on_is_skipped_with_its_reason(make_run: Make) -> None:
    suite = suites(make_run(n=24))["intensity"]
    aside = suite.find("testcase[@name='A1 origin healthy']/skipped")
    assert aside is not None
    assert aside.get("message") == "concern, but the verdict does not rest on it: A1 says concern."
    assert suite.find("testcase[@name='U4 origin']/failure") is not None


def test_what_flags_fails_for_its_own_factor_alone(make_run: Make) -> None:
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    arm = audit["arms"][0]
    arm["verdicts"][0] |= {"flagged": ["U1"], "factor": "origin"}
    arm["findings"] = [{**arm["findings"][0], "code": "U1", "factor": name} for name in ("origin", "vendor")]
    (run / "audit.json").write_text(json.dumps(audit))
    suite = suites(run)["intensity"]
    assert suite.find("testcase[@name='U1 origin healthy']/failure") is not None
    assert suite.find("testcase[@name='U1 vendor healthy']/skipped") is not None


def test_what_flags_fails_for_its_own_contrast_alone(make_run: Make) -> None:
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    arm = audit["arms"][0]
    verdict = {**arm["verdicts"][0], "flagged": ["U1"], "reliance": {}}
    arm["verdicts"] = [{**verdict, "contrast": "a"}, {**verdict, "contrast": "b", "flagged": []}]
    arm["findings"] = [{**arm["findings"][0], "code": "U1", "contrast": name} for name in ("a", "b")]
    arm["findings"].append({**arm["findings"][0], "layer": "x", "details": {"may_flag": False}})
    (run / "audit.json").write_text(json.dumps(audit))
    suite = suites(run)["intensity"]
    assert suite.find("testcase[@name='U1 origin a healthy']/failure") is not None
    assert suite.find("testcase[@name='U1 origin b healthy']/skipped") is not None
    assert suite.find("testcase[@name='U1 origin a healthy x']/skipped") is not None


def test_what_could_not_be_assessed_does_not_pass(make_run: Make) -> None:
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["arms"][0]["verdict"] = "UNDETERMINED"
    (run / "audit.json").write_text(json.dumps(audit))
    assert suites(run)["intensity"].find("testcase[@name='verdict']/failure") is not None


def test_text_that_xml_cannot_hold(make_run: Make) -> None:
    run = make_run(n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["arms"][0]["findings"][4]["reason"] = "odd \x00\x1b <b> & \ufffe"
    (run / "audit.json").write_text(json.dumps(audit))
    failure = suites(run)["intensity"].find("testcase[@name='U4 origin']/failure")
    assert failure is not None
    assert failure.get("message") == "concern: odd  <b> & "
