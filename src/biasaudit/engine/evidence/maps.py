"""Evidence `maps`: signed attribution maps of the target, of a second network, and what became of them in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit import seeds
from biasaudit.engine.arguments.inputs import INPUTS, READ
from biasaudit.engine.arguments.maps import MAPS, AttributeArguments, FaithfulnessArguments, MapSettings
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.map_choices import probed_rows, replicate_networks
from biasaudit.engine.evidence.regions import known_atlas
from biasaudit.engine.evidence.subjects import Kept, Rows, Units
from biasaudit.engine.jobs.held_out import read_rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.limits import without_network
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.rows import baseline_rows, reference_rows, rows_of_contrast
from biasaudit.engine.situation.situation import Question, Situation
from biasaudit.records import ArmEvidence, BoolArray, FloatArray, MapProbes, Maps
from biasaudit.registry import get, register

__all__ = ["AttributionMaps", "Explained", "attribution_maps", "stored_maps"]

REPLICATE, TESTED = Role("replicate"), Role("tested")


@dataclass(frozen=True)
class Explained:
    """The rows to explain and the networks that are explained, fold by fold.

    Attributes
    ----------
    question : Question
        What the networks were asked.
    rows : tuple of tuples of int
    models : tuple of tuples of keys
    what : str
        Which of several explanations of the question, for the title.
    outputs : mapping of int to int, or None
        For every row the class whose margin over the others is explained; None for a single logit.
    """

    question: Question
    rows: Sequence[Sequence[int]]
    models: Sequence[tuple[str, ...]]
    what: str = ""
    outputs: Mapping[int, int] | None = None


@register("evidence", "maps")
class AttributionMaps(Columns):
    """Signed attribution maps of held-out subjects inside the common foreground."""

    name = "maps"
    settings = ("attribution",)

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is no network to look into."""
        return without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Explain the target and a second network, and put some of the target's maps to the test."""
        if planning.outline.situation.scored:
            return Planned()
        contrast = asked.contrast
        models = planning.networks.explained(asked.recipe, contrast)
        what = f", {contrast.name}" if contrast.name else ""
        target = Explained(Question("target", asked.recipe), rows_explained(planning.outline, contrast), models, what)
        maps = attribution_maps(planning, target)
        needs = {READ: planning.outline.reads, MAPS: maps, TESTED: _tests(planning, target, contrast, maps)}
        others = replicate_networks(models)
        if others[0][0] != models[0][0]:  # one network taken over has no other
            needs[REPLICATE] = attribution_maps(planning, replace(target, models=others, what=f"{what}, replicate"))
        return Planned(needs)

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the maps and the results of the tests; the masks are a kind of their own."""
        if MAPS not in folders:
            return {}
        mapped = np.concatenate([read_rows(folder) for folder in folders[MAPS]])
        foreground = Stack.of(folders[READ], "foreground")
        inside = np.zeros(foreground.shape[1:], dtype=bool)
        for row in mapped:
            inside |= foreground[row]
        maps = Maps(
            rows=mapped,
            target=stored_maps(folders, MAPS, inside),
            origin=None,
            mask=np.zeros((len(mapped), int(inside.sum())), dtype=bool),
            foreground=np.stack([foreground[row][inside] for row in mapped]),
            completeness_error=np.concatenate([np.load(folder / "completeness.npy") for folder in folders[MAPS]]),
            inside=inside,
            target_replicate=stored_maps(folders, REPLICATE, inside) if REPLICATE in folders else None,
            probes=_probes(folders, inside),
        )
        return {"maps": maps}

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Say where the mapped subjects lie among the rows that are kept; maps are of held-out rows alone."""
        return {} if evidence.maps is None else {"maps": replace(evidence.maps, rows=kept.places(evidence.maps.rows))}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Say which subject every map is of."""
        return {} if evidence.maps is None else {"maps": replace(evidence.maps, rows=units.of_row[evidence.maps.rows])}


def attribution_maps(planning: Planning, explained: Explained) -> tuple[str, ...]:
    """Plan maps of some rows by some networks, fold by fold."""
    keys = []
    for fold, (rows, models) in enumerate(zip(explained.rows, explained.models, strict=True)):
        outputs = explained.outputs
        own = tuple(row for row in rows if outputs is None or row in outputs)
        arguments = AttributeArguments(
            rows=own,
            variant=explained.question.variant,
            settings=_settings(planning.outline, fold),
            outputs=None if outputs is None else tuple(outputs[row] for row in own),
        )
        needs = {INPUTS: planning.inputs.inputs_of_fold(explained.question.recipe, fold), MODELS: models[:1]}
        title = f"attribution maps: {explained.question}{explained.what}, fold {fold + 1}"
        keys.append(planning.book.add(arguments, needs, title))
    return tuple(keys)


def stored_maps(folders: Folders, role: Role, inside: BoolArray) -> FloatArray:
    """Read the maps of all folds inside the common foreground, (m, voxels)."""
    maps = Stack.of(folders[role], "maps")
    found = np.zeros((len(maps), int(inside.sum())), dtype=np.float32)
    for row, relevance in enumerate(maps):
        found[row] = relevance[inside]
    return found


def rows_explained(outline: Outline, contrast: Contrast) -> Sequence[Sequence[int]]:
    """Return the rows that get a map of a contrast, fold by fold."""
    return (
        outline.map_rows
        if contrast.against_class or contrast.name is None
        else rows_of_contrast(outline.map_rows, contrast)
    )


def _tests(planning: Planning, explained: Explained, contrast: Contrast, maps: Sequence[str]) -> tuple[str, ...]:
    """Plan to put some of the maps of every fold to the test of faithfulness."""
    outline, question, keys = planning.outline, explained.question, []
    for fold, (rows, models) in enumerate(zip(explained.rows, explained.models, strict=True)):
        words = ("probe", question.recipe, contrast.name or "", fold)
        arguments = FaithfulnessArguments(
            rows=tuple(rows),
            variant=question.variant,
            settings=_settings(outline, fold),
            places=tuple(probed_rows([outline.cohort.samples[row].label for row in rows])),
            share=outline.protocol.attribution.deleted,
            seed=seeds.seed(outline.protocol.folds.seed, *words),
        )
        inputs = planning.inputs.inputs_of_fold(question.recipe, fold)
        needs = {INPUTS: inputs, MODELS: models[:1], MAPS: (maps[fold],), READ: outline.reads}
        title = f"probe attribution maps: {question}{contrast.name or ''}, fold {fold + 1}"
        keys.append(planning.book.add(arguments, needs, title))
    return tuple(keys)


def _settings(outline: Outline, fold: int) -> MapSettings:
    """Say how the rows of a fold are explained."""
    situation, settings = outline.situation, outline.protocol.attribution
    references, needs = reference_rows(situation, fold), get("attribution", settings.method).needs
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
        regions=known_atlas(situation) if needs == "regions" else None,
        arguments=dict(settings.arguments),
    )


def _probes(folders: Folders, inside: BoolArray) -> MapProbes:
    counts = [len(read_rows(folder)) for folder in folders[MAPS]]
    starts = np.cumsum([0, *counts])
    tested = folders[TESTED]
    moved = np.concatenate([np.load(folder / "moved.npy") for folder in tested])
    return MapProbes(
        places=np.concatenate([start + np.load(f / "places.npy") for start, f in zip(starts, tested, strict=False)]),
        randomised=np.concatenate([_randomised(folder, inside) for folder in tested], axis=1),
        deletion=moved[:, 0],
        insertion=moved[:, 1],
    )


def _randomised(folder: Path, inside: BoolArray) -> FloatArray:
    """Read the maps of networks of random weights of one fold, (d, p, voxels)."""
    return np.stack([maps[:, inside] for maps in Stack.of([folder], "randomised")])
