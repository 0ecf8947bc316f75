"""Section `truth`: estimates beside what was planted in a simulated cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from biasaudit.registry import register
from biasaudit.report.views import truth_rows
from biasaudit.run_folder.reading import RunRecords

__all__ = ["Truth"]


@register("section", "truth")
class Truth:
    """How near the estimates come to the planted truth; only where the cohort is simulated."""

    title: ClassVar[str] = "Estimate against the planted truth"
    link: ClassVar[str] = "Truth"
    order: ClassVar[int] = 10
    template: ClassVar[str] = "truth.html.j2"

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give one row per arm and factor whose truth is known."""
        rows = truth_rows(run).to_dict("records")
        return {"rows": rows} if rows else None
