"""Plan what is asked of hidden layers: an untrained network to compare with, slopes, and what was learned."""

from __future__ import annotations

from biasaudit import seeds
from biasaudit.engine.arguments.hidden_layers import LayerGradientsArguments, LearnedArguments
from biasaudit.engine.arguments.inputs import INPUTS, READ
from biasaudit.engine.arguments.networks import MODELS, UntrainedArguments
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.situation.contrasts import Contrast, class_index
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.rows import baseline_rows
from biasaudit.engine.situation.situation import Question

__all__ = ["LayerPlanner"]


class LayerPlanner:
    """Plans what the checks of hidden layers and the chapter on what was learned look at.

    Attributes
    ----------
    untrained, learned : mapping of representation to tuple of keys, one per fold
    slopes : mapping of (representation, contrast) to tuple of keys, one per fold
    """

    def __init__(self, outline: Outline, book: JobBook, networks: NetworkPlanner) -> None:
        self._outline = outline
        self._book = book
        self._networks = networks
        self.untrained: dict[str, tuple[str, ...]] = {}
        self.slopes: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.learned: dict[str, tuple[str, ...]] = {}

    def add(self, representation: str) -> None:
        """Plan what the checks of hidden layers compare the target's features with."""
        question = Question("target", representation)
        if not self._networks.models[question]:
            return
        if self._outline.wanted("U2"):
            self.untrained[representation] = tuple(self._add_untrained(question, fold) for fold in self._outline.folds)
        if self._outline.wanted("U9"):
            for contrast in self._outline.contrasts:
                self.slopes[representation, contrast.name] = tuple(
                    self._add_slopes(question, fold, keys[:1], contrast)
                    for fold, keys in enumerate(self._networks.explained(representation, contrast))
                )

    def _add_untrained(self, question: Question, fold: int) -> str:
        """Plan the features of a network with the weights it would start from."""
        inputs = self._networks.inputs.shown(question.representation, fold)
        arguments = UntrainedArguments(
            factory=self._networks.factory(),
            variant=question.variant,
            outputs=self._networks.outputs,
            seed=seeds.seed(self._outline.protocol.folds.seed, "untrained", question.representation, fold),
        )
        what = f"untrained {question}, fold {fold + 1}"
        model = self._book.add(arguments, {INPUTS: inputs}, what)
        rows = self._outline.situation.rows(fold, held_out=True)
        needs = {INPUTS: inputs, MODELS: (model,)}
        return self._networks.add_scores(needs, rows, [question.variant], f"score {what}", features=True)

    def _add_slopes(self, question: Question, fold: int, models: tuple[str, ...], contrast: Contrast) -> str:
        target = self._outline.protocol.target
        arguments = LayerGradientsArguments(
            rows=tuple(self._outline.situation.rows(fold, held_out=True)),
            variant=question.variant,
            layers=None if target.layers is None else tuple(target.layers),
            batch_size=target.training.batch_size,
        )
        needs = {INPUTS: self._networks.inputs.shown(question.representation, fold), MODELS: models}
        what = f", {contrast.name}" if contrast.name else ""
        title = f"slopes of hidden layers: {question}{what}, fold {fold + 1}"
        return self._book.add(arguments, needs, title)

    def add_learned(self, representation: str) -> None:
        """Plan where held-out subjects lie, fold by fold, and a look at single units of the first fold's network."""
        models = self._networks.models[Question("target", representation)]
        if self._outline.protocol.learned.enabled and models:
            self.learned[representation] = tuple(
                self._learned_of(representation, fold, models[fold][:1]) for fold in self._outline.folds
            )

    def _learned_of(self, representation: str, fold: int, model: tuple[str, ...]) -> str:
        cohort, protocol = self._outline.cohort, self._outline.protocol
        rows, layers = tuple(self._outline.situation.rows(fold, held_out=True)), protocol.target.layers
        arguments = LearnedArguments(
            rows=rows,
            label=tuple(class_index(cohort, cohort.samples[row]) for row in rows),
            origin=tuple(cohort.samples[row].origins[cohort.factors[0]] for row in rows),
            classes=len(cohort.classes),
            baseline=tuple(tuple(own) for own in baseline_rows(self._outline.situation, fold)),
            layers=None if layers is None else tuple(layers),
            batch_size=protocol.target.training.batch_size,
            gallery=fold == 0,
            units=protocol.learned.units,
            steps=protocol.learned.steps,
            seed=seeds.seed(protocol.folds.seed, "learned", representation, fold),
        )
        inputs = self._networks.inputs.shown(representation, fold)
        needs = {INPUTS: inputs, MODELS: model, READ: self._outline.reads}
        return self._book.add(arguments, needs, f"what was learned: {representation}, fold {fold + 1}")
