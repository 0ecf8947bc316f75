"""Step `quality`: image quality measures of every image on the audit's grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.jobs.stack import Stack
from biasaudit.records import FloatArray
from biasaudit.registry import register
from biasaudit.stats.image_quality import MEASURES, image_quality

__all__ = ["quality"]

Needs = Mapping[str, Sequence[Path]]

_CERTAIN = 0.5
"""Tissue probability from which a voxel belongs to a tissue of the user's maps."""


@register("step", "quality")
def quality(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Measure one image at a time.

    Parameters
    ----------
    arguments : mapping
        ``spacing`` of the grid.
    needs : mapping
        ``read``: all blocks in cohort order.
    folder : Path
        Gets ``quality.npy``, float (samples, channels x measures), and ``columns.json``, their names.
    """
    images = Stack([block / "image.npy" for block in needs["read"]])
    foregrounds = Stack([block / "foreground.npy" for block in needs["read"]])
    given = all((block / "tissue.npy").exists() for block in needs["read"])
    tissue = Stack([block / "tissue.npy" for block in needs["read"]]) if given else None
    spacing = tuple(arguments["spacing"])
    rows = []
    for row in range(len(images)):
        codes = None if tissue is None else _codes(tissue[row][:3])
        rows.append(np.concatenate([image_quality(each, foregrounds[row], spacing, codes) for each in images[row]]))
    np.save(folder / "quality.npy", np.stack(rows))
    channels = images.shape[1]
    ends = [f" (channel {number + 1})" if channels > 1 else "" for number in range(channels)]
    write_json(folder / "columns.json", [f"{name}{end}" for end in ends for name in MEASURES])


def _codes(probabilities: FloatArray) -> np.ndarray:
    """1 GM, 2 WM, 3 CSF where one of them is probable, else 0."""
    certain = probabilities.max(axis=0) > _CERTAIN
    return np.where(certain, probabilities.argmax(axis=0) + 1, 0).astype(np.int8)
