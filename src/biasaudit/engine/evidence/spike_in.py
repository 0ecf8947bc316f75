"""Evidence `spike_in`: what networks answer that were retrained on images with a planted edit, and on a sham."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.engine.arguments.edits import SpikeInArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import contrast_scores
from biasaudit.engine.evidence.retraining import NotRetrained, Retrained, chance, cohort_columns, impossible, retrain
from biasaudit.engine.evidence.subjects import Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_images, without_pixels
from biasaudit.engine.situation.outline import BLOCK
from biasaudit.engine.situation.rows import training_rows
from biasaudit.engine.situation.situation import Situation, origins_of
from biasaudit.records import ArmEvidence, SpikeIn, SpikeTrial
from biasaudit.registry import register
from biasaudit.stats.subsampling import assigned_subjects

__all__ = ["FIELD_STRENGTH", "INTENSITY_BEND", "SpikeIns"]

FIELD_STRENGTH = 0.3
"""Root mean square of the planted smooth field, in standard deviations of the image."""

INTENSITY_BEND = 0.1
"""How far the intensity scale is bent, in standard deviations of the image."""

_SHARES = {"planted": (0.1, 0.9), "sham": (0.5, 0.5)}
"""Share of the negative and of the positive class whose images carry the edit, by trial."""


@dataclass(frozen=True)
class Edited:
    """For every image of the cohort, whether it carries the edit in either trial."""

    planted: tuple[bool, ...]
    sham: tuple[bool, ...]


@register("evidence", "spike_in")
class SpikeIns(Columns):
    """Held-out margins with and without the edit, by networks trained on it: assigned by the label, and by chance."""

    name = "spike_in"

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no images to edit or to train on."""
        return without_pixels(situation) or without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Plant an edit by the label and another by chance, and train the target on each."""
        reason = impossible(planning.outline.situation, asked.recipe)
        if reason:
            return Planned(about=NotRetrained(reason))
        assigned = _assigned(planning, asked)
        edited = _edited_inputs(planning, asked, assigned)
        words = () if asked.contrast.name is None else (asked.contrast.name,)
        situation = planning.outline.situation
        needs: dict[Role, tuple[str, ...]] = {}
        for fold in planning.outline.folds:
            rows, held = training_rows(situation, asked.recipe, fold), situation.rows(fold, held_out=True)
            for name in _SHARES:
                network = Retrained(edited, name, rows, ("spike", asked.recipe, *words, fold), f"{name} spike")
                models = retrain(planning, network)
                for variant, inputs in (("original", planning.inputs.blocks[asked.recipe]), ("spiked", edited)):
                    scored = {INPUTS: inputs, MODELS: models}
                    key = planning.networks.add_scores(scored, held, [variant], f"score: {network.title}")
                    role = Role(name, variant)
                    needs[role] = (*needs.get(role, ()), key)
        return Planned(needs, assigned)

    def gather(self, about: Edited | NotRetrained, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the scores of both trials, or say why there are none."""
        if isinstance(about, NotRetrained):
            return about.told("G3", evidence)
        planted, sham = (
            SpikeTrial(
                edited=np.asarray(assigned, dtype=bool),
                without=contrast_scores(folders[Role(name, "original")], "logits-original", rows),
                with_edit=contrast_scores(folders[Role(name, "spiked")], "logits-spiked", rows),
            )
            for name, assigned in (("planted", about.planted), ("sham", about.sham))
        )
        return {"spike": SpikeIn(planted, sham)}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject."""
        if evidence.spike is None:
            return {}
        return {"spike": SpikeIn(_averaged(evidence.spike.planted, units), _averaged(evidence.spike.sham, units))}


def _averaged(trial: SpikeTrial, units: Units) -> SpikeTrial:
    return SpikeTrial(units.take_first(trial.edited), units.mean(trial.without), units.mean(trial.with_edit))


def _assigned(planning: Planning, asked: Asked) -> Edited:
    """Draw who carries the edit, inside every class, primary origin and fold."""
    situation = planning.outline.situation
    columns = cohort_columns(planning, asked)
    primary = origins_of(situation.cohort, situation.cohort.factors[0])
    # Inside actual classes, so that no class of the rest carries the edit more often than another.
    strata = [f"{c}|{o}|{f}" for c, o, f in zip(columns.classes, primary, columns.fold, strict=True)]
    drawn = {
        name: assigned_subjects(
            strata,
            columns.subject,
            np.where(columns.positive, of_positive, of_negative),
            chance(planning, "spike", name, *columns.words),
        )
        for name, (of_negative, of_positive) in _SHARES.items()
    }
    return Edited(tuple(drawn["planted"].tolist()), tuple(drawn["sham"].tolist()))


def _edited_inputs(planning: Planning, asked: Asked, assigned: Edited) -> tuple[str, ...]:
    """Plan the edited copies of an input, block by block."""
    keys = []
    for number, key in enumerate(planning.inputs.blocks[asked.recipe]):
        block = slice(number * BLOCK, (number + 1) * BLOCK)
        arguments = SpikeInArguments(assigned.planted[block], assigned.sham[block], FIELD_STRENGTH, INTENSITY_BEND)
        title = f"spike {asked.recipe} input, block {number + 1}"
        keys.append(planning.book.add(arguments, {INPUTS: (key,)}, title))
    return tuple(keys)
