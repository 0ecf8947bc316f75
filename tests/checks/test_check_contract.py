"""What holds for every registered check, whatever the evidence."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.records import ArmEvidence, Finding, Status

CODES = ("D1", "G1", "G2", "G3", "A1", "A2", "U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U9", "U10", "U11", "U12")
CODES += ("D2", "D3", "A3")
WORDS = {"table", "scores", "erased", "features", "origin_controls", "reduced", "maps", "transfer", "retraining"}
WORDS |= {"metadata", "quality", "twins"}
RETRAINED = ("G3", "U10", "U11")


def test_the_default_checks_are_found_by_folder():
    assert set(CODES) <= set(registry.names("check"))


def broken(evidence: ArmEvidence, how: str) -> ArmEvidence:
    n = evidence.positive.size
    nothing: dict[str, Any] = {
        "nan": {"logit": np.where(np.arange(n) == 3, np.nan, evidence.logit)},
        "nan erased": {"logit_erased": np.full(n, np.nan)},
        "constant": {"logit": np.zeros(n), "logit_erased": np.zeros(n)},
        "infinite": {"logit": np.where(np.arange(n) == 3, np.inf, evidence.logit)},
        "tied": {"logit": np.sign(evidence.logit), "logit_erased": np.sign(evidence.logit)},
        "two values in a fold": {"logit": np.where(evidence.fold == 1, evidence.positive * 1.0, evidence.logit)},
        "lonely cell": {"origin": np.where(evidence.positive & (np.arange(n) != 1), "a", evidence.origin)},
        "everybody an origin": {"origin": np.array([f"site {i}" for i in range(n)])},
        "words as origins": {"origin": np.where(evidence.origin == "a", "", "São Paulo / 3 T")},
        "one fold": {"fold": np.zeros(n, dtype=int)},
        "tied features": {"features": {name: np.sign(f) for name, f in evidence.features.items()}},
        "tied controls": {
            "origin_controls": {
                name: replace(control, scores=np.zeros_like(control.scores))
                for name, control in evidence.origin_controls.items()
            }
        },
        "no severity": {"severity": np.where(np.arange(n) == 1, np.nan, evidence.severity)},
        "no scores": {"logit": np.empty(0), "logit_erased": None},
        "one class": {"positive": np.zeros(n, dtype=bool)},
        "lonely origin": {"origin": np.where(np.arange(n) == 0, "z", evidence.origin)},
        "lonely stratum": {"fold": np.where(np.arange(n) == 1, 4, np.arange(n) % 2)},
        "two subjects per class": {},
        "nan features": {"features": {name: np.full_like(f, np.nan) for name, f in evidence.features.items()}},
        "constant features": {"features": {name: np.zeros_like(f) for name, f in evidence.features.items()}},
        "nan reduced": {"reduced": {name: np.full(n, np.nan) for name in evidence.reduced}},
        "constant reduced": {"reduced": {name: np.zeros(n) for name in evidence.reduced}},
        "zero maps": {"maps": replace(evidence.maps, target=np.zeros_like(evidence.maps.target))},
        "nan maps": {"maps": replace(evidence.maps, target=np.full_like(evidence.maps.target, np.nan))},
        "no origin maps": {"maps": replace(evidence.maps, origin=None)},
        "no maps": {"maps": None},
        "bare": {
            "features": {},
            "origin_controls": {},
            "reduced": {},
            "reduced_skipped": {},
            "maps": None,
            "transfer": None,
            "unseen": {},
            "dose": None,
            "spike": None,
            "metadata": {},
            "quality": {},
            "twins": None,
        },
        "nan quality": {"quality": {name: np.full_like(v, np.nan) for name, v in evidence.quality.items()}},
        "constant quality": {"quality": {name: np.zeros_like(v) for name, v in evidence.quality.items()}},
        "empty metadata": {"metadata": {"header: x": np.full(n, None)}},
        "nan retrained": _rescored(evidence, np.nan),
        "constant retrained": _rescored(evidence, 0.0),
        "nan controls": {
            "origin_controls": {
                name: replace(control, scores=np.full_like(control.scores, np.nan))
                for name, control in evidence.origin_controls.items()
            }
        },
    }
    return replace(evidence, **nothing[how])


def _rescored(evidence: ArmEvidence, score: float) -> dict[str, Any]:
    """Every network trained anew says the same number of everybody, or none."""
    return {
        "unseen": {
            name: replace(own, unseen=np.full_like(own.unseen, score), reference=np.full_like(own.reference, score))
            for name, own in evidence.unseen.items()
        },
        "dose": replace(evidence.dose, scores=np.full_like(evidence.dose.scores, score)),
        "spike": replace(
            evidence.spike,
            **{
                name: replace(trial, without=np.full_like(trial.without, score), with_edit=trial.with_edit)
                for name, trial in (("planted", evidence.spike.planted), ("sham", evidence.spike.sham))
            },
        ),
    }


BROKEN = (
    "nan", "nan erased", "constant", "no scores", "one class", "lonely origin", "lonely stratum", "nan features",
    "constant features", "nan reduced", "constant reduced", "zero maps", "nan maps", "no origin maps", "no maps",
    "bare", "nan controls", "nan retrained", "constant retrained",
    "infinite", "tied", "two values in a fold", "lonely cell", "everybody an origin",
    "nan quality", "constant quality", "empty metadata", "words as origins", "one fold", "tied features",
    "tied controls", "no severity",
)  # fmt: skip


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("design", ["crossed", "nested", "aliased", "single"])
def test_findings_are_valid_in_every_regime(code, design, planted, furnished, protocol):
    for masks in (False, True):
        evidence = furnished(planted(n=48, design=design, masks=masks))
        _require_valid(registry.get("check", code)().judge(evidence, protocol), code)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("how", BROKEN)
def test_broken_evidence_is_answered_and_never_clear_of_itself(code, how, planted, furnished, protocol):
    evidence = broken(furnished(planted(n=48, masks=True)), how)
    _require_valid(registry.get("check", code)().judge(evidence, protocol), code)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("n", [4, 8])
def test_tiny_cohorts_are_answered(code, n, planted, furnished, protocol):
    _require_valid(registry.get("check", code)().judge(furnished(planted(n=n, masks=True)), protocol), code)


@pytest.mark.parametrize("how", ["nan", "constant"])
@pytest.mark.parametrize("code", ["G1", "U1", "U4"])
def test_scores_that_cannot_be_read_are_never_clear(code, how, planted, furnished, protocol):
    evidence = broken(furnished(planted(n=48, masks=True)), how)
    findings = registry.get("check", code)().judge(evidence, protocol)
    expected = {"error"} if how == "nan" else {"inconclusive"}
    assert {finding.status for finding in findings} == expected


@pytest.mark.parametrize("how", ["nan", "constant"])
@pytest.mark.parametrize("code", RETRAINED)
def test_retrained_scores_that_cannot_be_read_are_never_clear(code, how, planted, furnished, protocol):
    evidence = broken(furnished(planted(n=96)), f"{how} retrained")
    (finding,) = registry.get("check", code)().judge(evidence, protocol)
    assert finding.status == ("error" if how == "nan" else "inconclusive")


@pytest.mark.parametrize("code", CODES)
def test_judging_is_pure_and_the_arm_does_not_change_the_streams(code, planted, furnished, protocol):
    evidence = furnished(planted(n=48, masks=True))
    before = copy.deepcopy(evidence)
    check = registry.get("check", code)()
    first = [finding.to_dict() for finding in check.judge(evidence, protocol)]
    assert first == [finding.to_dict() for finding in check.judge(evidence, protocol)]
    assert first == [finding.to_dict() for finding in check.judge(replace(evidence, arm="tissue"), protocol)]
    _require_equal(before, evidence)


@pytest.mark.parametrize("code", CODES)
def test_a_check_says_what_it_is(code):
    check = registry.get("check", code)
    assert check.code == code
    assert check.kind in ("design", "available", "used", "gate")
    assert set(check.needs) <= WORDS
    assert all((check.title, check.question.endswith("?"), check.why.endswith(".")))


def _require_valid(findings: list[Finding], code: str) -> None:
    assert findings
    for finding in findings:
        assert finding.code == code
        assert finding.status in get_args(Status)
        assert finding.reason, finding
        assert finding.p_value is None or 0 < finding.p_value <= 1 or np.isnan(finding.p_value)
        # What only corroborates asks for nothing to be done.
        assert finding.status != "concern" or code not in ("D1", "U1", "U4") or finding.remedy, finding
        record = json.loads(json.dumps(finding.to_dict(), allow_nan=False))
        assert Finding.from_dict(record).to_dict() == record


def _require_equal(first: Any, second: Any) -> None:
    for name in first.__dataclass_fields__:
        one, other = getattr(first, name), getattr(second, name)
        if hasattr(one, "__dataclass_fields__"):
            _require_equal(one, other)
        elif isinstance(one, dict):
            assert one.keys() == other.keys()
        elif isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
