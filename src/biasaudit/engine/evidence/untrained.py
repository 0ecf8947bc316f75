"""Evidence `untrained`: the same hidden features in a network with the weights it would start from."""

from __future__ import annotations

from typing import Any

from biasaudit import seeds
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS, UntrainedArguments
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import layers
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_network
from biasaudit.engine.situation.situation import Question, Situation
from biasaudit.records import ArmEvidence
from biasaudit.registry import register

__all__ = ["Untrained"]

UNTRAINED = Role("untrained")


@register("evidence", "untrained")
class Untrained(Columns):
    """Hidden features of the held-out images before training, layer by layer."""

    name = "untrained"
    fields = ("untrained",)

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there is no network to look into."""
        return without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Make an untrained network for every fold and ask it about the rows that the fold holds out."""
        question = Question("target", asked.recipe)
        if not planning.networks.models[question]:
            return Planned()
        return Planned({UNTRAINED: tuple(_scores(planning, question, fold) for fold in planning.outline.folds)})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the features of all folds."""
        return {"untrained": layers(folders.get(UNTRAINED, ()), "features", rows)}


def _scores(planning: Planning, question: Question, fold: int) -> str:
    outline, networks = planning.outline, planning.networks
    inputs = planning.inputs.inputs_of_fold(question.recipe, fold)
    arguments = UntrainedArguments(
        factory=networks.factory(),
        variant=question.variant,
        outputs=networks.outputs,
        seed=seeds.seed(outline.protocol.folds.seed, "untrained", question.recipe, fold),
    )
    what = f"untrained {question}, fold {fold + 1}"
    model = planning.book.add(arguments, {INPUTS: inputs}, what)
    rows = outline.situation.rows(fold, held_out=True)
    needs = {INPUTS: inputs, MODELS: (model,)}
    return networks.add_scores(needs, rows, [question.variant], f"score {what}", features=True)
