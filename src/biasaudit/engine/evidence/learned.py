"""Plan and read back what the target has learned: where held-out subjects lie, and what single units answer to."""

from __future__ import annotations

from biasaudit import seeds
from biasaudit.engine.arguments.hidden_layers import LearnedArguments
from biasaudit.engine.arguments.inputs import INPUTS, READ
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.kind import Planning
from biasaudit.engine.situation.contrasts import class_index
from biasaudit.engine.situation.rows import baseline_rows
from biasaudit.engine.situation.situation import Question
from biasaudit.records import Recipe

__all__ = ["learned_jobs"]


def learned_jobs(planning: Planning, recipe: Recipe) -> tuple[str, ...]:
    """Plan a look at every fold's first network, and at single units of the first fold's."""
    outline = planning.outline
    models = planning.networks.models[Question("target", recipe)]
    if not outline.protocol.learned.enabled or not models or not outline.cohort.channels:
        return ()
    return tuple(_learned(planning, recipe, fold, models[fold][0]) for fold in outline.folds)


def _learned(planning: Planning, recipe: Recipe, fold: int, model: str) -> str:
    outline = planning.outline
    cohort, protocol = outline.cohort, outline.protocol
    rows = outline.situation.rows(fold, held_out=True)
    layers = protocol.target.layers
    arguments = LearnedArguments(
        rows=tuple(rows),
        label=tuple(class_index(cohort, cohort.samples[row]) for row in rows),
        origin=tuple(cohort.samples[row].origins[cohort.factors[0]] for row in rows),
        classes=len(cohort.classes),
        baseline=tuple(tuple(own) for own in baseline_rows(outline.situation, fold)),
        layers=None if layers is None else tuple(layers),
        batch_size=protocol.target.training.batch_size,
        gallery=fold == 0,
        units=protocol.learned.units,
        steps=protocol.learned.steps,
        seed=seeds.seed(protocol.folds.seed, "learned", recipe, fold),
    )
    needs = {INPUTS: planning.inputs.inputs_of_fold(recipe, fold), MODELS: (model,), READ: outline.reads}
    return planning.book.add(arguments, needs, f"what was learned: {recipe}, fold {fold + 1}")
