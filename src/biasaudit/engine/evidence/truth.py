"""The planted truth of a simulated cohort: held-out anatomies rendered at every site and scored."""

from __future__ import annotations

from biasaudit.engine.arguments.edits import TruthArguments
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.inputs import hashes_of, pixel_identity
from biasaudit.engine.evidence.kind import Planning
from biasaudit.engine.situation.rows import truth_rows
from biasaudit.engine.situation.situation import Question
from biasaudit.records import Recipe

__all__ = ["truth_jobs"]


def truth_jobs(planning: Planning, recipe: Recipe) -> tuple[str, ...]:
    """Plan to score anatomies of every fold at every site; nothing where the cohort is not simulated."""
    outline, count = planning.outline, planning.outline.protocol.cohort.truth_subjects
    if count == 0:
        return ()
    keys = []
    for fold in outline.folds:
        rows = truth_rows(outline.situation, fold, count)
        samples = tuple(pixel_identity(outline.cohort.samples[row]) for row in rows)
        arguments = TruthArguments(
            reader=outline.protocol.cohort.reader,
            foreground=outline.protocol.cohort.foreground,
            samples=samples,
            hashes=hashes_of(outline.situation, samples),
            grid=outline.situation.grid,
            representation=recipe.input,
            own=outline.situation.own_inputs.get(recipe.input),
        )
        needs = {MODELS: planning.networks.models[Question("target", recipe)][fold]}
        keys.append(planning.book.add(arguments, needs, f"planted truth: {recipe}, fold {fold + 1}"))
    return tuple(keys)
