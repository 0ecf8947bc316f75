"""Evidence `spike_in`: what networks answer that were retrained on images with a planted edit, and on a sham."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from biasaudit import seeds
from biasaudit.edits.planting.ladder import ladder
from biasaudit.engine.arguments.edits import SpikeInArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import contrast_scores
from biasaudit.engine.evidence.retraining import (
    CohortColumns,
    NotRetrained,
    Retrained,
    chance,
    cohort_columns,
    impossible,
    retrain,
)
from biasaudit.engine.evidence.subjects import Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_images, without_pixels
from biasaudit.engine.situation.outline import BLOCK
from biasaudit.engine.situation.rows import training_rows
from biasaudit.engine.situation.situation import Situation, class_of_row, origins_of
from biasaudit.records import ArmEvidence, Plant, SpikeIn, SpikeTrial
from biasaudit.registry import register
from biasaudit.stats.subsampling import assigned_subjects

__all__ = ["Edited", "SpikeIns", "Spiked"]

_SHARES = {"planted": (0.1, 0.9), "sham": (0.5, 0.5)}
"""Share of the negative and of the positive class whose images carry the edit, by trial."""


@dataclass(frozen=True)
class Edited:
    """For every image of the cohort, whether it carries the edit in either trial."""

    planted: tuple[bool, ...]
    sham: tuple[bool, ...]


@dataclass(frozen=True)
class _Copy:
    """What networks learn from: who carries the edit, and the class of every row."""

    edited: Edited
    members: Mapping[int, int]


@dataclass(frozen=True)
class Spiked:
    """Who is judged with the edit, all plants that there are, and what networks owed to those below this rung."""

    edited: Edited
    ladder: tuple[Plant, ...]
    owed: tuple[float, ...] = ()

    @property
    def plant(self) -> Plant:
        """The plant of this rung."""
        return self.ladder[len(self.owed)]


@register("evidence", "spike_in")
class SpikeIns(Columns):
    """Held-out margins with and without the edit, by networks trained on it: assigned by the label, and by chance."""

    name = "spike_in"
    settings = ("spike_in",)

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no images to edit or to train on."""
        return without_pixels(situation) or without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Plant an edit by the label and another by chance, and train the target on each."""
        situation = planning.outline.situation
        reason = impossible(situation, asked.recipe)
        rungs = () if reason else _rungs(planning, asked)
        if not rungs:
            return Planned(about=NotRetrained(reason or _nothing_to_plant(planning)))
        owed = situation.climbed.get((asked.recipe, asked.contrast.name), ())
        spiked = Spiked(_assigned(planning, asked), rungs, owed)
        return Planned(_scores(planning, asked, spiked), spiked)

    def gather(self, about: Spiked | NotRetrained, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the scores of both trials, or say why there are none."""
        if isinstance(about, NotRetrained):
            return about.told("G3", evidence)
        planted, sham = (
            SpikeTrial(
                edited=np.asarray(assigned, dtype=bool),
                without=contrast_scores(folders[Role(name, "original")], "logits-original", rows),
                with_edit=contrast_scores(folders[Role(name, "spiked")], "logits-spiked", rows),
            )
            for name, assigned in (("planted", about.edited.planted), ("sham", about.edited.sham))
        )
        return {"spike": SpikeIn(planted, sham, about.ladder, about.owed)}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject."""
        if evidence.spike is None:
            return {}
        planted, sham = (_averaged(trial, units) for trial in (evidence.spike.planted, evidence.spike.sham))
        return {"spike": replace(evidence.spike, planted=planted, sham=sham)}


def _scores(planning: Planning, asked: Asked, spiked: Spiked) -> dict[Role, tuple[str, ...]]:
    """Plan what the networks of both trials answer to held-out images without and with the edit."""
    copy, situation = _copy(planning, asked, spiked), planning.outline.situation
    edited = _edited_inputs(planning, asked, spiked.plant, copy.edited)
    words = () if asked.contrast.name is None else (asked.contrast.name,)
    needs: dict[Role, tuple[str, ...]] = {}
    for fold in planning.outline.folds:
        rows, held = training_rows(situation, asked.recipe, fold), situation.rows(fold, held_out=True)
        for name in _SHARES:
            stream, title = ("spike", asked.recipe, *words, fold), _title(name, spiked)
            network = Retrained(edited, name, rows, stream, title, copy.members)
            models = retrain(planning, network)
            for variant, inputs in (("original", planning.inputs.blocks[asked.recipe]), ("spiked", edited)):
                scored = {INPUTS: inputs, MODELS: models}
                key = planning.networks.add_scores(scored, held, [variant], f"score: {network.title}")
                role = Role(name, variant)
                needs[role] = (*needs.get(role, ()), key)
    return needs


def _averaged(trial: SpikeTrial, units: Units) -> SpikeTrial:
    return SpikeTrial(units.take_first(trial.edited), units.mean(trial.without), units.mean(trial.with_edit))


def _assigned(planning: Planning, asked: Asked) -> Edited:
    """Draw who is judged with the edit."""
    columns = cohort_columns(planning, asked)
    return _drawn(planning, columns, columns.positive, _strata(planning, columns), "spike")


def _copy(planning: Planning, asked: Asked, spiked: Spiked) -> _Copy:
    """Draw what is learned: the images as they are judged, or with some labels turned and the edit by the new ones."""
    own, share = class_of_row(planning.outline.cohort), spiked.plant.mislabelled
    if not share:
        return _Copy(spiked.edited, own)
    columns = cohort_columns(planning, asked)
    strata, words = _strata(planning, columns), ("spike", "mislabelled", *columns.words)
    turned = assigned_subjects(strata, columns.subject, np.full(len(strata), share), chance(planning, *words))
    side, draw = columns.positive ^ turned, chance(planning, *words, "classes")
    others = {new: [own[row] for row in np.flatnonzero(columns.positive == new).tolist()] for new in (False, True)}
    new = {row: int(draw.choice(others[bool(side[row])])) for row in np.flatnonzero(turned).tolist()}
    strata = [f"{stratum}|{own_turned}" for stratum, own_turned in zip(strata, turned, strict=True)]
    return _Copy(_drawn(planning, columns, side, strata, "spike copy"), {**own, **new})


def _strata(planning: Planning, columns: CohortColumns) -> list[str]:
    """Name the class, primary origin and fold of every row.

    Actual classes, so that no class of the rest carries the edit more often than another.
    """
    cohort = planning.outline.cohort
    primary = origins_of(cohort, cohort.factors[0])
    return [f"{c}|{o}|{f}" for c, o, f in zip(columns.classes, primary, columns.fold, strict=True)]


def _drawn(planning: Planning, columns: CohortColumns, side: np.ndarray, strata: Sequence[str], word: str) -> Edited:
    """Draw who carries the edit in either trial, by the side that every row is on."""
    drawn = {
        name: assigned_subjects(
            strata,
            columns.subject,
            np.where(side, of_positive, of_negative),
            chance(planning, word, name, *columns.words),
        )
        for name, (of_negative, of_positive) in _SHARES.items()
    }
    return Edited(tuple(drawn["planted"].tolist()), tuple(drawn["sham"].tolist()))


def _rungs(planning: Planning, asked: Asked) -> tuple[Plant, ...]:
    """Draw the plants of this input, from weak to strong."""
    channels = planning.outline.situation.channels(asked.recipe)
    words = () if asked.contrast.name is None else (asked.contrast.name,)
    return ladder(planning.outline.protocol.spike_in, channels, chance(planning, "spike", "kinds", *words))


def _nothing_to_plant(planning: Planning) -> str:
    kinds = ", ".join(planning.outline.protocol.spike_in.kinds or ())
    return f"none of the kinds of spike_in.kinds ({kinds}) can be planted in an input of one channel"


def _title(name: str, spiked: Spiked) -> str:
    return f"{name} spike" + (f", rung {len(spiked.owed) + 1}" if spiked.owed else "")


def _edited_inputs(planning: Planning, asked: Asked, plant: Plant, edited: Edited) -> tuple[str, ...]:
    """Plan the edited copies of an input, block by block."""
    keys = []
    seed = seeds.seed(planning.outline.protocol.folds.seed, "spike", "images")
    for number, key in enumerate(planning.inputs.blocks[asked.recipe]):
        block = slice(number * BLOCK, (number + 1) * BLOCK)
        arguments = SpikeInArguments(
            planted=edited.planted[block],
            sham=edited.sham[block],
            strengths=dict.fromkeys(plant.kinds, plant.strength),
            size=planning.outline.protocol.spike_in.size * plant.strength,
            first=number * BLOCK,
            seed=seed,
        )
        title = f"spike {asked.recipe} input ({plant}), block {number + 1}"
        keys.append(planning.book.add(arguments, {INPUTS: (key,)}, title))
    return tuple(keys)
