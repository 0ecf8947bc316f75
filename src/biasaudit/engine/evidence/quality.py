"""Evidence `quality`: image quality measures of every image."""

from __future__ import annotations

from typing import Any

import numpy as np

from biasaudit.engine.arguments.data import QualityArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.subjects import Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.situation.limits import without_images, without_pixels
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence, FloatArray
from biasaudit.registry import register
from biasaudit.stats.colour import COLOUR_MEASURES

__all__ = ["Quality"]

QUALITY = Role("quality")


@register("evidence", "quality")
class Quality(Columns):
    """Quality measures on the audit's grid, NaN where a measure has no meaning."""

    name = "quality"
    fields = ("quality",)
    of_everybody = True

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no images to measure."""
        return without_pixels(situation) or without_images(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Measure the images, once for all arms."""
        outline = planning.outline
        arguments = QualityArguments(tuple(outline.situation.grid.spacing), _colours(outline.situation))
        return Planned({QUALITY: (planning.book.add(arguments, {READ: outline.reads}, "measure quality"),)})

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the measures, one column each."""
        folder = folders.only(QUALITY)
        names, values = read_json(folder / "columns.json"), np.load(folder / "quality.npy")
        return {"quality": dict(zip(names, values.T, strict=True))}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average what is known of a subject's images."""
        count = range(len(units.first))
        return {
            "quality": {
                name: np.array([_mean_of_known(values[units.of_row == unit]) for unit in count])
                for name, values in evidence.quality.items()
            }
        }


def _colours(situation: Situation) -> dict[str, tuple[float, ...]]:
    """Measures of the colour of the files, whether they are read in colour or not; those of grey ones are all 0."""
    samples = situation.cohort.samples
    columns = range(len(samples[0].images))
    found: dict[str, tuple[float, ...]] = {}
    for column in columns:
        own = [situation.colours.get(sample.images[column], ()) for sample in samples]
        if any(any(measures) for measures in own):
            end = f" (image {column + 1})" if len(columns) > 1 else ""
            values = zip(*own, strict=True)
            found |= {f"{name}{end}": value for name, value in zip(COLOUR_MEASURES, values, strict=True)}
    return found


def _mean_of_known(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
