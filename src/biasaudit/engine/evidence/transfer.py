"""Evidence `transfer`: what the target answers to images that carry the signature of the other class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from biasaudit.cohort.split import SEEN
from biasaudit.engine.arguments.edits import SignatureTransferArguments, models_of_fold
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.subjects import Kept, Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_network, without_pixels
from biasaudit.engine.situation.situation import Situation, regime_of
from biasaudit.records import ArmEvidence, SignatureTransfer
from biasaudit.registry import register

__all__ = ["Transfer"]

TRANSFER = Role("transfer")


@dataclass(frozen=True)
class KindOfImage:
    """Whether the images are pictures, of which the check has no vote."""

    pictures: bool


@register("evidence", "transfer")
class Transfer(Columns):
    """Held-out margins of edited images and of a sham, and what the edit did to low-level statistics."""

    name = "transfer"

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no pixels to edit, or no network to score the edited image."""
        return without_pixels(situation) or without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Impose the signatures where labels and erasure cannot answer, or where the protocol names the check."""
        outline = planning.outline
        if not outline.transfers or outline.shows_own_maps(asked.recipe):
            return Planned()
        regimes = {regime_of(outline.cohort, factor, asked.contrast) for factor in outline.cohort.factors}
        if not {"nested", "aliased"} & regimes:
            return Planned()
        return Planned({TRANSFER: (_job(planning, asked),)}, KindOfImage(outline.cohort.dimensions == 2))

    def gather(self, about: KindOfImage, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the margins and statistics; nothing where no signature was imposed."""
        if TRANSFER not in folders:
            return {}
        margins = np.load(folders.only(TRANSFER) / "margins.npy")
        traits = np.load(folders.only(TRANSFER) / "traits.npy")
        return {"transfer": SignatureTransfer(margins[:, 0], margins[:, 1], traits, about.pictures)}

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Take the rows that are kept."""
        return _changed(evidence, kept.take)

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject."""
        return _changed(evidence, units.mean)


def _changed(evidence: ArmEvidence, change: Any) -> Fields:
    own = evidence.transfer
    if own is None:
        return {}
    statistics = np.stack([change(values) for values in own.statistics])
    return {"transfer": SignatureTransfer(change(own.edited), change(own.sham), statistics, own.pictures)}


def _job(planning: Planning, asked: Asked) -> str:
    outline, contrast = planning.outline, asked.contrast
    situation, name = outline.situation, asked.recipe.input
    arguments = SignatureTransferArguments(
        sides=tuple(int(positive) for positive in contrast.positive),
        folds=tuple(situation.folds),
        representation=name,
        grid=situation.grid,
        seed=outline.protocol.folds.seed,
        own=situation.own_inputs.get(name),
    )
    models = planning.networks.explained(asked.recipe, contrast)
    needs = {READ: outline.reads} | {models_of_fold(fold): keys for fold, keys in enumerate(models)}
    if SEEN in situation.folds:
        # What the network has seen helps to know the signatures; its scores are dropped when judged.
        needs[models_of_fold(SEEN)] = models[0]
    title = f"transfer signatures: {asked.recipe}" + (f", {contrast.name}" if contrast.name else "")
    return planning.book.add(arguments, needs, title)
