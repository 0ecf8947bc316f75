"""Held-out scores of a target, one for every row that a fold held out."""

from __future__ import annotations

from biasaudit.engine.jobs.held_out import HeldOut
from biasaudit.engine.results.run import Run
from biasaudit.engine.situation.contrasts import contrast_logits
from biasaudit.engine.situation.situation import Question
from biasaudit.records import Recipe

__all__ = ["held_out_scores"]


def held_out_scores(run: Run, recipe: Recipe) -> dict[int, float]:
    """Score every row by the network that did not see it.

    Parameters
    ----------
    run : Run
    recipe : Recipe
        What the target learned from.

    Returns
    -------
    dict of int to float
        By row of the cohort: the logit, or with more than two classes the log odds of the row's own class, turned for
        the healthy one, so that a high score always speaks for pathology.
    """
    samples = run.situation.cohort.samples
    found: dict[int, float] = {}
    for key in run.plan.scores[Question("target", recipe)]:
        held = HeldOut.read(run.store.folder(key), "logits-original")
        for contrast in run.plan.contrasts:
            values = contrast_logits(held.values, contrast).tolist()
            own = zip(held.rows.tolist(), values, strict=True)
            found |= {row: value for row, value in own if contrast.explains(samples[row].label)}
    return found
