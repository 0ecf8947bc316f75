from types import SimpleNamespace

from biasaudit.comparison.arms import ArmNames
from biasaudit.comparison.findings import differing_findings


def finding(code, status, **about):
    return {"code": code, "status": status, "statistic": 0.5, "p_value": 0.1, "reason": "why", **about}


def run(*findings):
    return SimpleNamespace(audit={"design": {"findings": list(findings)}})


def test_findings_are_matched_by_what_they_are_about_and_kept_where_the_status_differs():
    first = run(finding("D1", "clear", factor="site"), finding("D2", "clear"))
    second = run(finding("D1", "concern", factor="site"), finding("D2", "clear"))
    (pair,) = differing_findings(first, second, [])
    assert pair.arms is None
    assert (pair.key.code, pair.key.factor, pair.first.status, pair.second.status) == ("D1", "site", "clear", "concern")


def test_a_finding_of_one_run_alone_differs_and_says_which_arms():
    arms = SimpleNamespace(
        names=ArmNames("a", "b"),
        first=SimpleNamespace(record={"findings": [finding("U1", "clear", **{"class": "ms"})]}),
        second=SimpleNamespace(record={"findings": []}),
    )
    (pair,) = differing_findings(run(), run(), [arms])
    assert pair.to_dict()["arms"] == ["a", "b"]
    assert pair.to_dict()["class"] == "ms"
    assert pair.second is None
