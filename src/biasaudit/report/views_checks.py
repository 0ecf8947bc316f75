"""The checks of an audit, one line each: how every input fared, and below it what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from biasaudit.records import Status
from biasaudit.report.views_finding import FindingView, finding_view, kind_of
from biasaudit.report.words import STATUSES
from biasaudit.run_folder.contract import AuditRecord, CheckRecord
from biasaudit.run_folder.finished import primary_first
from biasaudit.run_folder.reading import RunRecords
from biasaudit.vocabulary import NOT_USED, OR_PROBES

__all__ = ["KINDS", "CheckView", "check_views", "design_findings"]

KINDS: Mapping[str, str] = {
    "used": "Does this network use the signature?",
    "available": "Is a signature available to it?",
    "gate": "Can the answers be trusted?",
    "design": "What does the cohort allow?",
    "": "Further checks",
}
"""Questions in the order of the page, by kind of check."""

_NO_WEIGHT = "carries no weight"
"""How older runs say the same as `NOT_USED`."""
_ORDER = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class CheckView:
    """One check: what it asks, and its findings, those about the cohort first and then arm by arm.

    Attributes
    ----------
    anchor : str
        Of its line on the page.
    worst : str
        The most urgent status among its findings.
    rank : int
        Place of that status among all, the most urgent first.
    weight : str
        How well the check told biased networks from clean ones; empty where that was not measured.
    unused : bool
        That it did so no better than chance, so that nothing rests on it.
    """

    code: str
    anchor: str
    title: str
    question: str
    why: str
    kind: str
    kind_words: str
    weight: str
    unused: bool
    worst: Status
    rank: int
    findings: tuple[FindingView, ...]

    def of(self, arm: str) -> tuple[FindingView, ...]:
        """Return the findings of one arm; of the cohort where `arm` is empty."""
        return tuple(finding for finding in self.findings if finding.arm == arm)

    @property
    def of_cohort(self) -> bool:
        """Whether the check asks about the cohort, and not of every input."""
        return all(not finding.arm for finding in self.findings)


def check_views(records: RunRecords) -> tuple[CheckView, ...]:
    """Prepare every check that was asked, by the kind of its question, then by its code."""
    audit = records.audit
    found: dict[str, list[FindingView]] = {}
    for view in _with_own_anchors([*design_findings(records), *_of_arms(audit)]):
        found.setdefault(view.code, []).append(view)
    views = [_check_view(code, audit["checks"].get(code) or {}, findings) for code, findings in found.items()]
    return tuple(sorted(views, key=lambda view: (_ORDER[view.kind], _by_number(view.code))))


def design_findings(records: RunRecords) -> tuple[FindingView, ...]:
    """Prepare the findings about the cohort; probes that have answered are not asked for again."""
    audit, found = records.audit, records.findings
    views = [finding_view(finding, audit["checks"]) for finding in audit["design"].get("findings") or ()]
    if not found.loc[found["code"] == "P1", "status"].isin(["concern", "clear"]).any():
        return tuple(views)
    return tuple(replace(view, remedy=view.remedy.replace(OR_PROBES, "")) for view in views)


def _of_arms(audit: AuditRecord) -> Iterator[FindingView]:
    """Go over the findings of all arms, those of the primary one first."""
    for arm in primary_first(audit):
        for finding in arm.get("findings") or ():
            yield finding_view(finding, audit["checks"], arm["name"])


def _with_own_anchors(views: Sequence[FindingView]) -> Iterator[FindingView]:
    """Give each finding an anchor of its own, also where names cut short are the same."""
    seen: dict[str, int] = {}
    for view in views:
        seen[view.anchor] = seen.get(view.anchor, 0) + 1
        yield view if seen[view.anchor] == 1 else replace(view, anchor=f"{view.anchor}-{seen[view.anchor]}")


def _check_view(code: str, check: CheckRecord, findings: Sequence[FindingView]) -> CheckView:
    worst = min(findings, key=lambda view: STATUSES[view.status].rank).status
    kind, weight = kind_of(check), str(check.get("weight") or "")
    return CheckView(
        code=code,
        anchor=f"check-{code}",
        title=str(check.get("title") or ""),
        question=str(check.get("question") or ""),
        why=str(check.get("why") or ""),
        kind=kind,
        kind_words=KINDS[kind],
        weight=weight[:1].upper() + weight[1:],
        unused=weight.endswith((NOT_USED, _NO_WEIGHT)),
        worst=worst,
        rank=STATUSES[worst].rank,
        findings=tuple(findings),
    )


def _by_number(code: str) -> tuple[str, int, str]:
    """Sort U2 before U12."""
    letters = code.rstrip("0123456789")
    digits = code[len(letters) :]
    return letters, int(digits) if digits else 0, code
