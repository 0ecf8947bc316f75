"""Evidence `twins`: pairs of images that are alike as only images of one subject are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from biasaudit.engine.arguments.data import LeakageArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.subjects import Kept, Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.situation.limits import without_images
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence, Twin
from biasaudit.registry import register

__all__ = ["Twins"]

LEAKAGE = Role("leakage")


@register("evidence", "twins")
class Twins(Columns):
    """Candidates for duplicated subjects, and how much alike they are."""

    name = "twins"
    settings = ("leakage",)
    of_everybody = True

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no images to compare."""
        return without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Compare every image with every other, once for all arms."""
        situation, samples = planning.outline.situation, planning.outline.cohort.samples
        arguments = LeakageArguments(
            hashes=tuple(tuple(situation.hashes[path] for path in sample.images) for sample in samples),
            origins=tuple(sample.origins[situation.cohort.factors[0]] for sample in samples),
            tabular=situation.tabular,
        )
        return Planned({LEAKAGE: (planning.book.add(arguments, {READ: planning.outline.reads}, "compare images"),)})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the pairs."""
        return {"twins": tuple(Twin(**record) for record in read_json(folders.only(LEAKAGE) / "twins.json"))}

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Keep every pair: a subject both trained on and held out is what is looked for."""
        return {}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Keep the most similar pair of images for each pair of subjects."""
        most: dict[tuple[int, int], Twin] = {}
        for twin in evidence.twins or ():
            one, other = sorted((int(units.of_row[twin.first]), int(units.of_row[twin.second])))
            known = most.get((one, other))
            if one != other and (known is None or twin.height > known.height):
                most[one, other] = replace(twin, first=one, second=other)
        return {} if evidence.twins is None else {"twins": tuple(most.values())}
