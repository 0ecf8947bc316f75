"""Evidence `features`: pooled outputs of the target's hidden layers."""

from __future__ import annotations

from typing import Any

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.networks import TARGET
from biasaudit.engine.evidence.reading import layers
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.situation.limits import without_network
from biasaudit.engine.situation.situation import Question, Situation
from biasaudit.records import ArmEvidence
from biasaudit.registry import register

__all__ = ["Features"]


@register("evidence", "features")
class Features(Columns):
    """Hidden features of the held-out images, layer by layer; comparable within a fold only."""

    name = "features"
    fields = ("features",)

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is no network to look into."""
        return without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Find the features, which are kept with the target's scores where a check needs them."""
        return Planned({TARGET: planning.networks.scores[Question("target", asked.recipe)]})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the features of all folds."""
        return {"features": layers(folders[TARGET], "features", rows)}
