"""Step `given_scores`: take the held-out scores that the user gives in place of a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.engine.arguments.networks import GivenScoresArguments
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.registry import register

__all__ = ["given_scores"]


@register("step", "given_scores")
def given_scores(arguments: GivenScoresArguments, needs: Folders, folder: Path) -> None:
    """Write the held-out scores of one fold as a network would have given them.

    Parameters
    ----------
    arguments : GivenScoresArguments
    needs : Folders
        Nothing.
    folder : Path
        Gets ``logits-original.npy``, float64 (rows, outputs), and ``rows.npy``.
    """
    np.save(folder / "logits-original.npy", np.asarray(arguments.logits, dtype=np.float64))
    write_rows(folder, arguments.rows)
