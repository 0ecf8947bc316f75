"""Plan the attribution maps: which rows are explained, by which networks, against what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from biasaudit import seeds
from biasaudit.engine.evidence.map_choices import explained_origins, probed_places, replicates
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.rows import baseline_rows, own_rows, reference_rows
from biasaudit.engine.situation.situation import Question, Situation

__all__ = ["MapPlanner", "known_atlas", "rows_explained"]

_OF_MAPS = ("G2", "U6", "U7", "U8", "U12")
"""Checks that look at attribution maps."""


class MapPlanner:
    """Plans maps of the target and of the origin classifiers, and puts those of the target to the test.

    Attributes
    ----------
    maps : mapping of Question to tuple of keys, one per fold
        Of the target; with two classes.
    contrast_maps : mapping of (representation, contrast) to tuple of keys, one per fold
        With more than two classes, in place of the target's `maps`.
    replicates : mapping of (representation, contrast or None) to tuple of keys, one per fold
        The same maps by other networks that were asked the same.
    probes : mapping of (representation, contrast or None) to tuple of keys, one per fold
        What happens when relevant voxels are deleted, and maps of random weights.
    origin_maps : mapping of (Question, role) to tuple of tuples of keys
        One tuple per origin that is explained, one key per fold; the role is ``maps`` or ``replicate``.
    """

    def __init__(self, outline: Outline, book: JobBook, networks: NetworkPlanner) -> None:
        self._outline = outline
        self._book = book
        self._networks = networks
        self.maps: dict[Question, tuple[str, ...]] = {}
        self.contrast_maps: dict[tuple[str, str], tuple[str, ...]] = {}
        self.replicates: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.probes: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.origin_maps: dict[tuple[Question, str], tuple[tuple[str, ...], ...]] = {}

    def add_target(self, representation: str) -> None:
        """Plan to explain the target of an arm, if a check looks at maps; given scores have nothing to explain."""
        question = Question("target", representation)
        if self._outline.situation.scored or not self._outline.wanted(*_OF_MAPS):
            return
        for contrast in self._outline.contrasts:
            models = self._networks.explained(representation, contrast)
            rows = rows_explained(self._outline, contrast)
            what = f", {contrast.name}" if contrast.name else ""
            keys = self._explain(question, None, (rows, models), what)
            if contrast.name is None:
                self.maps[question] = keys
            else:
                self.contrast_maps[representation, contrast.name] = keys
            if replicates(models)[0][0] != models[0][0]:  # one network taken over has no other
                again = self._explain(question, None, (rows, replicates(models)), f"{what}, replicate")
                self.replicates[representation, contrast.name] = again
            self.probes[representation, contrast.name] = self._probe((question, contrast), (rows, models), keys)

    def add_origin(self, question: Question, members: Mapping[int, int]) -> None:
        """Plan to explain an origin classifier, for the check that compares its maps with the target's."""
        if not self._outline.wanted("U7"):
            return
        models = self._networks.models[question]
        for role, networks in (("maps", models), ("replicate", replicates(models))):
            explained = (self._outline.map_rows, networks)
            self.origin_maps[question, role] = tuple(
                self._explain(question, dict.fromkeys(members, own), explained, f", origin {own + 1}, {role}")
                for own in explained_origins(list(members.values()))
            )

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

    def _probe(
        self,
        which: tuple[Question, Contrast],
        explained: tuple[Sequence[Sequence[int]], Sequence[tuple[str, ...]]],
        maps: tuple[str, ...],
    ) -> tuple[str, ...]:
        """Plan to put some of the maps of every fold to the test of faithfulness."""
        (question, contrast), outline, keys = which, self._outline, []
        for fold, (rows, models) in enumerate(zip(*explained, strict=True)):
            words = ("probe", question.representation, contrast.name or "", fold)
            arguments = {
                **self._arguments(question, rows, fold),
                "places": probed_places([outline.cohort.samples[row].label for row in rows]),
                "share": outline.protocol.attribution.deleted,
                "seed": seeds.seed(outline.protocol.folds.seed, *words),
            }
            inputs = self._networks.inputs.shown(question.representation, fold)
            needs = {"inputs": inputs, "models": models[:1], "maps": (maps[fold],), "read": outline.reads}
            title = f"probe attribution maps: {question}{contrast.name or ''}, fold {fold + 1}"
            keys.append(self._book.add("faithfulness", arguments, needs, title))
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
