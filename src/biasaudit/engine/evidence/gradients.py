"""Evidence `gradients`: how the target's logit answers to a shift of each hidden channel."""

from __future__ import annotations

from typing import Any

from biasaudit.engine.arguments.hidden_layers import LayerGradientsArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import layers
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_network
from biasaudit.engine.situation.situation import Question, Situation
from biasaudit.records import ArmEvidence
from biasaudit.registry import register

__all__ = ["Gradients"]

GRADIENTS = Role("gradients")


@register("evidence", "gradients")
class Gradients(Columns):
    """Derivative of the held-out margin to a shift of each channel, layer by layer."""

    name = "gradients"
    fields = ("gradients",)

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is no network to look into."""
        return without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Differentiate the first network of every fold at the rows that the fold holds out."""
        if not planning.networks.models[Question("target", asked.recipe)]:
            return Planned()
        models = planning.networks.explained(asked.recipe, asked.contrast)
        keys = (_gradients(planning, asked, fold, own[0]) for fold, own in enumerate(models))
        return Planned({GRADIENTS: tuple(keys)})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the derivatives of all folds."""
        return {"gradients": layers(folders.get(GRADIENTS, ()), "gradients", rows)}


def _gradients(planning: Planning, asked: Asked, fold: int, model: str) -> str:
    target, question = planning.outline.protocol.target, Question("target", asked.recipe)
    arguments = LayerGradientsArguments(
        rows=tuple(planning.outline.situation.rows(fold, held_out=True)),
        variant=question.variant,
        layers=None if target.layers is None else tuple(target.layers),
        batch_size=target.training.batch_size,
    )
    needs = {INPUTS: planning.inputs.inputs_of_fold(asked.recipe, fold), MODELS: (model,)}
    what = f", {asked.contrast.name}" if asked.contrast.name else ""
    return planning.book.add(arguments, needs, f"slopes of hidden layers: {question}{what}, fold {fold + 1}")
