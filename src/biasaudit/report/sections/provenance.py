"""Section `provenance`: versions, hashes and times of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from biasaudit.registry import register
from biasaudit.report.views import provenance
from biasaudit.run_folder.reading import RunRecords

__all__ = ["Provenance"]


@register("section", "provenance")
class Provenance:
    """Versions, hashes and times, as the audit stored them."""

    title: ClassVar[str] = "Provenance"
    link: ClassVar[str] = "Provenance"
    order: ClassVar[int] = 50
    template: ClassVar[str] = "provenance.html.j2"
    folded: ClassVar[bool] = True

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give name and value of each."""
        return {"provenance": provenance(run)}
