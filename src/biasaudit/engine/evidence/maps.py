"""Plan the attribution maps: which rows are explained, by which networks, against what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from biasaudit import seeds
from biasaudit.engine.arguments.inputs import INPUTS, READ
from biasaudit.engine.arguments.maps import MAPS, Atlas, AttributeArguments, FaithfulnessArguments, MapSettings
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.map_choices import explained_origins, probed_places, replicates
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.jobs.job import Role
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
            explained = _by_fold(rows, models)
            keys = self._explain(question, explained, what)
            if contrast.name is None:
                self.maps[question] = keys
            else:
                self.contrast_maps[representation, contrast.name] = keys
            others = replicates(models)
            if others[0][0] != models[0][0]:  # one network taken over has no other
                again = self._explain(question, _by_fold(rows, others), f"{what}, replicate")
                self.replicates[representation, contrast.name] = again
            self.probes[representation, contrast.name] = self._probe(question, contrast, explained, keys)

    def add_origin(self, question: Question, members: Mapping[int, int]) -> None:
        """Plan to explain an origin classifier, for the check that compares its maps with the target's."""
        if not self._outline.wanted("U7"):
            return
        models = self._networks.models[question]
        rows = [[row for row in own if row in members] for own in self._outline.map_rows]
        for role, networks in (("maps", models), ("replicate", replicates(models))):
            explained = _by_fold(rows, networks)
            self.origin_maps[question, role] = tuple(
                self._explain(question, explained, f", origin {own + 1}, {role}", output=own)
                for own in explained_origins(list(members.values()))
            )

    def _explain(
        self, question: Question, explained: Sequence[_Explained], what: str, *, output: int | None = None
    ) -> tuple[str, ...]:
        """Plan maps of some rows by some networks, fold by fold; of the one logit, or of one of several outputs."""
        keys = []
        for own in explained:
            arguments = AttributeArguments(
                rows=own.rows,
                variant=question.variant,
                settings=self._settings(own.fold),
                outputs=None if output is None else (output,) * len(own.rows),
            )
            title = f"attribution maps: {question}{what}, fold {own.fold + 1}"
            keys.append(self._book.add(arguments, self._needs(question, own), title))
        return tuple(keys)

    def _probe(
        self, question: Question, contrast: Contrast, explained: Sequence[_Explained], maps: Sequence[str]
    ) -> tuple[str, ...]:
        """Plan to put some of the maps of every fold to the test of faithfulness."""
        outline, keys = self._outline, []
        for own, key in zip(explained, maps, strict=True):
            words = ("probe", question.representation, contrast.name or "", own.fold)
            arguments = FaithfulnessArguments(
                rows=own.rows,
                variant=question.variant,
                settings=self._settings(own.fold),
                places=tuple(probed_places([outline.cohort.samples[row].label for row in own.rows])),
                share=outline.protocol.attribution.deleted,
                seed=seeds.seed(outline.protocol.folds.seed, *words),
            )
            needs = {**self._needs(question, own), MAPS: (key,), READ: outline.reads}
            title = f"probe attribution maps: {question}{contrast.name or ''}, fold {own.fold + 1}"
            keys.append(self._book.add(arguments, needs, title))
        return tuple(keys)

    def _needs(self, question: Question, explained: _Explained) -> dict[Role, tuple[str, ...]]:
        inputs = self._networks.inputs.shown(question.representation, explained.fold)
        return {INPUTS: inputs, MODELS: explained.models[:1]}

    def _settings(self, fold: int) -> MapSettings:
        """Return how rows of one fold are explained."""
        situation, settings = self._outline.situation, self._outline.protocol.attribution
        references = reference_rows(situation, fold)
        return MapSettings(
            method=settings.method,
            steps=settings.steps,
            max_steps=settings.max_steps,
            completeness=settings.completeness,
            patch=settings.patch,
            stride=settings.stride,
            baseline=tuple(tuple(rows) for rows in baseline_rows(situation, fold)),
            baseline_kind=settings.baseline,
            references=None if references is None else tuple(references),
            regions=known_atlas(situation) if settings.method == "region_ablation" else None,
        )


@dataclass(frozen=True)
class _Explained:
    """Rows that one fold holds out and that are explained, and the networks that answer for them."""

    fold: int
    rows: tuple[int, ...]
    models: tuple[str, ...]


def _by_fold(rows: Sequence[Sequence[int]], models: Sequence[tuple[str, ...]]) -> list[_Explained]:
    pairs = zip(rows, models, strict=True)
    return [_Explained(fold, tuple(own), networks) for fold, (own, networks) in enumerate(pairs)]


def rows_explained(outline: Outline, contrast: Contrast) -> Sequence[Sequence[int]]:
    """Return the rows that get a map of a contrast, fold by fold."""
    return outline.map_rows if contrast.turned or contrast.name is None else own_rows(outline.map_rows, contrast)


def known_atlas(situation: Situation) -> Atlas | None:
    """Return the atlas that the protocol names with the hash of its content, if it names one."""
    path = situation.protocol.attribution.atlas
    if path is None:
        return None
    return Atlas(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), situation.grid)
