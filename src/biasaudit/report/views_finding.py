"""Findings of an audit in words, as templates print them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from biasaudit.records import FindingRecord, Status
from biasaudit.report.views_details import Details, details_of
from biasaudit.report.words import (
    NOTHING,
    STATUSES,
    finite,
    interval,
    leveled,
    number,
    probability,
)
from biasaudit.run_folder.contract import CheckRecord

__all__ = ["FindingView", "against_the_rest", "finding_view", "kind_of"]

_KINDS = ("used", "available", "gate", "design")
_SPECIAL = re.compile(r"[^A-Za-z0-9_.]+")


@dataclass(frozen=True)
class FindingView:
    """One finding in words; numbers are formatted, a dash where there is none.

    Attributes
    ----------
    anchor : str
        Where the finding stands on the page: arm, code, factor and what else tells it apart.
    statistic_name, statistic, interval : str
        What was measured, its value, and the interval with its level.
    threshold : str
        What the statistic was held against; a dash where only p was.
    p_value, alpha : str
        The p-value, after Holm's correction where that is what was judged, and what it was held against.
    """

    code: str
    arm: str
    anchor: str
    status: Status
    status_word: str
    where: str
    statistic_name: str
    statistic: str
    interval: str
    threshold: str
    p_value: str
    alpha: str
    n: str
    reason: str
    remedy: str
    details: Details


def kind_of(check: CheckRecord) -> str:
    """Return the kind of question that a check asks; empty where it is none of ours."""
    kind = str(check.get("kind") or "")
    return kind if kind in _KINDS else ""


def finding_view(finding: FindingRecord, checks: Mapping[str, CheckRecord], arm: str = "") -> FindingView:
    """Put one finding into words.

    Parameters
    ----------
    finding : FindingRecord
    checks : mapping of code to CheckRecord
        What every check asks.
    arm : str
        Empty for a finding about the cohort.
    """
    check = checks.get(finding["code"]) or {}
    parts = (
        finding.get("factor"),
        _named("in", finding.get("class")),
        _named("input", finding.get("input")),
        _named("layer", finding.get("layer")),
        against_the_rest(finding.get("contrast")),
    )
    details = finding.get("details") or {}
    on_p = finding.get("threshold_on") == "p_value"
    threshold = finding.get("threshold")
    return FindingView(
        code=str(finding["code"]),
        arm=arm,
        anchor=_anchor(finding, arm),
        status=finding["status"],
        status_word=STATUSES[finding["status"]].word,
        where=" · ".join(part for part in parts if part),
        statistic_name=str(finding.get("statistic_name") or check.get("statistic") or "statistic"),
        statistic=number(finding.get("statistic")),
        interval=leveled(interval(finding.get("low"), finding.get("high")), finding.get("level")),
        threshold=NOTHING if on_p else number(threshold),
        p_value=probability(details.get("p_holm", finding.get("p_value"))),
        alpha=_alpha(threshold if on_p else finding.get("alpha")),
        n=str(finding["n"]) if finding.get("n") else NOTHING,
        reason=_sentence(finding.get("reason")),
        remedy=_sentence(finding.get("remedy")),
        details=details_of(details),
    )


def _alpha(value: object) -> str:
    """Write what a p-value was held against as it was set: rounded, it could stand on the other side of p."""
    known = finite(value)
    return NOTHING if known is None else f"{known:g}"


def _anchor(finding: FindingRecord, arm: str) -> str:
    parts = (
        arm or "cohort",
        *(finding["code"], finding.get("factor"), finding.get("class"), finding.get("input"), finding.get("layer")),
        finding.get("contrast"),
    )
    return "-".join(_SPECIAL.sub("-", str(part))[:40] for part in parts if part)


def _sentence(text: object) -> str:
    """Begin with a capital and end with a stop; checks write clauses."""
    clause = str(text or "")
    if not clause:
        return ""
    return clause[0].upper() + clause[1:] + ("" if clause[-1] in ".!?" else ".")


def against_the_rest(contrast: str | None) -> str:
    """Name a contrast; empty with two classes."""
    return f"{contrast} against the rest" if contrast else ""


def _named(word: str, name: str | None) -> str:
    return f"{word} {name}" if name else ""
