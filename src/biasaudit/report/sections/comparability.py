"""Section `comparability`: how far the subjects of different origins, and the classes, are alike in what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from biasaudit.registry import register
from biasaudit.report.views_details import text_of
from biasaudit.report.words import number, percent
from biasaudit.run_folder.finished import primary_arm
from biasaudit.run_folder.reading import RunRecords

__all__ = ["ComparabilitySection"]

ALIKE, UNLIKE = 0.1, 0.25
"""Standardised differences that count as small, and as large (Austin 2009)."""


@register("section", "comparability")
class ComparabilitySection:
    """One row per covariate and comparison of D4, of the primary arm; nothing where no covariate is known."""

    title: ClassVar[str] = "Are the subjects comparable?"
    link: ClassVar[str] = "Comparability"
    order: ClassVar[int] = 15
    template: ClassVar[str] = "comparability.html.j2"
    folded: ClassVar[bool] = True

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give the balance table, and what matching and what is not known would change."""
        arm = primary_arm(run.audit)
        found = [finding for finding in arm.get("findings") or [] if finding["code"] == "D4"]
        rows = [row for finding in found for row in _rows(finding)]
        notes = [note for finding in found for note in _notes(finding)]
        return {"rows": rows, "notes": notes, "alike": ALIKE, "unlike": UNLIKE} if rows else None


def _rows(finding: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for row in finding["details"].get("balance") or ():
        difference = row["difference"]
        yield {
            "where": _where(finding),
            "covariate": row["covariate"],
            "between": " / ".join(row["between"]),
            "difference": "no overlap" if difference is None else number(difference),
            "size": _size(difference),
            "ratio": number(row["variance_ratio"]),
            "missing": " / ".join(percent(share) for share in row["missing"]),
        }


def _where(finding: Mapping[str, Any]) -> str:
    where = f"inside {finding['class']}" if finding["class"] else "between the classes"
    return f"{finding['factor']}, {where}" if finding["class"] else where


def _size(difference: float | None) -> str:
    if difference is None or abs(difference) >= UNLIKE:
        return "large"
    return "small" if abs(difference) < ALIKE else "moderate"


def _notes(finding: Mapping[str, Any]) -> Iterator[str]:
    for key in ("after_matching", "sensitivity"):
        if text := finding["details"].get(key):
            yield f"{_where(finding)}: {text_of(text)}."
