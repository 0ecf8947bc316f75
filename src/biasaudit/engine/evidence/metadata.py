"""Evidence `metadata`: what headers and sidecars say of every image."""

from __future__ import annotations

from typing import Any

import numpy as np

from biasaudit.engine.arguments.data import FileHash, ImageSources, MetadataArguments
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.subjects import Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence, Sample
from biasaudit.registry import register

__all__ = ["Metadata"]

METADATA = Role("metadata")


@register("evidence", "metadata")
class Metadata(Columns):
    """Header and sidecar fields, None where missing."""

    name = "metadata"
    fields = ("metadata",)
    of_everybody = True

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Read headers and sidecars, once for all arms."""
        samples = planning.outline.cohort.samples
        arguments = MetadataArguments(tuple(_sources(planning.outline.situation, sample) for sample in samples))
        return Planned({METADATA: (planning.book.add(arguments, {}, "read headers and sidecars"),)})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the fields as columns of numbers and words."""
        columns = read_json(folders.only(METADATA) / "metadata.json")
        return {"metadata": {name: np.array(values, dtype=object) for name, values in columns.items()}}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Take the fields of a subject's first image."""
        return {"metadata": {name: units.take_first(values) for name, values in evidence.metadata.items()}}


def _sources(situation: Situation, sample: Sample) -> ImageSources:
    """Files that say something about an image beside its pixels, with the hashes of their content."""
    image = sample.images[0] if sample.images else ""
    return ImageSources(
        image=FileHash(image, situation.hashes[image]) if image else None,
        origins=dict(sample.origins),
        sidecars=tuple(FileHash(path, sha256) for path, sha256 in situation.sidecars.get(image, ())),
        colour=situation.pixels(image),
        companions={"brain mask": sample.brain_mask is not None, "tissue maps": bool(sample.tissue)},
    )
