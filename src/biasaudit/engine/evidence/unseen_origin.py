"""Evidence `unseen_origin`: what networks answer to an origin that they have never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import stacked
from biasaudit.engine.evidence.retraining import (
    CohortColumns,
    NotRetrained,
    chance,
    cohort_columns,
    impossible,
    retrained_scores,
    retraining_of,
)
from biasaudit.engine.evidence.subjects import Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_images
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence, UnseenOrigin
from biasaudit.registry import register
from biasaudit.stats.subsampling import SMALLEST_CELL, class_matched_rows, origins_with_both_classes

__all__ = ["UnseenOrigins"]

_NO_ORIGIN_LEFT_OUT = "no origin can be left out: too few subjects of both classes in it, or in the other origins"


@dataclass(frozen=True)
class TrainingSizes:
    """Numbers of images that the networks of each fold were trained on, by the origin that they have not seen."""

    of_origin: Mapping[str, tuple[int, ...]]


@register("evidence", "unseen_origin")
class UnseenOrigins(Columns):
    """Scores of one origin's subjects by networks trained without that origin, and by others trained with it."""

    name = "unseen_origin"

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is nothing to train on."""
        return without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Train with and without every origin that can be tested, fold by fold, on as many subjects of each class."""
        reason = impossible(planning.outline.situation, asked.recipe)
        if reason:
            return Planned(about=NotRetrained(reason))
        columns = cohort_columns(planning, asked)
        needs: dict[Role, tuple[str, ...]] = {}
        sizes: dict[str, tuple[int, ...]] = {}
        for origin in origins_with_both_classes(columns.positive, columns.origin, columns.subject):
            for fold in planning.outline.folds:
                trained = _trained(planning, asked, columns, origin, fold)
                sizes[origin] = (*sizes.get(origin, ()), *trained.sizes)
                for role, key in trained.keys.items():
                    needs[role] = (*needs.get(role, ()), key)
        sizes = {origin: own for origin, own in sizes.items() if own}
        return Planned(needs, TrainingSizes(sizes)) if sizes else Planned(about=NotRetrained(_NO_ORIGIN_LEFT_OUT))

    def gather(
        self, about: TrainingSizes | NotRetrained, folders: Folders, evidence: ArmEvidence, rows: Rows
    ) -> Fields:
        """Read the scores of both networks, or say why there are none."""
        if isinstance(about, NotRetrained):
            return about.told("U10", evidence)
        return {"unseen": {origin: _unseen(folders, origin, sizes, rows) for origin, sizes in about.of_origin.items()}}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject."""
        averaged = {}
        for origin, own in evidence.unseen.items():
            group = units.group(own.rows)
            averaged[origin] = replace(
                own, rows=group.units, unseen=group.mean(own.unseen), reference=group.mean(own.reference)
            )
        return {"unseen": averaged}


@dataclass(frozen=True)
class _Trained:
    """The networks of one fold and origin: scores by role, and images trained on; empty if a class would be missing."""

    keys: Mapping[Role, str]
    sizes: tuple[int, ...]


def _trained(planning: Planning, asked: Asked, columns: CohortColumns, origin: str, fold: int) -> _Trained:
    words = ("unseen origin", asked.recipe, columns.factor, origin, *columns.words)
    pool = np.flatnonzero(columns.fold != fold)
    unseen = pool[columns.origin[pool] != origin]
    held = np.flatnonzero((columns.fold == fold) & (columns.origin == origin)).tolist()
    smallest = min((columns.classes[unseen] == name).sum() for name in np.unique(columns.classes))
    if smallest < SMALLEST_CELL or not held or not unseen.size:
        return _Trained({}, ())
    # Both leave the fold out, so that they differ in nothing but where their subjects come from.
    reference = class_matched_rows(pool, unseen, columns.classes, chance(planning, *words, fold))
    keys = {}
    for name, rows in (("unseen", unseen), ("reference", reference)):
        network = retraining_of(planning, asked, rows.tolist(), (*words, fold), f"{name} {origin}")
        keys[Role(name, origin)] = retrained_scores(planning, network, held)
    return _Trained(keys, (len(unseen),))


def _unseen(folders: Folders, origin: str, sizes: tuple[int, ...], rows: Rows) -> UnseenOrigin:
    unseen = stacked(folders[Role("unseen", origin)], "logits-original", rows)
    reference = stacked(folders[Role("reference", origin)], "logits-original", rows)
    return UnseenOrigin(unseen.rows, unseen.values, reference.values, sizes)
