"""Step `quality`: image quality measures of every image on the audit's grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.engine.arguments.data import QualityArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.records import FloatArray, Volume, luminance
from biasaudit.registry import register
from biasaudit.stats.image_quality import MEASURES, image_quality
from biasaudit.stats.strata import Floats

__all__ = ["quality"]

_CERTAIN = 0.5
"""Tissue probability from which a voxel belongs to a tissue of the user's maps."""


@register("step", "quality")
def quality(arguments: QualityArguments, needs: Folders, folder: Path) -> None:
    """Measure one image at a time.

    Parameters
    ----------
    arguments : QualityArguments
    needs : Folders
        `READ`: all blocks.
    folder : Path
        Gets ``quality.npy``, float (samples, channels x measures and measures of colour), and ``columns.json``, their
        names.
    """
    volumes = StoredVolumes(needs[READ])
    rows = []
    for volume in volumes:
        codes = None if volume.tissue is None else _codes(volume.tissue[:3])
        measured = [image_quality(own, volume.foreground, arguments.spacing, codes) for own in _pictures(volume)]
        rows.append(np.concatenate(measured))
    channels = len(rows[0]) // len(MEASURES)
    ends = [f" (channel {number + 1})" if channels > 1 else "" for number in range(channels)]
    colours = list(arguments.colours.values())
    np.save(folder / "quality.npy", np.column_stack([np.stack(rows), *colours]))
    names = [f"{name}{end}" for end in ends for name in MEASURES]
    write_json(folder / "columns.json", [*names, *arguments.colours])


def _pictures(volume: Volume) -> list[Floats]:
    """Every channel, but of a picture in colour its luminance."""
    parts = [volume.image[picture] for picture in volume.pictures]
    return [np.asarray(part[0] if len(part) == 1 else luminance(part), dtype=np.float64) for part in parts]


def _codes(probabilities: FloatArray) -> np.ndarray:
    """1 GM, 2 WM, 3 CSF where one of them is probable, else 0."""
    certain = probabilities.max(axis=0) > _CERTAIN
    return np.where(certain, probabilities.argmax(axis=0) + 1, 0).astype(np.int8)
