"""Stored records -> what a template prints: small frozen records of finished text, so that templates hold no logic."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from biasaudit.records import RelianceRecord
from biasaudit.report.views_cohort import cohort_view
from biasaudit.report.views_finding import FindingView, against_the_rest, by_kind, finding_view, text_of
from biasaudit.report.words import (
    BEYOND_FIELD,
    STATUSES,
    VERDICTS,
    count,
    finite,
    interval,
    number,
    percent,
    reliance_words,
    worst,
)
from biasaudit.run_folder.contract import ArmRecord, ErrorRatesRecord, TargetRecord, VerdictRecord
from biasaudit.run_folder.reading import RunRecords
from biasaudit.vocabulary import OF_FIELD

__all__ = [
    "ArmView",
    "Bar",
    "Step",
    "VerdictView",
    "arm_views",
    "next_steps",
    "provenance",
    "truth_rows",
]


_TELLS_HOW_MANY = re.compile(r"(Bring|About) \d+ ")
_MORE_SITES = "more sites"
"""How the engine's remedy begins that counts the subjects of another design."""


@dataclass(frozen=True)
class Bar:
    """A share of one with its interval, in per cent of the bar's length; a lower bound has no estimate."""

    estimate: float | None
    low: float
    high: float
    truth: float | None


@dataclass(frozen=True)
class VerdictView:
    """The answer for one arm, one origin factor and, with more than two classes, one contrast."""

    factor: str
    contrast: str
    word: str
    headline: str
    action: str
    reason: str
    settle: str
    provisional: bool
    reliance: str
    source: str
    bar: Bar | None


@dataclass(frozen=True)
class ArmView:
    """One arm: its verdicts, worst first, and its findings by kind of question."""

    name: str
    anchor: str
    representation: str
    primary: bool
    verdict: VerdictView
    verdicts: tuple[VerdictView, ...]
    auc: str
    auc_interval: str
    published: str
    published_interval: str
    published_on: str
    published_why: str
    unmeasured: str
    balanced_accuracy: str
    error_rates: str
    groups: tuple[tuple[str, tuple[FindingView, ...]], ...]
    not_applicable: tuple[FindingView, ...]
    counts: tuple[tuple[str, str, int], ...]
    errors: int


@dataclass(frozen=True)
class Step:
    """Something to do next, and what it answers."""

    text: str
    source: str


def arm_views(records: RunRecords) -> tuple[ArmView, ...]:
    """Prepare every arm, the primary one first."""
    arms = sorted(records.audit["arms"], key=lambda arm: not arm.get("primary", False))
    return tuple(_arm_view(arm, position, records) for position, arm in enumerate(arms))


def next_steps(records: RunRecords, arms: Sequence[ArmView]) -> tuple[Step, ...]:
    """List what to do, most urgent first: rerun, the verdict's action, what would settle it, remedies of findings."""
    steps = []
    if any(arm.errors for arm in arms):
        steps.append(Step("Rerun the audit: some computations failed. What is finished is kept.", "incomplete run"))
    steps.append(Step(arms[0].verdict.action, f"verdict on {arms[0].name}"))
    steps += [Step(each["action"], each["reason"]) for each in records.audit.get("remedies") or ()]
    for arm in arms:
        steps += [Step(verdict.settle, _settles(arm, verdict)) for verdict in arm.verdicts]
    for arm in arms:
        concerns = [view for _, group in arm.groups for view in group if view.status in ("concern", "error")]
        steps += [Step(view.remedy, f"{view.code} {view.title}, {arm.name}") for view in concerns]
    design = cohort_view(records).findings
    steps += [Step(view.remedy, f"{view.code} {view.title}") for view in design if view.status == "concern"]
    return _merged(_with_one_number(steps))


def _with_one_number(steps: Sequence[Step]) -> list[Step]:
    """Leave out how many subjects another design would take where the verdict itself says what to bring."""
    told = any(_TELLS_HOW_MANY.match(step.text) for step in steps)
    return [step for step in steps if not (told and step.source.startswith(_MORE_SITES))]


def truth_rows(records: RunRecords) -> pd.DataFrame:
    """Collect the planted truth beside the estimates.

    Returns
    -------
    DataFrame
        arm, factor, estimate, low, high, omega, r, auc_one_site, gap; no rows where the cohort is not simulated.
    """
    rows = []
    for arm in records.audit["arms"]:
        reliance = {verdict["factor"]: verdict.get("reliance") or {} for verdict in _verdicts(arm)}
        for factor, truth in (arm.get("truth") or {}).items():
            given = reliance.get(factor, {})
            estimate = {key: finite(given.get(key)) for key in ("estimate", "low", "high")}
            planted = {key: finite((truth or {}).get(key)) for key in ("omega", "r", "auc_one_site", "gap")}
            rows.append({"arm": arm["name"], "factor": factor, **estimate, **planted})
    columns = ["arm", "factor", "estimate", "low", "high", "omega", "r", "auc_one_site", "gap"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def provenance(records: RunRecords) -> tuple[tuple[str, str], ...]:
    """List versions, hashes and times, as the audit stored them."""
    audit = records.audit
    names = {"protocol_sha256": "protocol (SHA-256)", "data_sha256": "data (SHA-256)", "version": "biasaudit"}
    tool = [(names.get(key, key.replace("_", " ")), text_of(value)) for key, value in audit["biasaudit"].items()]
    environment = [(key.replace("_", " "), text_of(value)) for key, value in audit["environment"].items()]
    return (*tool, *_input_files(records), *environment)


def _input_files(records: RunRecords) -> list[tuple[str, str]]:
    """Say how many files were read, and which of them were trusted to be what they were at an earlier look."""
    if records.files.empty or "hashed" not in records.files:
        return []
    hashed = records.files["hashed"].sort_values()
    earlier = hashed[hashed < str(records.audit["biasaudit"].get("started", ""))]
    text = f"{len(hashed)}, all hashed in this run"
    if len(earlier):
        since = "their size, times and a sample of their bytes are as they were then"
        text = f"{len(hashed)}, {len(earlier)} of them last hashed at {earlier.iloc[0]} or later; {since} (--rehash)"
    return [("input files", text)]


def _arm_view(arm: ArmRecord, position: int, records: RunRecords) -> ArmView:
    findings = [finding_view(finding, records.audit["checks"]) for finding in arm.get("findings") or []]
    verdicts = tuple(_verdict_view(verdict, arm) for verdict in _verdicts(arm))
    asked = [view for view in findings if view.status != "not_applicable"]
    target = arm.get("target") or {}
    published = target.get("independent") or {}
    counts = Counter(view.status for view in findings)
    return ArmView(
        name=arm["name"],
        anchor=f"arm-{position + 1}",
        representation=str(arm.get("representation", "")),
        primary=bool(arm.get("primary", False)),
        verdict=verdicts[0],
        verdicts=verdicts,
        auc=number(target.get("auc")),
        auc_interval=interval(target.get("auc_low"), target.get("auc_high")),
        published=number(published.get("auc")),
        published_interval=interval(published.get("auc_low"), published.get("auc_high")),
        published_on=str(published.get("text") or ""),
        published_why=_why_published(target),
        unmeasured=_unmeasured(arm),
        balanced_accuracy=number(target.get("balanced_accuracy")),
        error_rates=_error_rates(arm.get("error_rates") or {}),
        groups=by_kind(asked),
        not_applicable=tuple(view for view in findings if view.status == "not_applicable"),
        counts=tuple(
            (status, words.word.lower(), counts[status]) for status, words in STATUSES.items() if counts[status]
        ),
        errors=counts["error"],
    )


def _why_published(target: TargetRecord) -> str:
    """Say why the AUC to publish is that as sampled, or another; empty where there is none, or its text says so."""
    published = target.get("independent") or {}
    how = published.get("how")
    if not how:
        return ""
    if number(published.get("auc")) == number(target.get("auc")):
        bounds = interval(published.get("auc_low"), published.get("auc_high"))
        own = "" if bounds == interval(target.get("auc_low"), target.get("auc_high")) else f" ({bounds})"
        return f"The same as sampled{own}: what the source tells of the class adds nothing here."
    if how == "probes":
        return "As sampled, knowing the source is knowing the class."
    return "As sampled, knowing the source tells something of the class."


def _unmeasured(arm: ArmRecord) -> str:
    """Say beside a flag of U1 or P1 how strong an unmeasured difference would have to be to explain it."""
    if not {"U1", "P1"} & set(arm.get("flagged") or ()):
        return ""
    factors = {own["factor"] for own in _verdicts(arm) if {"U1", "P1"} & set(own.get("flagged") or ())}
    own = (f for f in arm.get("findings") or [] if f["code"] == "D4" and f.get("class"))
    asked = (f["details"] for f in own if f.get("factor") in factors)
    text = next((str(details["sensitivity"]) for details in asked if details.get("sensitivity")), "")
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _verdicts(arm: ArmRecord) -> list[VerdictRecord]:
    """Verdicts of an arm, worst first; the arm's own where no factor is named."""
    given = arm.get("verdicts") or []
    if not given:
        return [_own_verdict(arm)]
    left = list(given)
    ordered: list[VerdictRecord] = []
    while left:
        word = worst([verdict["verdict"] for verdict in left])
        ordered += [verdict for verdict in left if verdict["verdict"] == word]
        left = [verdict for verdict in left if verdict["verdict"] != word]
    return ordered


def _own_verdict(arm: ArmRecord) -> VerdictRecord:
    return {
        "factor": "",
        "contrast": arm.get("contrast"),
        "verdict": arm["verdict"],
        "reason": arm.get("reason"),
        "settle": None,
        "provisional": arm.get("provisional", False),
        "reliance": arm.get("reliance") or {},
    }


def _verdict_view(verdict: VerdictRecord, arm: ArmRecord) -> VerdictView:
    words = VERDICTS[verdict["verdict"]]
    reliance = verdict.get("reliance") or {}
    factor = str(verdict.get("factor") or "")
    truth = (arm.get("truth") or {}).get(factor) or {}
    return VerdictView(
        factor=factor,
        contrast=against_the_rest(verdict.get("contrast")),
        word=verdict["verdict"],
        headline=BEYOND_FIELD if reliance.get("from") in OF_FIELD else words.headline,
        action=words.action,
        reason=str(verdict.get("reason") or ""),
        settle=str(verdict.get("settle") or ""),
        provisional=bool(verdict.get("provisional")),
        reliance=reliance_words(reliance),
        source=_source(reliance),
        bar=_bar(reliance, truth.get("omega")),
    )


def _source(reliance: RelianceRecord) -> str:
    if not reliance.get("from"):
        return ""
    others = reliance.get("corroborated_by") or []
    return f"from {reliance['from']}" + (f", corroborated by {', '.join(others)}" if others else "")


def _bar(reliance: RelianceRecord, truth: float | None) -> Bar | None:
    estimate, low, high = (finite(reliance.get(key)) for key in ("estimate", "low", "high"))
    is_bound = reliance.get("kind") == "bound" and low is not None
    if estimate is None and not is_bound:
        return None
    planted = finite(truth)
    return Bar(
        estimate=None if estimate is None else _length(estimate),
        low=_length(low if low is not None else estimate or 0.0),
        high=_length(1.0 if is_bound else high if high is not None else estimate or 0.0),
        truth=None if planted is None else _length(planted),
    )


def _length(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 1)


def _error_rates(rates: ErrorRatesRecord) -> str:
    if rates.get("text"):
        return str(rates["text"])
    if finite(rates.get("false_flag")) is None:
        return "Error rates of this verdict have not been measured."
    named = {
        "false alarms": rates.get("false_flag"),
        "false all-clears": rates.get("false_clear"),
        "undetermined": rates.get("undetermined"),
    }
    figures = ", ".join(f"{word} {percent(rate)}" for word, rate in named.items())
    like = f" ({rates['cell']})" if rates.get("cell") else ""
    text = f"Measured on simulated cohorts like this one{like}: {figures}."
    return text if rates.get("within_calibration", True) else f"Outside calibration; nearest cell{like}: {figures}."


def _settles(arm: ArmView, verdict: VerdictView) -> str:
    subject = ", ".join(part for part in (arm.name, verdict.factor, verdict.contrast) if part)
    return f"would settle {subject}" if verdict.word == "UNDETERMINED" else f"left open by the verdict on {subject}"


def _merged(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Say each thing once, with all that asks for it."""
    sources: dict[str, list[str]] = {}
    for step in steps:
        if step.text:
            sources.setdefault(step.text, []).append(step.source)
    return tuple(Step(text, _listed(list(dict.fromkeys(origin)))) for text, origin in sources.items())


def _listed(sources: Sequence[str]) -> str:
    rest = len(sources) - 3
    return "; ".join(sources[:3]) + (f"; and {count(rest, 'other')}" if rest > 0 else "")
