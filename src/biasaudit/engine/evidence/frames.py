"""Evidence `frames`: what the target answers when the frame of an image is another's, or all that is left of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from biasaudit.engine.arguments.edits import FramesArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import column
from biasaudit.engine.evidence.subjects import Kept, Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.limits import without_network, without_pixels
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence, FrameEdits
from biasaudit.registry import register

__all__ = ["Frames"]

FRAMES = Role("frames")


@register("evidence", "frames")
class Frames(Columns):
    """Held-out margins with the frames of other images, and of frames whose field is blank."""

    name = "frames"

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no pixels to edit, or no network to score the edited image."""
        return without_pixels(situation) or without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Edit the images of every fold where a field is declared and the input is made from the image."""
        outline = planning.outline
        if outline.protocol.cohort.field is None or outline.shows_own_maps(asked.recipe):
            return Planned()
        return Planned({FRAMES: tuple(_job(planning, asked, fold) for fold in outline.folds)})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the margins of all folds; nothing where no field was declared."""
        if FRAMES not in folders:
            return {}
        donors, transplanted, blanked = (
            column(folders[FRAMES], name, len(rows)) for name in ("donors", "transplanted", "blanked")
        )
        return {"frames": FrameEdits(np.nan_to_num(donors, nan=-1).astype(np.intp), transplanted, blanked)}

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Take the rows that are kept; their donors are kept with them, being of the same fold."""
        own = evidence.frames
        if own is None:
            return {}
        donors = kept.take(own.donors)
        donors = np.where(donors < 0, -1, kept.places(donors))
        return {"frames": FrameEdits(donors, kept.take(own.transplanted), kept.take(own.blanked))}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject, which have the same donors."""
        own = evidence.frames
        if own is None:
            return {}
        donors = units.take_first(own.donors)
        donors = np.where(donors < 0, -1, units.of_row[donors])
        means = {name: units.mean(getattr(own, name)) for name in ("transplanted", "blanked")}
        return {"frames": replace(own, donors=donors, **means)}


def _job(planning: Planning, asked: Asked, fold: int) -> str:
    outline, contrast = planning.outline, asked.contrast
    situation, name = outline.situation, asked.recipe.input
    rows = tuple(situation.rows(fold, held_out=True))
    arguments = FramesArguments(
        rows=rows,
        sides=tuple(int(contrast.positive[row]) for row in rows),
        subjects=tuple(outline.cohort.samples[row].subject for row in rows),
        representation=name,
        grid=situation.grid,
        seed=outline.protocol.folds.seed,
        own=situation.own_inputs.get(name),
    )
    needs = {READ: outline.reads, MODELS: planning.networks.explained(asked.recipe, contrast)[fold]}
    title = f"exchange frames: {asked.recipe}, fold {fold + 1}" + (f", {contrast.name}" if contrast.name else "")
    return planning.book.add(arguments, needs, title)
