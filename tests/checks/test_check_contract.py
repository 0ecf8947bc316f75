"""What holds for every registered check, whatever the evidence."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from checks.asking import against_the_rest, judge
from checks.frames import WITH_FIELD
from checks.kinds import KINDS, PLANTED, SKIPPED, TOLD, WORDS, only

from biasaudit import checks, registry
from biasaudit.checks.check import STATISTIC, required, statistic_name
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Status

CODES = registry.names("check")


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    """One that declares a disease field, so that every check can be asked."""
    return WITH_FIELD


RETRAINED = [code for code in CODES if (SKIPPED.keys() - {"probes"}) & set(registry.get("check", code).needs)]


def test_every_check_is_found_by_its_folder():
    files = Path(checks.__file__).parent.glob("*.py")
    written = {code for file in files for code in re.findall(r'^@register\("check", "(\w+)"\)', file.read_text(), re.M)}
    assert written
    assert written <= set(CODES)


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
            "untrained": {},
            "gradients": {},
            "origin_controls": {},
            "reduced": {},
            "reduced_skipped": {},
            "maps": None,
            "transfer": None,
            "frames": None,
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
    _require_equal(before, evidence, "evidence")


def evidence_of(design: str, masks: bool, planted: Any, furnished: Any) -> ArmEvidence:
    """Evidence of every kind, with a signature that patients show too, and two retrainings that were skipped."""
    own = furnished(planted(n=96, design=design, masks=masks, signature=1.5))
    return replace(
        own,
        retraining_skipped={"U10": "too few subjects", "U11": "too few subjects", "G3": "too few subjects"},
        covariates={"age": np.linspace(20.0, 60.0, 96)},
        reduced={**own.reduced, "background": own.logit + np.sin(np.arange(96.0))},
    )


def in_contrast(evidence: ArmEvidence) -> ArmEvidence:
    """The same as one class against a rest that holds patients of another one."""
    n = evidence.positive.size
    label = np.where(evidence.positive, "ms", np.where(np.arange(n) % 3, "healthy", "tumour"))
    return replace(
        evidence,
        contrast="ms",
        classes=("not ms", "ms"),
        inside=("ms",),
        label=label,
        patient=label != "healthy",
        erasable=label != "tumour",
    )


def records(code: str, evidence: ArmEvidence, protocol: Protocol) -> list[dict[str, Any]]:
    return [finding.to_dict() for finding in registry.get("check", code)().judge(evidence, protocol)]


def situations(planted: Any, furnished: Any) -> list[ArmEvidence]:
    """Evidence of every design, of a contrast, without retrainings, and without hidden layers."""
    found = [
        evidence_of(design, masks, planted, furnished)
        for design in ("crossed", "nested", "aliased", "single")
        for masks in (True, False)
    ]
    bare = [
        lacking
        for own in found[:1]
        for lacking in (replace(own, unseen={}, dose=None, spike=None), replace(own, features={}))
    ]
    return [*found, *bare, *(in_contrast(own) for own in found[:2])]


@pytest.mark.parametrize("code", CODES)
def test_a_check_looks_at_nothing_but_what_it_needs(code, planted, furnished, protocol):
    needs = registry.get("check", code).needs
    for evidence in situations(planted, furnished):
        assert records(code, only(evidence, needs), protocol) == records(code, evidence, protocol)


def planted_words(code: str) -> list[str]:
    """Kinds that a check needs and that the planted evidence holds; a new kind plants its own in its own test."""
    return [word for word in registry.get("check", code).needs if word in PLANTED]


@pytest.mark.parametrize(("code", "word"), [(code, word) for code in CODES for word in planted_words(code)])
def test_a_check_looks_at_all_that_it_needs(code, word, planted, furnished, protocol):
    """Findings change in some situation when one kind of evidence is taken away."""
    others = [name for name in registry.get("check", code).needs if name != word]
    assert any(
        records(code, only(evidence, others), protocol) != records(code, evidence, protocol)
        for evidence in situations(planted, furnished)
    )


def test_every_field_of_the_evidence_belongs_to_one_kind():
    fields = [*TOLD, *(name for names in KINDS.values() for name in names), "retraining_skipped", "further"]
    assert sorted(fields) == sorted(ArmEvidence.__dataclass_fields__)


@pytest.mark.parametrize("code", CODES)
def test_a_check_says_what_it_is(code):
    check = registry.get("check", code)
    assert check.code == code
    assert check.kind in ("design", "available", "used", "gate")
    assert check.needs[0] == "table"
    assert set(check.needs) <= WORDS
    assert len(set(check.needs)) == len(check.needs)
    assert required(check) <= set(check.needs)
    assert set(getattr(check, "optional", ())) <= set(check.needs)
    assert all((check.title, check.question.endswith("?"), check.why.endswith(".")))


@pytest.mark.parametrize("code", [code for code in CODES if registry.plug_in_of("check", code) is None])
def test_a_check_names_its_statistic(code):
    """In a few words, with its unit where it has one; a plug-in may leave it out."""
    assert statistic_name(registry.get("check", code)) != STATISTIC
    assert 2 < len(registry.get("check", code).statistic) <= 40


def test_a_check_that_names_no_statistic_has_one_all_the_same():
    assert statistic_name(object) == "statistic"


def _require_valid(findings: list[Finding], code: str) -> None:
    assert findings
    for finding in findings:
        assert finding.code == code
        assert finding.status in get_args(Status)
        assert finding.reason, finding
        assert finding.p_value is None or 0 < finding.p_value <= 1 or np.isnan(finding.p_value)
        assert finding.level is None or 0.5 < finding.level < 1
        assert (finding.low is None and finding.high is None) or finding.level is not None, finding
        # What only corroborates asks for nothing to be done.
        assert finding.status != "concern" or code not in ("D1", "U1", "U4") or finding.remedy, finding
        record = json.loads(json.dumps(finding.to_dict(), allow_nan=False))
        assert Finding.from_dict(record).to_dict() == record
        assert (record["threshold"] is None) == (record["threshold_on"] is None), finding


def _require_equal(first: Any, second: Any, where: str) -> None:
    """Compare every value of records, mappings, sequences and arrays; nan equals nan."""
    assert type(first) is type(second), where
    if hasattr(first, "__dataclass_fields__"):
        for name in first.__dataclass_fields__:
            _require_equal(getattr(first, name), getattr(second, name), f"{where}.{name}")
    elif isinstance(first, dict):
        assert list(first) == list(second), where
        for name in first:
            _require_equal(first[name], second[name], f"{where}[{name!r}]")
    elif isinstance(first, tuple | list):
        assert len(first) == len(second), where
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            _require_equal(one, other, f"{where}[{place}]")
    elif isinstance(first, np.ndarray):
        assert first.dtype == second.dtype, where
        np.testing.assert_array_equal(first, second, err_msg=where)
    else:
        assert first == second or (first != first and second != second), where


def test_a_changed_value_is_noticed_wherever_it_lies(planted, furnished):
    """The comparison itself: one number changed deep inside the evidence is found."""
    for change in (
        lambda own: own.features["block1"].__setitem__((3, 2), 99.0),
        lambda own: own.origin_controls["healthy"].scores.__setitem__((0, 0), 99.0),
        lambda own: own.maps.probes.deletion.__setitem__((0, 0), 99.0),
        lambda own: own.unseen["a"].reference.__setitem__(0, 99.0),
        lambda own: own.reduced_skipped.__setitem__("background", "another reason"),
        lambda own: own.metadata["sidecar: Manufacturer"].__setitem__(0, "Siemens"),
    ):
        evidence = furnished(planted(n=48, masks=True))
        before = copy.deepcopy(evidence)
        _require_equal(before, evidence, "evidence")
        change(evidence)
        with pytest.raises(AssertionError):
            _require_equal(before, evidence, "evidence")


@pytest.mark.parametrize("code", ["A1", "U3", "U7"])
def test_questions_that_do_not_depend_on_the_contrast_are_asked_inside_its_class(planted, furnished, protocol, code):
    found = judge(code, furnished(against_the_rest(planted)), protocol)
    assert {finding.class_name for finding in found} == {"ms"}
