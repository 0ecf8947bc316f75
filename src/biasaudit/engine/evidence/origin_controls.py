"""Evidence `origin_controls`: what networks like the target answer when asked for the origin, inside one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import column
from biasaudit.engine.evidence.subjects import Kept, Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_images
from biasaudit.engine.situation.situation import Question, Situation, class_members
from biasaudit.records import ArmEvidence, OriginControl, Recipe
from biasaudit.registry import register

__all__ = ["ClassOrigins", "OriginControls", "asked_origins", "origin_question"]


@dataclass(frozen=True)
class ClassOrigins:
    """The origins that are told apart inside one class."""

    class_name: str
    origins: tuple[str, ...]


@register("evidence", "origin_controls")
class OriginControls(Columns):
    """Held-out answers of the origin classifier of every class with several origins."""

    name = "origin_controls"

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is nothing to train a classifier on."""
        return without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Train a network to tell the origins apart, in every class of the contrast that has several."""
        _train_all(planning, asked.recipe)
        classes = asked_origins(planning, asked)
        scores = planning.networks.scores
        needs = {_role(own): scores[origin_question(asked, own.class_name)] for own in classes}
        return Planned(needs, classes)

    def gather(self, about: tuple[ClassOrigins, ...], folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the answers, one column per origin."""
        return {"origin_controls": {own.class_name: _control(own, folders, rows) for own in about}}

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Take the rows that are kept."""
        controls = {}
        for name, control in evidence.origin_controls.items():
            among = kept.among(control.rows)
            controls[name] = OriginControl(kept.places(control.rows[among]), control.origins, control.scores[among])
        return {"origin_controls": controls}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject."""
        controls = {}
        for name, control in evidence.origin_controls.items():
            group = units.group(control.rows)
            controls[name] = OriginControl(group.units, control.origins, group.mean(control.scores))
        return {"origin_controls": controls}


def _train_all(planning: Planning, recipe: Recipe) -> None:
    """Plan the classifiers of all factors and classes together, so that tables list them together too."""
    outline = planning.outline
    for (factor, class_name), origins in outline.origins.items() if outline.cohort.channels else ():
        question = Question("origin", recipe.unbalanced, factor=factor, class_name=class_name)
        planning.networks.add_question(question, class_members(outline.cohort, factor, class_name, origins))


def asked_origins(planning: Planning, asked: Asked) -> tuple[ClassOrigins, ...]:
    """Return the classes of a contrast in which origins are told apart; none without anything to train on."""
    if not planning.outline.cohort.channels:
        return ()
    return tuple(
        ClassOrigins(class_name, origins)
        for (factor, class_name), origins in planning.outline.origins.items()
        if factor == asked.factor and asked.contrast.name in (None, class_name)
    )


def origin_question(asked: Asked, class_name: str) -> Question:
    """Return the question of the origin inside a class; how the target's rows are chosen does not change it."""
    return Question("origin", asked.recipe.unbalanced, factor=asked.factor, class_name=class_name)


def _role(own: ClassOrigins) -> Role:
    return Role("origin", own.class_name)


def _control(own: ClassOrigins, folders: Folders, rows: Rows) -> OriginControl:
    members = np.flatnonzero(rows.of_class(own.class_name, own.origins))
    logits: Any = column(folders[_role(own)], "logits-original", len(rows))[members]
    if logits.shape[1] == 1:  # one logit says the second of two origins
        logits = np.hstack([-logits, logits])
    return OriginControl(members, own.origins, logits)
