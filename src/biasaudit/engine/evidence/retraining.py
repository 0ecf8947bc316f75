"""Plan the checks that train networks of their own: an unseen origin, doses of association, a planted signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from biasaudit import seeds
from biasaudit.engine.arguments.edits import SpikeInArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.controls import ONLY_FEATURES
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.harmonising import COMBAT
from biasaudit.engine.situation.outline import BLOCK, Outline
from biasaudit.engine.situation.rows import training_rows
from biasaudit.engine.situation.situation import CONFIRMATION, Situation, everyone, input_of, origins_of
from biasaudit.stats.subsampling import (
    LEVELS,
    SMALLEST_CELL,
    SMALLEST_TRAINING,
    assigned_subjects,
    associated_rows,
    balanced_rows,
    class_matched_rows,
    common_training_size,
    origin_sides,
    origins_with_both_classes,
)

__all__ = ["Retraining", "RetrainingPlanner"]

PLANTED = (0.1, 0.9)
"""Share of the negative and of the positive class that carries the planted edit."""

SHAM = (0.5, 0.5)
"""Share of each class that carries the sham edit."""

_READY_MADE = "the network was trained outside of this audit; one trained anew would be another network"
_HARMONISED = "ComBat learns from all origins, at the association that there is; ask the arm without it"
_NO_ORIGIN_LEFT_OUT = "no origin can be left out: too few subjects of both classes in it, or in the other origins"


@dataclass(frozen=True)
class Retraining:
    """Networks that one check trains for itself: who was asked what, where the answers lie, or why there are none."""

    design: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    skipped: str = ""


@dataclass(frozen=True)
class _Network:
    """Where the input of a retrained network lies, which rows it learns from, and the words of its random stream."""

    inputs: tuple[str, ...]
    variant: str
    rows: Sequence[int]
    words: tuple[object, ...]
    title: str


class RetrainingPlanner:
    """Plans the target anew, with its own budget, on other rows or on edited images.

    Attributes
    ----------
    planned : mapping of (representation, factor, code, contrast) to Retraining
    """

    def __init__(self, outline: Outline, book: JobBook, networks: NetworkPlanner) -> None:
        self._outline = outline
        self._book = book
        self._networks = networks
        self.planned: dict[tuple[str, str, str, str | None], Retraining] = {}

    def add(self, representation: str) -> None:
        """Plan what the checks of an arm train; of the default ones only the confirmation trains anything."""
        makers = {"U10": self._add_unseen_origin, "U11": self._add_dose_response, CONFIRMATION: self._add_spike_in}
        asked = [code for code in makers if code in self._outline.situation.codes(representation)]
        for code in asked:
            for factor in self._outline.cohort.factors:
                for contrast in self._outline.contrasts:
                    name = (representation, factor, code, contrast.name)
                    impossible = self._impossible(representation, code)
                    if impossible:
                        self.planned[name] = Retraining(skipped=impossible)
                    else:
                        columns = _columns(self._outline.situation, factor, contrast)
                        self.planned[name] = makers[code](representation, columns)

    def _impossible(self, representation: str, code: str) -> str:
        """Say why a check can train nothing; empty if it can."""
        situation = self._outline.situation
        if situation.ready_made:
            return _READY_MADE
        if situation.tabular and code == CONFIRMATION:
            return ONLY_FEATURES
        return _HARMONISED if input_of(representation) == COMBAT else ""

    def _add_unseen_origin(self, representation: str, columns: _Columns) -> Retraining:
        """Train with and without every origin that can be tested, fold by fold, on as many subjects of each class."""
        needs: dict[Role, tuple[str, ...]] = {}
        design: dict[str, Any] = {}
        for origin in origins_with_both_classes(columns.positive, columns.origin, columns.subject):
            words = ("unseen origin", representation, columns.factor, origin, *columns.words)
            rows, sizes = [], []
            for fold in self._outline.folds:
                held, training = _unseen_rows(columns, origin, fold, self._chance(*words, fold))
                if held and training:
                    rows.append(held)
                    sizes.append(len(training["unseen"]))
                    for role, own in training.items():
                        network = self._retraining_of(representation, own, (*words, fold), f"{role} {origin}")
                        key = self._retrained_scores(network, held)
                        needs[Role(role, origin)] = (*needs.get(Role(role, origin), ()), key)
            if rows:
                design[origin] = {"rows": rows, "training_size": sizes}
        if not design:
            return Retraining(skipped=_NO_ORIGIN_LEFT_OUT)
        return Retraining(design, needs)

    def _add_dose_response(self, representation: str, columns: _Columns) -> Retraining:
        """Train at every level of association and test on the same balanced held-out subjects."""
        side = origin_sides(columns.positive, columns.origin)
        folds = self._outline.folds
        pools = [np.flatnonzero(columns.fold != fold) for fold in folds]
        size = min(common_training_size(columns.positive[pool], side[pool]) for pool in pools)
        words = ("dose", representation, columns.factor, *columns.words)
        tested = [
            balanced_rows(
                np.flatnonzero(columns.fold == fold), columns.positive, side, self._chance(*words, "test", fold)
            )
            for fold in folds
        ]
        if size < SMALLEST_TRAINING or min(map(len, tested)) < 4 * SMALLEST_CELL:
            return Retraining(skipped=_too_small_for_doses(columns, side, size))
        needs: dict[Role, tuple[str, ...]] = {}
        for fold in folds:
            chance = self._chance(*words, "training", fold)
            subsets = associated_rows(pools[fold], columns.positive, side, LEVELS, size, chance)
            for level, rows in zip(LEVELS, subsets, strict=True):
                # The levels share the stream: the same network starts from the same weights.
                network = self._retraining_of(representation, rows.tolist(), (*words, fold), f"association {level:g}")
                key = self._retrained_scores(network, tested[fold].tolist())
                needs[Role("level", str(level))] = (*needs.get(Role("level", str(level)), ()), key)
        design = {
            "rows": [rows.tolist() for rows in tested],
            "side": [side[rows].tolist() for rows in tested],
            "levels": list(LEVELS),
            "training_size": size,
            "sides": [sorted(set(columns.origin[side == own].tolist())) for own in (False, True)],
        }
        return Retraining(design, needs)

    def _add_spike_in(self, representation: str, columns: _Columns) -> Retraining:
        """Plant an edit by the label and another by chance, and train the target on each."""
        primary = replace(columns, origin=origins_of(self._outline.cohort, self._outline.cohort.factors[0]))
        # Inside actual classes, so that no class of the rest carries the edit more often than another.
        strata = [f"{c}|{o}|{f}" for c, o, f in zip(primary.classes, primary.origin, primary.fold, strict=True)]
        assigned = {
            name: assigned_subjects(
                strata,
                primary.subject,
                np.where(primary.positive, shares[1], shares[0]),
                self._chance("spike", name, *primary.words),
            ).tolist()
            for name, shares in (("planted", PLANTED), ("sham", SHAM))
        }
        edited = self._spiked(representation, assigned)
        situation = self._outline.situation
        needs: dict[Role, tuple[str, ...]] = {}
        for fold in self._outline.folds:
            rows, held = training_rows(situation, representation, fold), situation.rows(fold, held_out=True)
            for name in assigned:
                network = _Network(edited, name, rows, ("spike", representation, *primary.words, fold), f"{name} spike")
                models = self._retrain(network)
                for variant, inputs in (("original", self._networks.inputs.blocks[representation]), ("spiked", edited)):
                    asked = {INPUTS: inputs, MODELS: models}
                    key = self._networks.add_scores(asked, held, [variant], f"score: {network.title}")
                    needs[Role(name, variant)] = (*needs.get(Role(name, variant), ()), key)
        return Retraining(assigned, needs)

    def _spiked(self, representation: str, assigned: Mapping[str, Sequence[bool]]) -> tuple[str, ...]:
        """Plan the edited copies of an input, block by block."""
        keys = []
        for number, key in enumerate(self._networks.inputs.blocks[representation]):
            own = slice(number * BLOCK, (number + 1) * BLOCK)
            arguments = SpikeInArguments(tuple(assigned["planted"][own]), tuple(assigned["sham"][own]))
            title = f"spike {representation} input, block {number + 1}"
            keys.append(self._book.add(arguments, {INPUTS: (key,)}, title))
        return tuple(keys)

    def _chance(self, *words: object) -> np.random.Generator:
        return seeds.generator(self._outline.protocol.folds.seed, "retraining", *words)

    def _retraining_of(
        self, representation: str, rows: Sequence[int], words: tuple[object, ...], title: str
    ) -> _Network:
        return _Network(
            self._networks.inputs.blocks[representation], "original", rows, words, f"{title}, {representation}"
        )

    def _retrained_scores(self, network: _Network, held_out: Sequence[int]) -> str:
        needs = {INPUTS: network.inputs, MODELS: self._retrain(network)}
        return self._networks.add_scores(needs, held_out, [network.variant], f"score: {network.title}")

    def _retrain(self, network: _Network) -> tuple[str, ...]:
        """Plan the target anew, with its own budget, on other rows."""
        members = everyone(self._outline.cohort)
        keys = []
        for number in range(self._outline.protocol.target.training.seeds):
            words = ("retrain", *network.words, number)
            arguments = self._networks.training_arguments(network.rows, members, network.variant, words)
            title = f"retrain: {network.title}, fold {int(str(network.words[-1])) + 1}"
            keys.append(self._book.add(arguments, {INPUTS: network.inputs}, title))
        return tuple(keys)


@dataclass(frozen=True)
class _Columns:
    """The table as arrays, for one origin factor and contrast; `words` name its random streams."""

    factor: str
    words: tuple[str, ...]
    positive: np.ndarray
    classes: np.ndarray
    origin: np.ndarray
    subject: np.ndarray
    fold: np.ndarray


def _columns(situation: Situation, factor: str, contrast: Contrast) -> _Columns:
    samples = situation.cohort.samples
    positive = np.array(contrast.positive, dtype=bool)
    return _Columns(
        factor,
        () if contrast.name is None else (contrast.name,),
        positive,
        positive if contrast.name is None else np.array([sample.label for sample in samples]),
        origins_of(situation.cohort, factor),
        np.array([sample.subject for sample in samples]),
        np.array(situation.folds),
    )


def _unseen_rows(
    columns: _Columns, origin: str, fold: int, chance: np.random.Generator
) -> tuple[list[int], dict[str, list[int]]]:
    """Rows of one origin that a fold holds out, and those of the two trainings; none if a class would be missing.

    Both trainings leave the fold out, so that the two differ in nothing but where their subjects come from.
    """
    pool = np.flatnonzero(columns.fold != fold)
    unseen = pool[columns.origin[pool] != origin]
    held = np.flatnonzero((columns.fold == fold) & (columns.origin == origin))
    classes = [(columns.classes[unseen] == name).sum() for name in np.unique(columns.classes)]
    if min(classes) < SMALLEST_CELL:
        return [], {}
    reference = class_matched_rows(pool, unseen, columns.classes, chance)
    return held.tolist(), {"unseen": unseen.tolist(), "reference": reference.tolist()}


def _too_small_for_doses(columns: _Columns, side: np.ndarray, size: int) -> str:
    cells = [int(((side == s) & (columns.positive == c)).sum()) for s in (False, True) for c in (False, True)]
    return (
        f"the cells of class and side of origin hold {cells[0]} and {cells[1]}, {cells[2]} and {cells[3]} images: "
        f"every level could be trained on {size} of them, and {SMALLEST_TRAINING} are needed, with {SMALLEST_CELL} of "
        "every cell held out in each fold"
    )
