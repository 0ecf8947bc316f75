"""Evidence `masks`: where the pathology lies in the mapped images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.situation.limits import without_network, without_pixels
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence
from biasaudit.registry import register

__all__ = ["Masks"]


@register("evidence", "masks")
class Masks(Columns):
    """The pathology masks of the mapped subjects, voxel by voxel; a check names them after `maps`."""

    name = "masks"
    after = ("maps",)
    free = True

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no places in an image, or no network to explain."""
        return without_pixels(situation) or without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Take the masks from the images as they were read, those that mark pathology."""
        return Planned({READ: planning.outline.reads}, tuple(s.has_mask for s in planning.outline.cohort.samples))

    def gather(self, about: tuple[bool, ...], folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the masks inside the common foreground."""
        if evidence.maps is None:
            return {}
        masks = Stack.of(folders[READ], "mask")
        marked = np.stack([masks[row][evidence.maps.inside] & about[row] for row in evidence.maps.rows.tolist()])
        return {"maps": replace(evidence.maps, mask=marked)}
