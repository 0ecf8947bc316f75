"""Section `training`: the loss of every network by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from biasaudit.registry import register
from biasaudit.run_folder.reading import RunRecords

__all__ = ["Training"]


@register("section", "training")
class Training:
    """How the networks were trained: figures alone, so that without them the section is left out."""

    title: ClassVar[str] = "Training"
    link: ClassVar[str] = ""
    order: ClassVar[int] = 20
    template: ClassVar[str] = "training.html.j2"
    folded: ClassVar[bool] = True

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give nothing beside the figures."""
        return {}
