"""Evidence `erased`: what the target answers when the marked pathology is erased."""

from __future__ import annotations

from typing import Any

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.networks import TARGET
from biasaudit.engine.evidence.reading import contrast_scores, scores_by_seed
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.situation.limits import without_network, without_pixels
from biasaudit.engine.situation.situation import Question, Situation
from biasaudit.records import ArmEvidence
from biasaudit.registry import register

__all__ = ["Erased"]


@register("evidence", "erased")
class Erased(Columns):
    """The held-out margin after erasure: of a patient's own mask, and of an exchanged one in the healthy."""

    name = "erased"
    fields = ("logit_erased", "logit_erased_by_seed")
    free = True

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no pixels to edit, or no network to score the edited image."""
        return without_pixels(situation) or without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Find the scores of the erased images, which are scored with the others where there are masks."""
        if not planning.outline.erasable(asked.recipe):
            return Planned()
        return Planned({TARGET: planning.networks.scores[Question("target", asked.recipe)]})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the scores of all folds; nothing where nothing could be erased."""
        scored = folders.get(TARGET, ())
        if not scored or not (scored[0] / "logits-erased.npy").exists():
            return {}
        return {
            "logit_erased": contrast_scores(scored, "logits-erased", rows),
            "logit_erased_by_seed": scores_by_seed(scored, "erased", rows),
        }
