"""Read what the folds of a network held out back into cohort order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.held_out import HeldOut, in_cohort_order
from biasaudit.engine.situation.contrasts import contrast_logits
from biasaudit.records import FloatArray

__all__ = ["column", "contrast_scores", "layers", "margins_by_seed", "scores_by_seed", "stacked"]


def column(folders: Sequence[Path], name: str, n: int) -> FloatArray:
    """Put an array of every fold into cohort order, NaN where nobody was asked.

    Parameters
    ----------
    folders : sequence of Path
        One per fold.
    name : str
        Of the file, without its suffix.
    n : int
        Images of the cohort.

    Returns
    -------
    float (n, k)
    """
    return in_cohort_order([HeldOut.read(folder, name) for folder in folders], n)


def contrast_scores(folders: Sequence[Path], name: str, rows: Rows) -> FloatArray:
    """Read the margins of a contrast, (n,)."""
    return contrast_logits(column(folders, name, len(rows)), rows.contrast)


def scores_by_seed(folders: Sequence[Path], variant: str, rows: Rows) -> FloatArray | None:
    """Read the margins of a contrast by every network of a fold, (n, seeds); None where a fold has one network."""
    name = f"by-seed-{variant}"
    if not all((folder / f"{name}.npy").exists() for folder in folders):
        return None
    return margins_by_seed(column(folders, name, len(rows)), rows)


def margins_by_seed(values: FloatArray, rows: Rows) -> FloatArray:
    """Reduce the outputs of several networks, (m, outputs, seeds), to the margins of a contrast, (m, seeds)."""
    return np.stack([contrast_logits(values[..., seed], rows.contrast) for seed in range(values.shape[2])], axis=1)


def layers(folders: Sequence[Path], kind: str, rows: Rows) -> dict[str, FloatArray]:
    """Read what was kept of every hidden layer, in cohort order; nothing if no step kept anything."""
    files = sorted(folders[0].glob(f"{kind}-*.npy")) if folders else []
    return {file.stem.removeprefix(f"{kind}-"): column(folders, file.stem, len(rows)) for file in files}


def stacked(folders: Sequence[Path], name: str, rows: Rows) -> HeldOut:
    """Read the margins of some rows of a contrast, the folds one after another."""
    parts = [HeldOut.read(folder, name) for folder in folders]
    margins = [contrast_logits(part.values, rows.contrast) for part in parts]
    return HeldOut(np.concatenate([part.rows for part in parts]), np.concatenate(margins))
