"""Evidence `scores`: what the target answers to the images that it did not see in training."""

from __future__ import annotations

from typing import Any

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.networks import TARGET
from biasaudit.engine.evidence.reading import contrast_scores, scores_by_seed
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.situation.situation import Question
from biasaudit.records import ArmEvidence
from biasaudit.registry import register

__all__ = ["Scores"]


@register("evidence", "scores")
class Scores(Columns):
    """The held-out margin of the target for every image."""

    name = "scores"
    fields = ("logit", "logit_by_seed")
    free = True

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Find the scores of the target, which every audit has."""
        return Planned({TARGET: planning.networks.scores[Question("target", asked.recipe)]})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the scores of all folds."""
        return {
            "logit": contrast_scores(folders[TARGET], "logits-original", rows),
            "logit_by_seed": scores_by_seed(folders[TARGET], "original", rows),
        }
