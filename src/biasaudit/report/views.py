"""Stored records -> what a template prints: small frozen records of finished text, so that templates hold no logic."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd

from biasaudit.records import Regime
from biasaudit.report.words import (
    NOTHING,
    QUANTITIES,
    REGIMES,
    STATUSES,
    VERDICTS,
    count,
    finite,
    interval,
    number,
    percent,
    probability,
    worst,
)
from biasaudit.run_folder.contract import AuditRecord
from biasaudit.run_folder.reading import RunRecords, class_by_origin, estimate_table

__all__ = [
    "ArmView",
    "Bar",
    "CohortView",
    "ComparedRow",
    "ComparisonView",
    "FactorView",
    "FindingView",
    "Step",
    "VerdictView",
    "arm_views",
    "cohort_view",
    "comparison_view",
    "next_steps",
    "provenance",
    "truth_rows",
]

_KINDS = {
    "available": "Is the signature available?",
    "used": "Does this network use it?",
    "gate": "Can the answers be trusted?",
    "design": "What does the cohort allow?",
    "": "Further checks",
}
_SHOWN_ORIGINS = 12
_OWN = ("contrast", "verdict", "reason", "reliance", "provisional", "settle")


@dataclass(frozen=True)
class Bar:
    """A share of one with its interval, in per cent of the bar's length."""

    estimate: float
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
class FindingView:
    """One finding in words; numbers are formatted, a dash where there is none."""

    code: str
    title: str
    question: str
    why: str
    kind: str
    status: str
    status_word: str
    where: str
    statistic: str
    interval: str
    threshold: str
    p_value: str
    n: str
    reason: str
    remedy: str
    weight: str
    details: tuple[tuple[str, str], ...]


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
    balanced_accuracy: str
    error_rates: str
    groups: tuple[tuple[str, tuple[FindingView, ...]], ...]
    not_applicable: tuple[FindingView, ...]
    counts: tuple[tuple[str, str, int], ...]
    errors: int


@dataclass(frozen=True)
class FactorView:
    """Counts of one origin factor by class; each cell has its count and its shade, 0 to 1."""

    name: str
    regime: str
    meaning: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, float], ...], int], ...]
    more: tuple[tuple[str, tuple[tuple[int, float], ...], int], ...]


@dataclass(frozen=True)
class CohortView:
    """The subjects and what their design allows."""

    n: str
    classes: tuple[tuple[str, int], ...]
    factors: tuple[FactorView, ...]
    can_answer: tuple[str, ...]
    cannot_answer: tuple[str, ...]
    notes: tuple[str, ...]
    findings: tuple[FindingView, ...]


@dataclass(frozen=True)
class ComparedRow:
    """One quantity: a (value, interval) per arm and per pair of arms."""

    title: str
    meaning: str
    values: tuple[tuple[str, str], ...]
    differences: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ComparisonView:
    """Arms side by side, and their paired differences."""

    arms: tuple[str, ...]
    pairs: tuple[str, ...]
    rows: tuple[ComparedRow, ...]

    @property
    def compared(self) -> tuple[ComparedRow, ...]:
        """The quantities in which some pair was compared."""
        return tuple(row for row in self.rows if any(shown != NOTHING for shown, _ in row.differences))


@dataclass(frozen=True)
class Step:
    """Something to do next, and what it answers."""

    text: str
    source: str


def arm_views(records: RunRecords) -> tuple[ArmView, ...]:
    """Prepare every arm, the primary one first."""
    arms = sorted(records.audit["arms"], key=lambda arm: not arm.get("primary", False))
    return tuple(_arm_view(arm, position, records) for position, arm in enumerate(arms))


def cohort_view(records: RunRecords) -> CohortView:
    """Prepare what is said about the subjects."""
    audit = records.audit
    design = audit["design"]
    findings = design.get("findings") or []
    return CohortView(
        n=str(audit["cohort"]["n"]),
        classes=tuple(audit["cohort"]["classes"].items()),
        factors=tuple(_factor_view(records, name) for name in audit["cohort"]["origins"]),
        can_answer=tuple(design.get("can_answer") or ()),
        cannot_answer=tuple(design.get("cannot_answer") or ()),
        notes=tuple(audit["notes"]),
        findings=tuple(_finding_view(finding, audit["checks"]) for finding in findings),
    )


def comparison_view(records: RunRecords) -> ComparisonView:
    """Prepare the arms side by side."""
    estimates, differences = estimate_table(records), records.comparisons
    arms = tuple(arm["name"] for arm in records.audit["arms"])
    pairs = tuple(dict.fromkeys(zip(differences["first"], differences["second"], strict=True)))
    shown = [name for name in QUANTITIES if name in set(estimates["quantity"]) | set(differences["quantity"])]
    rows = tuple(
        ComparedRow(
            QUANTITIES[name].title,
            QUANTITIES[name].meaning,
            tuple(_value(estimates[estimates["arm"] == arm], name) for arm in arms),
            tuple(_difference(differences, pair, name) for pair in pairs),
        )
        for name in shown
    )
    return ComparisonView(arms, tuple(f"{first} minus {second}" for first, second in pairs), rows)


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
    return _merged(steps)


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
    tool = [(names.get(key, key.replace("_", " ")), _text(value)) for key, value in audit["biasaudit"].items()]
    environment = [(key.replace("_", " "), _text(value)) for key, value in audit["environment"].items()]
    return (*tool, *environment)


def _arm_view(arm: Mapping[str, Any], position: int, records: RunRecords) -> ArmView:
    findings = [_finding_view(finding, records.audit["checks"]) for finding in arm.get("findings") or []]
    verdicts = tuple(_verdict_view(verdict, arm) for verdict in _verdicts(arm))
    asked = [view for view in findings if view.status != "not_applicable"]
    target = arm.get("target") or {}
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
        balanced_accuracy=number(target.get("balanced_accuracy")),
        error_rates=_error_rates(arm.get("error_rates") or {}),
        groups=_by_kind(asked),
        not_applicable=tuple(view for view in findings if view.status == "not_applicable"),
        counts=tuple(
            (status, words.word.lower(), counts[status]) for status, words in STATUSES.items() if counts[status]
        ),
        errors=counts["error"],
    )


def _verdicts(arm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Verdicts of an arm, worst first; the arm's own where no factor is named."""
    given = arm.get("verdicts") or []
    if not given:
        return [{"factor": "", **{key: arm.get(key) for key in _OWN}}]
    left = list(given)
    ordered = []
    while left:
        word = worst([verdict["verdict"] for verdict in left])
        ordered += [verdict for verdict in left if verdict["verdict"] == word]
        left = [verdict for verdict in left if verdict["verdict"] != word]
    return ordered


def _verdict_view(verdict: Mapping[str, Any], arm: Mapping[str, Any]) -> VerdictView:
    words = VERDICTS[verdict["verdict"]]
    reliance = verdict.get("reliance") or {}
    factor = str(verdict.get("factor") or "")
    truth = (arm.get("truth") or {}).get(factor) or {}
    return VerdictView(
        factor=factor,
        contrast=_against_the_rest(verdict.get("contrast")),
        word=verdict["verdict"],
        headline=words.headline,
        action=words.action,
        reason=str(verdict.get("reason") or ""),
        settle=str(verdict.get("settle") or ""),
        provisional=bool(verdict.get("provisional")),
        reliance=_reliance_text(reliance),
        source=_source(reliance),
        bar=_bar(reliance, truth.get("omega")),
    )


def _against_the_rest(contrast: object) -> str:
    return f"{contrast} against the rest" if contrast else ""


def _reliance_text(reliance: Mapping[str, Any]) -> str:
    if finite(reliance.get("estimate")) is None:
        return ""
    between = interval(reliance.get("low"), reliance.get("high"), is_share=True)
    return f"{percent(reliance['estimate'])} ({between})" if between else percent(reliance["estimate"])


def _source(reliance: Mapping[str, Any]) -> str:
    if not reliance.get("from"):
        return ""
    others = reliance.get("corroborated_by") or []
    return f"from {reliance['from']}" + (f", corroborated by {', '.join(others)}" if others else "")


def _bar(reliance: Mapping[str, Any], truth: Any) -> Bar | None:
    estimate = finite(reliance.get("estimate"))
    if estimate is None:
        return None
    low, high = finite(reliance.get("low")), finite(reliance.get("high"))
    planted = finite(truth)
    return Bar(
        estimate=_length(estimate),
        low=_length(estimate if low is None else low),
        high=_length(estimate if high is None else high),
        truth=None if planted is None else _length(planted),
    )


def _length(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 1)


def _error_rates(rates: Mapping[str, Any]) -> str:
    if rates.get("text"):
        return str(rates["text"])
    if finite(rates.get("false_flag")) is None:
        return "Error rates of this verdict have not been measured."
    named = {"false_flag": "false alarms", "false_clear": "false all-clears", "undetermined": "undetermined"}
    figures = ", ".join(f"{word} {percent(rates.get(key))}" for key, word in named.items())
    like = f" ({rates['cell']})" if rates.get("cell") else ""
    text = f"Measured on simulated cohorts like this one{like}: {figures}."
    return text if rates.get("within_calibration", True) else f"Outside calibration; nearest cell{like}: {figures}."


def _by_kind(findings: Sequence[FindingView]) -> tuple[tuple[str, tuple[FindingView, ...]], ...]:
    kinds = list(_KINDS)
    ordered = sorted(findings, key=lambda view: kinds.index(view.kind))
    return tuple((_KINDS[kind], tuple(group)) for kind, group in groupby(ordered, key=lambda view: view.kind))


def _finding_view(finding: Mapping[str, Any], checks: Mapping[str, Any]) -> FindingView:
    check = checks.get(finding["code"]) or {}
    kind = str(check.get("kind") or "")
    parts = {"layer": "layer {}", "input": "input {}", "class": "in {}", "factor": "{}"}
    where = [form.format(finding[key]) for key, form in reversed(parts.items()) if finding.get(key)]
    where += [_against_the_rest(finding["contrast"])] if finding.get("contrast") else []
    return FindingView(
        code=str(finding["code"]),
        title=str(check.get("title") or ""),
        question=str(check.get("question") or ""),
        why=str(check.get("why") or ""),
        kind=kind if kind in _KINDS else "",
        status=finding["status"],
        status_word=STATUSES[finding["status"]].word,
        where=" · ".join(where),
        statistic=number(finding.get("statistic")),
        interval=interval(finding.get("low"), finding.get("high")),
        threshold=number(finding.get("threshold")),
        p_value=probability(finding.get("p_value")),
        n=str(finding["n"]) if finding.get("n") else NOTHING,
        reason=_sentence(finding.get("reason")),
        remedy=_sentence(finding.get("remedy")),
        weight=_sentence(check.get("weight")),
        details=tuple((key.replace("_", " "), _text(value)) for key, value in (finding.get("details") or {}).items()),
    )


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number(value, 3)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _factor_view(records: RunRecords, name: str) -> FactorView:
    counts = class_by_origin(records, name)
    regime = _regime(records.audit, name)
    largest = max(int(counts.to_numpy().max(initial=0)), 1)
    rows = [
        (str(origin), tuple((int(cell), round(int(cell) / largest, 3)) for cell in row), int(row.sum()))
        for origin, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    cut = _SHOWN_ORIGINS if len(rows) > _SHOWN_ORIGINS + 2 else len(rows)
    classes = tuple(str(label) for label in counts.columns)
    meaning = REGIMES[regime] if regime else ""
    return FactorView(name, regime or "not recorded", meaning, classes, tuple(rows[:cut]), tuple(rows[cut:]))


def _regime(audit: AuditRecord, factor: str) -> Regime | None:
    """Regime of a factor as the verdict took it; runs of an older version hold that of the primary factor only."""
    recorded = audit["design"].get("factors", {}).get(factor)
    if recorded is None and factor == next(iter(audit["cohort"]["origins"])):
        recorded = audit["design"]
    return recorded.get("regime") if recorded else None


def _value(estimates: pd.DataFrame, quantity: str) -> tuple[str, str]:
    rows = estimates[estimates["quantity"] == quantity]
    if rows.empty:
        return NOTHING, ""
    row, is_share = rows.iloc[0], QUANTITIES[quantity].is_share
    shown = percent(row["estimate"]) if is_share else number(row["estimate"])
    return shown, interval(row["low"], row["high"], is_share)


def _difference(differences: pd.DataFrame, pair: tuple[str, str], quantity: str) -> tuple[str, str]:
    first, second = pair
    chosen = (differences["first"] == first) & (differences["second"] == second) & (differences["quantity"] == quantity)
    if not chosen.any():
        return NOTHING, ""
    row, is_share = differences[chosen].iloc[0], QUANTITIES[quantity].is_share
    shown = percent(row["difference"]).replace("%", "points") if is_share else number(row["difference"])
    signed = shown if shown.startswith(("−", NOTHING)) else f"+{shown}"
    between = interval(row["low"], row["high"], is_share).replace("\u202f%", "")
    p_value = "" if finite(row["p_value"]) is None else f"p = {probability(row['p_value'])}"
    return signed, ", ".join(part for part in (between, p_value) if part)


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


def _sentence(text: object) -> str:
    """Begin with a capital and end with a stop; checks write clauses."""
    clause = str(text or "")
    if not clause:
        return ""
    return clause[0].upper() + clause[1:] + ("" if clause[-1] in ".!?" else ".")
