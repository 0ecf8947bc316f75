"""Section `limits`: what the verdict does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from biasaudit.registry import register
from biasaudit.run_folder.reading import RunRecords

__all__ = ["Limits"]


@register("section", "limits")
class Limits:
    """What the verdict does not say, as the audit stored it."""

    title: ClassVar[str] = "Limits"
    link: ClassVar[str] = "Limits"
    order: ClassVar[int] = 40
    template: ClassVar[str] = "limits.html.j2"
    printed: ClassVar[bool] = True

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give the stored sentences; the template adds one that always holds."""
        return {"limits": tuple(run.audit["limits"])}
