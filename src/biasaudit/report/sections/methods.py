"""Section `methods`: paragraphs to paste into a paper, the answer for a checklist, and references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from biasaudit.registry import register
from biasaudit.report.methods import CHECKLISTS, checklist, methods, references
from biasaudit.run_folder.reading import RunRecords

__all__ = ["Methods"]


@register("section", "methods")
class Methods:
    """What was done, in words that can be pasted into a paper."""

    title: ClassVar[str] = "Methods to paste"
    link: ClassVar[str] = "Methods"
    order: ClassVar[int] = 30
    template: ClassVar[str] = "methods.html.j2"
    folded: ClassVar[bool] = True

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give paragraphs, the answer for the checklists that ask for it, and references."""
        return {
            "methods": methods(run),
            "references": references(run),
            "checklist": checklist(run),
            "checklists": CHECKLISTS,
        }
