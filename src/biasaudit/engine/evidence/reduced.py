"""Evidence `reduced`: how well networks do that were trained on inputs without the pathology, or without its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import contrast_scores
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_images, without_pixels
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.situation import Question, Situation, class_of_row
from biasaudit.records import ArmEvidence, Recipe
from biasaudit.registry import register
from biasaudit.vocabulary import SHUFFLED

__all__ = ["Reduced", "ReducedInputs", "reduced_questions"]


@dataclass(frozen=True)
class ReducedInputs:
    """The reduced inputs that were asked, and those that this cohort does not allow.

    Attributes
    ----------
    variants : mapping of input name to str
        Version of the input that was scored.
    skipped : mapping of input name to str
        Why another was not asked.
    """

    variants: Mapping[str, str]
    skipped: Mapping[str, str]


@register("evidence", "reduced")
class Reduced(Columns):
    """Held-out margins of networks that were retrained on a reduced input."""

    name = "reduced"
    fields = ("reduced",)

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no images to reduce."""
        return without_pixels(situation) or without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Train networks on the input with the pathology erased, on what lies outside, and on the intensities alone."""
        outline, needs, variants = planning.outline, {}, {}
        for name, question in reduced_questions(outline, asked.recipe).items():
            planning.inputs.add(question.recipe)
            planning.networks.add_question(question, class_of_row(outline.cohort))
            needs[Role("reduced", name)] = planning.networks.scores[question]
            variants[name] = question.variant
        return Planned(needs, ReducedInputs(variants, dict(_skipped(outline))))

    def gather(self, about: ReducedInputs, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the scores of every reduced input."""
        scores = {
            name: contrast_scores(folders[Role("reduced", name)], f"logits-{variant}", rows)
            for name, variant in about.variants.items()
        }
        return {"reduced": scores, "reduced_skipped": about.skipped}


def reduced_questions(outline: Outline, recipe: Recipe) -> dict[str, Question]:
    """Return what is asked of reduced inputs, by the name of the input."""
    if not outline.cohort.channels or outline.situation.tabular:
        return {}
    outside = "background" if outline.survey.background else "silhouette"
    erased = {"erased": Question("target", recipe.unbalanced, "erased")} if outline.masks_given else {}
    return {
        **(erased if outline.erasable(recipe) else {}),
        outside: Question("target", Recipe(outside)),
        SHUFFLED: Question("target", Recipe(SHUFFLED), "erased" if outline.masks_given else "original"),
    }


def _skipped(outline: Outline) -> Iterator[tuple[str, str]]:
    """Name the reduced inputs that this cohort does not allow, and why."""
    if not outline.masks_given:
        yield "erased", _why_not_erased(outline.marked)
    if not outline.survey.background:
        yield "background", "the images are empty outside the brain; the silhouette is asked instead"


def _why_not_erased(marked: Sequence[str]) -> str:
    if marked:
        return f"pathology masks for {', '.join(marked)} only: what is not marked would be left in the other classes"
    return "no pathology masks: nothing can be erased"
