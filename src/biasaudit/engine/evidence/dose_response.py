"""Evidence `dose_response`: what networks answer that were retrained at several associations of class and origin."""

from __future__ import annotations

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
from biasaudit.records import ArmEvidence, DoseResponse
from biasaudit.registry import register
from biasaudit.stats.subsampling import (
    LEVELS,
    SMALLEST_CELL,
    SMALLEST_TRAINING,
    associated_rows,
    balanced_rows,
    common_training_size,
    origin_sides,
)

__all__ = ["Doses"]


@dataclass(frozen=True)
class DoseDesign:
    """Design of the retrained networks: sides of the origins, associations with the class, and training size.

    Attributes
    ----------
    side : tuple of bool
        For every image of the cohort, whether its origin is on the side that the positive class went with.
    levels : tuple of float
        Associations of class and side.
    training_size : int
        Images that every network learned from.
    sides : tuple of two tuples of str
        Origins of the negative and of the positive class's side.
    """

    side: tuple[bool, ...]
    levels: tuple[float, ...]
    training_size: int
    sides: tuple[tuple[str, ...], tuple[str, ...]]


@register("evidence", "dose_response")
class Doses(Columns):
    """Scores of balanced held-out subjects by networks trained at every association."""

    name = "dose_response"

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is nothing to train on."""
        return without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Train at every level of association and test on the same balanced held-out subjects."""
        reason = impossible(planning.outline.situation, asked.recipe)
        if reason:
            return Planned(about=NotRetrained(reason))
        columns = cohort_columns(planning, asked)
        side = origin_sides(columns.positive, columns.origin)
        words = ("dose", asked.recipe, columns.factor, *columns.words)
        folds = planning.outline.folds
        pools = [np.flatnonzero(columns.fold != fold) for fold in folds]
        size = min(common_training_size(columns.positive[pool], side[pool]) for pool in pools)
        tested = [_tested(planning, columns, side, words, fold) for fold in folds]
        if size < SMALLEST_TRAINING or min(map(len, tested)) < 4 * SMALLEST_CELL:
            return Planned(about=NotRetrained(_too_small(columns, side, size)))
        needs: dict[Role, tuple[str, ...]] = {}
        for fold in folds:
            stream = chance(planning, *words, "training", fold)
            subsets = associated_rows(pools[fold], columns.positive, side, LEVELS, size, stream)
            for level, rows in zip(LEVELS, subsets, strict=True):
                # The levels share the stream: the same network starts from the same weights.
                network = retraining_of(planning, asked, rows.tolist(), (*words, fold), f"association {level:g}")
                key = retrained_scores(planning, network, tested[fold].tolist())
                needs[_role(level)] = (*needs.get(_role(level), ()), key)
        return Planned(needs, _design(columns, side, size))

    def gather(self, about: DoseDesign | NotRetrained, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the scores at every level, or say why there are none."""
        if isinstance(about, NotRetrained):
            return about.told("U11", evidence)
        parts = [stacked(folders[_role(level)], "logits-original", rows) for level in about.levels]
        dose = DoseResponse(
            rows=parts[0].rows,
            side=np.array(about.side, dtype=bool)[parts[0].rows],
            scores=np.stack([part.values for part in parts], axis=1),
            levels=about.levels,
            training_size=about.training_size,
            sides=about.sides,
        )
        return {"dose": dose}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject."""
        dose = evidence.dose
        if dose is None:
            return {}
        group = units.group(dose.rows)
        averaged = replace(dose, rows=group.units, side=dose.side[group.first], scores=group.mean(dose.scores))
        return {"dose": averaged}


def _role(level: float) -> Role:
    return Role("level", str(level))


def _tested(
    planning: Planning, columns: CohortColumns, side: np.ndarray, words: tuple[object, ...], fold: int
) -> np.ndarray:
    """Draw the held-out rows of a fold on which all levels are tested."""
    held_out, stream = np.flatnonzero(columns.fold == fold), chance(planning, *words, "test", fold)
    return balanced_rows(held_out, columns.positive, side, stream)


def _design(columns: CohortColumns, side: np.ndarray, size: int) -> DoseDesign:
    negative, positive = (tuple(sorted(set(columns.origin[side == own].tolist()))) for own in (False, True))
    return DoseDesign(tuple(side.tolist()), tuple(LEVELS), size, (negative, positive))


def _too_small(columns: CohortColumns, side: np.ndarray, size: int) -> str:
    cells = [int(((side == s) & (columns.positive == c)).sum()) for s in (False, True) for c in (False, True)]
    return (
        f"the cells of class and side of origin hold {cells[0]} and {cells[1]}, {cells[2]} and {cells[3]} images: "
        f"every level could be trained on {size} of them, and {SMALLEST_TRAINING} are needed, with {SMALLEST_CELL} of "
        "every cell held out in each fold"
    )
