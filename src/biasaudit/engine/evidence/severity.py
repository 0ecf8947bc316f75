"""Evidence `severity`: how much pathology is marked in every image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.records import ArmEvidence
from biasaudit.registry import register

__all__ = ["Severity", "VolumeUnit"]

SURVEY = Role("survey")


@dataclass(frozen=True)
class VolumeUnit:
    """Whose masks count, and what one voxel of them is.

    Attributes
    ----------
    marked : tuple of bool
        Whether the pathology of an image is marked, if it has any.
    ill : tuple of bool
        Whether it has any: a healthy subject's mask is none.
    per_voxel : float
        Millilitres of a voxel; 1 for pictures.
    """

    marked: tuple[bool, ...]
    ill: tuple[bool, ...]
    per_voxel: float


@register("evidence", "severity")
class Severity(Columns):
    """Volume of the pathology mask in millilitres, pixels for pictures; NaN where nothing is marked."""

    name = "severity"
    fields = ("severity",)
    free = True

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Take the volumes from the survey of the images."""
        outline, contrast = planning.outline, asked.contrast
        spacing = outline.situation.grid.spacing
        if contrast.name is None:
            marked = (outline.has_masks(contrast),) * len(contrast.positive)
        else:
            marked = outline.erasable_rows
        per_voxel = math.prod(spacing) / 1000.0 if len(spacing) == 3 else 1.0
        return Planned({SURVEY: (outline.survey_job,)}, VolumeUnit(marked, outline.ill, per_voxel))

    def gather(self, about: VolumeUnit, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the mask volumes."""
        voxels = read_json(folders.only(SURVEY) / "survey.json")["mask_voxels"]
        volume = np.where(about.ill, np.asarray(voxels) * about.per_voxel, 0.0)
        return {"severity": np.where(about.marked, volume, np.nan)}
