"""Findings of an audit in words, as templates print them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from biasaudit.records import FindingRecord
from biasaudit.report.words import (
    NOTHING,
    STATUSES,
    interval,
    number,
    probability,
)
from biasaudit.run_folder.contract import CheckRecord

__all__ = [
    "FindingView",
    "against_the_rest",
    "by_kind",
    "finding_view",
    "text_of",
]

_KINDS = {
    "available": "Is the signature available?",
    "used": "Does this network use it?",
    "gate": "Can the answers be trusted?",
    "design": "What does the cohort allow?",
    "": "Further checks",
}


_IN_SECTIONS = ("attributes", "attributes_seen_in", "null")
"""Details that a section of the report shows as a table or a figure."""


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


def by_kind(findings: Sequence[FindingView]) -> tuple[tuple[str, tuple[FindingView, ...]], ...]:
    """Group findings under the title of their kind of question, in the order of the page."""
    kinds = list(_KINDS)
    ordered = sorted(findings, key=lambda view: kinds.index(view.kind))
    return tuple((_KINDS[kind], tuple(group)) for kind, group in groupby(ordered, key=lambda view: view.kind))


def finding_view(finding: FindingRecord, checks: Mapping[str, CheckRecord]) -> FindingView:
    """Put one finding into words.

    Parameters
    ----------
    finding : FindingRecord
    checks : mapping of code to CheckRecord
        What every check asks.
    """
    check = checks.get(finding["code"]) or {}
    kind = str(check.get("kind") or "")
    parts = (
        finding.get("factor"),
        _named("in", finding.get("class")),
        _named("input", finding.get("input")),
        _named("layer", finding.get("layer")),
        against_the_rest(finding.get("contrast")),
    )
    return FindingView(
        code=str(finding["code"]),
        title=str(check.get("title") or ""),
        question=str(check.get("question") or ""),
        why=str(check.get("why") or ""),
        kind=kind if kind in _KINDS else "",
        status=finding["status"],
        status_word=STATUSES[finding["status"]].word,
        where=" · ".join(part for part in parts if part),
        statistic=number(finding.get("statistic")),
        interval=interval(finding.get("low"), finding.get("high")),
        threshold=number(finding.get("threshold")),
        p_value=probability(finding.get("p_value")),
        n=str(finding["n"]) if finding.get("n") else NOTHING,
        reason=_sentence(finding.get("reason")),
        remedy=_sentence(finding.get("remedy")),
        weight=_sentence(check.get("weight")),
        details=tuple(
            (key.replace("_", " "), text_of(value))
            for key, value in (finding.get("details") or {}).items()
            if key not in _IN_SECTIONS
        ),
    )


def text_of(value: object) -> str:
    """Write a stored value: text as it is, numbers rounded, anything else as JSON."""
    if isinstance(value, float):
        return number(value, 3)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


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
