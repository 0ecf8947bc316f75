"""Plan the attribution maps: which rows are explained, by which networks, against what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from biasaudit.engine.contrasts import Contrast
from biasaudit.engine.job_book import JobBook
from biasaudit.engine.outline import Outline
from biasaudit.engine.plan_networks import NetworkPlanner
from biasaudit.engine.plan_rows import baseline_rows, own_rows, reference_rows
from biasaudit.engine.situation import Question, Situation

__all__ = ["MapPlanner", "known_atlas", "rows_explained"]

_OF_MAPS = ("U6", "U7", "U8", "U12")
"""Checks that look at attribution maps."""


class MapPlanner:
    """Plans maps of the target and of the origin classifiers.

    Attributes
    ----------
    maps : mapping of Question to tuple of keys, one per fold
    contrast_maps : mapping of (representation, contrast) to tuple of keys, one per fold
        With more than two classes, in place of the target's `maps`.
    """

    def __init__(self, outline: Outline, book: JobBook, networks: NetworkPlanner) -> None:
        self._outline = outline
        self._book = book
        self._networks = networks
        self.maps: dict[Question, tuple[str, ...]] = {}
        self.contrast_maps: dict[tuple[str, str], tuple[str, ...]] = {}

    def add_target(self, representation: str) -> None:
        """Plan to explain the target of an arm, if a check looks at maps; given scores have nothing to explain."""
        question = Question("target", representation)
        if self._outline.situation.scored or not self._outline.wanted(*_OF_MAPS):
            return
        for contrast in self._outline.contrasts:
            models = self._networks.explained(representation, contrast)
            rows = rows_explained(self._outline, contrast)
            if contrast.name is None:
                self.maps[question] = self._explain(question, None, (rows, models))
            else:
                keys = self._explain(question, None, (rows, models), f", {contrast.name}")
                self.contrast_maps[representation, contrast.name] = keys

    def add_origin(self, question: Question, members: Mapping[int, int]) -> None:
        """Plan to explain an origin classifier, for the check that compares its maps with the target's."""
        if self._outline.wanted("U7"):
            explained = (self._outline.map_rows, self._networks.models[question])
            self.maps[question] = self._explain(question, members, explained)

    def _explain(
        self,
        question: Question,
        members: Mapping[int, int] | None,
        explained: tuple[Sequence[Sequence[int]], Sequence[tuple[str, ...]]],
        what: str = "",
    ) -> tuple[str, ...]:
        """Plan maps of some rows by some networks, fold by fold."""
        keys = []
        for fold, (rows, models) in enumerate(zip(*explained, strict=True)):
            own = [row for row in rows if members is None or row in members]
            arguments = {
                **self._arguments(question, own, fold),
                "output": None if members is None else [members[row] for row in own],
            }
            needs = {"inputs": self._networks.inputs.shown(question.representation, fold), "models": models[:1]}
            title = f"attribution maps: {question}{what}, fold {fold + 1}"
            keys.append(self._book.add("attribute", arguments, needs, title))
        return tuple(keys)

    def _arguments(self, question: Question, rows: Sequence[int], fold: int) -> dict[str, Any]:
        """Return how rows are explained; all but the output."""
        situation, settings = self._outline.situation, self._outline.protocol.attribution
        return {
            "rows": list(rows),
            "variant": question.variant,
            "method": settings.method,
            "steps": settings.steps,
            "max_steps": settings.max_steps,
            "completeness": settings.completeness,
            "patch": settings.patch,
            "stride": settings.stride,
            "baseline": baseline_rows(situation, fold),
            "baseline_kind": settings.baseline,
            "references": reference_rows(situation, fold),
            "regions": known_atlas(situation) if settings.method == "region_ablation" else None,
        }


def rows_explained(outline: Outline, contrast: Contrast) -> Sequence[Sequence[int]]:
    """Return the rows that get a map of a contrast, fold by fold."""
    return outline.map_rows if contrast.turned or contrast.name is None else own_rows(outline.map_rows, contrast)


def known_atlas(situation: Situation) -> dict[str, Any] | None:
    """Return the atlas that the protocol names with the hash of its content, if it names one."""
    settings = situation.protocol.attribution
    if settings.atlas is None:
        return None
    content = hashlib.sha256(settings.atlas.read_bytes()).hexdigest()
    return {"atlas": str(settings.atlas), "sha256": content, "grid": situation.grid.to_dict()}
