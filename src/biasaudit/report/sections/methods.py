"""Section `methods`: paragraphs to paste into a paper, references, and the answers to checklists."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import ClassVar

from biasaudit.registry import register
from biasaudit.report.checklists import answers
from biasaudit.report.methods import methods, references
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
        """Give paragraphs, references, and by checklist the items that this audit answers."""
        grouped = groupby(answers(run), key=lambda answer: (answer.checklist, answer.source))
        return {
            "methods": methods(run),
            "references": references(run),
            "checklists": [(name, source, tuple(items)) for (name, source), items in grouped],
        }
