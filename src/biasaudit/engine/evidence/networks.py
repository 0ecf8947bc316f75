"""Plan the networks: which are trained or taken over, on which rows, and what they answer to those held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from biasaudit import seeds
from biasaudit.cohort.images.file_state import file_sha256
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import (
    MODEL,
    MODELS,
    AdoptArguments,
    Factory,
    GivenScoresArguments,
    LogOddsArguments,
    ScoreArguments,
    TrainArguments,
)
from biasaudit.engine.evidence.inputs import InputPlanner
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.rows import training_rows
from biasaudit.engine.situation.situation import Question, class_of_row
from biasaudit.engine.user_code.network_description import BUILDER
from biasaudit.engine.user_code.sources import own_version
from biasaudit.engine.user_code.weight_folders import shards_of
from biasaudit.records import Recipe

__all__ = ["TARGET", "NetworkPlanner"]

TARGET = Role("target")
"""The held-out scores of the target."""


class NetworkPlanner:
    """Plans one network per question, fold and seed, and its held-out scores.

    Attributes
    ----------
    inputs : InputPlanner
        Has planned what networks are shown.
    models : mapping of Question to tuple of tuple of keys
        One tuple of keys (one per seed) per fold.
    scores : mapping of Question to tuple of keys, one per fold
    """

    def __init__(self, outline: Outline, book: JobBook, inputs: InputPlanner) -> None:
        self._outline = outline
        self._book = book
        self.inputs = inputs
        self.models: dict[Question, tuple[tuple[str, ...], ...]] = {}
        self.scores: dict[Question, tuple[str, ...]] = {}
        self._log_odds: dict[tuple[Recipe, str], tuple[tuple[str, ...], ...]] = {}

    def add_target(self, recipe: Recipe) -> None:
        """Plan the target of an arm, or take its scores as they were given."""
        question = Question("target", recipe)
        if self._outline.situation.scored:
            self._add_given(question)
            return
        self.add_question(question, class_of_row(self._outline.cohort))
        for contrast in self._outline.contrasts:
            if contrast.name is not None:
                self._log_odds[recipe, contrast.name] = self._one_logit(question, contrast)

    def explained(self, recipe: Recipe, contrast: Contrast) -> tuple[tuple[str, ...], ...]:
        """Return the target's networks, fold by fold, as networks with the single logit of a contrast."""
        if contrast.name is None:
            return self.models[Question("target", recipe)]
        return self._log_odds[recipe, contrast.name]

    def _one_logit(self, question: Question, contrast: Contrast) -> tuple[tuple[str, ...], ...]:
        """Make of every trained target one network per contrast, whose single logit can be explained and edited."""
        arguments = LogOddsArguments(contrast.index, contrast.against_class)
        return tuple(
            tuple(self._book.add(arguments, {MODEL: (key,)}, f"log odds of {contrast.name}: {what}") for key in keys)
            for fold, keys in enumerate(self.models[question])
            for what in [f"{question}, fold {fold + 1}"]
        )

    def _add_given(self, question: Question) -> None:
        keys = []
        for fold in self._outline.folds:
            rows = tuple(self._outline.situation.rows(fold, held_out=True))
            arguments = GivenScoresArguments(rows, tuple(self._outline.cohort.samples[row].scores for row in rows))
            keys.append(self._book.add(arguments, {}, f"given scores, fold {fold + 1}"))
        self.scores[question] = tuple(keys)
        self.models[question] = ()

    def add_question(self, question: Question, members: Mapping[int, int]) -> None:
        """Plan the networks of a question and their scores.

        Parameters
        ----------
        question : Question
            One that another arm has asked as well is planned once.
        members : mapping of int to int
            Rows that the question is asked of, and the right answers.
        """
        if question in self.models:
            return
        models, scores = [], []
        for fold in self._outline.folds:
            keys = self._trained(question, members, fold)
            models.append(keys)
            scores.append(self._scored(question, members, fold, keys))
        self.models[question] = tuple(models)
        self.scores[question] = tuple(scores)

    def _trained(self, question: Question, members: Mapping[int, int], fold: int) -> tuple[str, ...]:
        target = self._outline.protocol.target
        if target.weights and question.name == "target" and self._is_arm(question):
            return (self._add_adopted(question, fold),)
        is_target = question.name == "target" and self._is_arm(question)
        count = target.networks_per_fold if is_target else target.training.seeds
        return tuple(self._add_training(question, members, fold, number) for number in range(count))

    def _is_arm(self, question: Question) -> bool:
        """Whether the question is the target's own, not that of a reduced input."""
        asked = {arm.recipe for arm in self._outline.protocol.arms}
        return question.variant == "original" and question.recipe in asked

    def _add_adopted(self, question: Question, fold: int) -> str:
        """Plan to take over the weights that held a fold out; all folds share one file, if there is one."""
        outline, target = self._outline, self._outline.protocol.target
        files = target.weights or []
        path = str(files[fold if len(files) > 1 else 0])
        shared = outline.folds if len(files) == 1 else (fold,)
        arguments = AdoptArguments(
            weights=path,
            sha256=file_sha256(path),
            factory=Factory(BUILDER, dict(outline.situation.adopted), self._network_code),
            sizes=(outline.situation.grid.dimensions, self._channels(question), self.outputs),
            rows=tuple(row for own in shared for row in outline.situation.rows(own, held_out=True)),
            batch_size=target.training.batch_size,
            stated=target.outputs != "auto",
            shards={str(shard): file_sha256(shard) for shard in shards_of(Path(path))},
        )
        title = f"take over {Path(path).name}: {question}"
        inputs = self.inputs.inputs_of_fold(question.recipe, fold)
        return self._book.add(arguments, {INPUTS: inputs}, title)

    def _channels(self, question: Question) -> int:
        return self._outline.situation.channels(question.recipe)

    @property
    def outputs(self) -> int:
        """Logits of a target."""
        return 1 if len(self._outline.cohort.classes) == 2 else len(self._outline.cohort.classes)

    def _add_training(self, question: Question, members: Mapping[int, int], fold: int, number: int) -> str:
        """Plan the network of one fold; `number` counts its seeds."""
        trained_on = training_rows(self._outline.situation, question.recipe, fold)
        rows = [row for row in trained_on if row in members]
        # The reduced inputs are shared by the arms, and so is everything that names their streams.
        words = ("train", *question.words, fold, number)
        arguments = self.training_arguments(rows, members, question.variant, words)
        title = f"train {question}, fold {fold + 1}" + (f", seed {number + 1}" if number else "")
        inputs = self.inputs.inputs_of_fold(question.recipe, fold)
        return self._book.add(arguments, {INPUTS: inputs}, title)

    @cached_property
    def _network_code(self) -> str:
        return own_version(self._outline.protocol.target.network)

    @cached_property
    def _training_code(self) -> tuple[str, ...]:
        return tuple(own_version(name) for _, name in self._outline.protocol.target.training.own)

    def factory(self) -> Factory:
        """Return how a network is made that is to be trained."""
        target, code = self._outline.protocol.target, self._network_code
        own = {name: value for name, value in self._outline.situation.adopted.items() if name != "order"}
        return Factory(BUILDER, own, code) if own else Factory(target.network, target.network_arguments, code)

    def training_arguments(
        self, rows: Sequence[int], members: Mapping[int, int], variant: str, words: tuple[object, ...]
    ) -> TrainArguments:
        """Return what a training takes; `words` name its random stream."""
        protocol = self._outline.protocol
        return TrainArguments(
            factory=self.factory(),
            # How many networks there are changes none of them.
            training=protocol.target.training.model_copy(update={"seeds": 1}),
            variant=variant,
            rows=tuple(rows),
            targets=tuple(members[row] for row in rows),
            groups=tuple(self._outline.cohort.samples[row].subject for row in rows),
            classes=max(members.values()) + 1,
            seed=seeds.seed(protocol.folds.seed, *words),
            code=self._training_code,
        )

    def _scored(self, question: Question, members: Mapping[int, int], fold: int, models: tuple[str, ...]) -> str:
        variants = [question.variant]
        is_target = question.name == "target" and question.variant == "original"
        if is_target and self._outline.erasable(question.recipe):
            variants.append("erased")
        rows = [row for row in self._outline.situation.rows(fold, held_out=True) if row in members]
        needs = {INPUTS: self.inputs.inputs_of_fold(question.recipe, fold), MODELS: models}
        features = is_target and self._outline.wants("features")
        return self.add_scores(needs, rows, variants, f"score {question}, fold {fold + 1}", features=features)

    def add_scores(
        self,
        needs: Mapping[Role, tuple[str, ...]],
        rows: Sequence[int],
        variants: Sequence[str],
        title: str,
        *,
        features: bool = False,
    ) -> str:
        """Plan to score rows in some variants of their input; `features` asks for the hidden layers as well."""
        target = self._outline.protocol.target
        arguments = ScoreArguments(
            rows=tuple(rows),
            variants=tuple(variants),
            features=features,
            layers=None if target.layers is None else tuple(target.layers),
            batch_size=target.training.batch_size,
        )
        return self._book.add(arguments, needs, title)
