"""Networks that one check trains for itself: the target anew, with its own budget, on other rows or edited images.

Nothing is retrained beside a network that was trained elsewhere, so these kinds have no rows to select.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biasaudit import seeds
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.kind import Asked, Fields, Planning
from biasaudit.engine.situation.situation import Situation, class_of_row, origins_of
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.records import ArmEvidence, Recipe
from biasaudit.representations.representation import Harmonising

__all__ = ["CohortColumns", "NotRetrained", "Retrained", "cohort_columns", "impossible", "retrain", "retrained_scores"]

_READY_MADE = "the network was trained outside of this audit; one trained anew would be another network"
_HARMONISED = "ComBat learns from all origins, at the association that there is; ask the arm without it"


@dataclass(frozen=True)
class NotRetrained:
    """Why no network was trained."""

    reason: str

    def told(self, code: str, evidence: ArmEvidence) -> Fields:
        """Add the reason, for the check that would have looked at the networks."""
        return {"retraining_skipped": {**evidence.retraining_skipped, code: self.reason}}


@dataclass(frozen=True)
class Retrained:
    """One network that is trained anew, one per seed.

    Attributes
    ----------
    inputs : tuple of keys
        Where its input lies.
    variant : str
        Which version of the input.
    rows : sequence of int
        Rows that it learns from.
    words : tuple
        Name of its random stream; the last is the fold.
    title : str
    members : mapping of int to int
        Class that is learned for every row; by default its own.
    """

    inputs: tuple[str, ...]
    variant: str
    rows: Sequence[int]
    words: tuple[object, ...]
    title: str
    members: Mapping[int, int] | None = None


@dataclass(frozen=True)
class CohortColumns:
    """The cohort as arrays, for one origin factor and contrast; `words` name its random streams."""

    factor: str
    words: tuple[str, ...]
    positive: np.ndarray
    classes: np.ndarray
    origin: np.ndarray
    subject: np.ndarray
    fold: np.ndarray


def cohort_columns(planning: Planning, asked: Asked) -> CohortColumns:
    """Return the columns that a retraining chooses its rows by."""
    situation, contrast = planning.outline.situation, asked.contrast
    samples = situation.cohort.samples
    positive = np.array(contrast.positive, dtype=bool)
    return CohortColumns(
        asked.factor,
        () if contrast.name is None else (contrast.name,),
        positive,
        positive if contrast.name is None else np.array([sample.label for sample in samples]),
        origins_of(situation.cohort, asked.factor),
        np.array([sample.subject for sample in samples]),
        np.array(situation.folds),
    )


def impossible(situation: Situation, recipe: Recipe) -> str:
    """Say why nothing can be trained anew; empty if it can."""
    if situation.ready_made:
        return _READY_MADE
    return _HARMONISED if issubclass(kind_of_input(recipe.input), Harmonising) else ""


def chance(planning: Planning, *words: object) -> np.random.Generator:
    """Make the random stream of a choice of rows."""
    return seeds.generator(planning.outline.protocol.folds.seed, "retraining", *words)


def retraining_of(
    planning: Planning, asked: Asked, rows: Sequence[int], words: tuple[object, ...], title: str
) -> Retrained:
    """Describe a network that is trained on other rows of the arm's own input."""
    return Retrained(planning.inputs.blocks[asked.recipe], "original", rows, words, f"{title}, {asked.recipe}")


def retrain(planning: Planning, network: Retrained) -> tuple[str, ...]:
    """Plan the training, one network per seed."""
    members = class_of_row(planning.outline.cohort) if network.members is None else network.members
    keys = []
    for number in range(planning.outline.protocol.target.training.seeds):
        words = ("retrain", *network.words, number)
        arguments = planning.networks.training_arguments(network.rows, members, network.variant, words)
        title = f"retrain: {network.title}, fold {int(str(network.words[-1])) + 1}"
        keys.append(planning.book.add(arguments, {INPUTS: network.inputs}, title))
    return tuple(keys)


def retrained_scores(planning: Planning, network: Retrained, held_out: Sequence[int]) -> str:
    """Plan the training and what the networks answer to rows that they did not see."""
    needs = {INPUTS: network.inputs, MODELS: retrain(planning, network)}
    return planning.networks.add_scores(needs, held_out, [network.variant], f"score: {network.title}")
