"""Pictures of the pairs that may be one subject twice (D3), for the report."""

from __future__ import annotations

import numpy as np

from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.records import FloatArray
from biasaudit.run_folder.contract import PAIR_PICTURES

__all__ = ["slice_of", "suspected_pairs", "write_pairs"]

_SHOWN = 6


def write_pairs(run: Run, arm: ArmResult) -> None:
    """Write ``maps/pairs.npz``: the middle slices of both images of the most alike pairs; nothing without pairs."""
    pairs = suspected_pairs(arm)[:_SHOWN]
    if not pairs or run.situation.tabular or not run.plan.reads:
        return
    rows = {sample.subject: row for row, sample in reversed(list(enumerate(run.situation.cohort.samples)))}
    volumes = StoredVolumes([run.store.folder(key) for key in run.plan.reads], images_only=True)
    pictures = {
        f"{place}__{side}": slice_of(volumes[rows[subject]].grey)
        for place, subjects in enumerate(pairs)
        for side, subject in enumerate(subjects)
    }
    path = run.results / PAIR_PICTURES
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **pictures)  # type: ignore[arg-type]


def suspected_pairs(arm: ArmResult) -> list[tuple[str, str]]:
    """Subjects of every pair that D3 names, the most alike first, each pair once."""
    found = [
        pair["subjects"]
        for findings in arm.findings.values()
        for finding in findings
        if finding.code == "D3"
        for pair in finding.details.get("pairs", ())
    ]
    return list(dict.fromkeys((str(first), str(second)) for first, second in found))


def slice_of(image: FloatArray) -> FloatArray:
    """Middle slice of a volume, seen from below, or the picture itself, upright; float16 (height, width).

    Parameters
    ----------
    image : float (*shape)
    """
    if image.ndim == 3:
        image = image[:, :, image.shape[2] // 2].T[::-1]
    return np.asarray(image, dtype=np.float16)
