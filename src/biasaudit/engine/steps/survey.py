"""Step `survey`: what the images hold, as far as it changes the plan or belongs in the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.cohort.images.alignment import alignment
from biasaudit.engine.arguments.inputs import READ, SurveyArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.steps.stored_volumes import GreyImages, StoredVolumes
from biasaudit.registry import register

__all__ = ["survey"]

# Less than this share of varying voxels outside the foreground is dust, not a background to learn from.
_BACKGROUND_SHARE = 0.02


@register("step", "survey")
def survey(arguments: SurveyArguments, needs: Folders, folder: Path) -> None:
    """Measure masks, background and alignment, one image at a time.

    Parameters
    ----------
    arguments : SurveyArguments
    needs : Folders
        `READ`: all blocks.
    folder : Path
        Gets ``survey.json``.
    """
    volumes = StoredVolumes(needs[READ], images_only=True)
    images, foregrounds, masks = volumes.image, volumes.foreground, volumes.mask
    report = alignment(GreyImages(volumes), foregrounds, arguments.subjects)
    rows = range(len(images))
    inside = foregrounds if volumes.field is None else volumes.field
    shares = [_background_share(images[row], inside[row]) for row in rows]
    write_json(
        folder / "survey.json",
        {
            "mask_voxels": [int(masks[row].sum()) for row in rows],
            "foreground_voxels": [int(foregrounds[row].sum()) for row in rows],
            "background_share": [round(share, 6) for share in shares],
            "background": bool(np.median(shares) > _BACKGROUND_SHARE),
            "dice": np.round(report.dice, 6).tolist(),
            "correlation": [None if np.isnan(value) else round(float(value), 6) for value in report.correlation],
            "outliers": list(report.outliers),
            "notes": list(report.notes),
        },
    )


def _background_share(image: np.ndarray, inside: np.ndarray) -> float:
    """Share of voxels outside the declared field, or else the foreground, that are not the commonest value there, 0."""
    outside = ~inside
    return float((image[:, outside] != 0).mean()) if outside.any() else 0.0
