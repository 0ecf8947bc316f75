"""Step `harmonise`: network inputs that are harmonised between origins, learnt from the training rows of a fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.engine.arguments.inputs import INPUTS, HarmoniseArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack, save_stack
from biasaudit.registry import get, register
from biasaudit.representations.representation import Harmonising

__all__ = ["harmonise"]


@register("step", "harmonise")
def harmonise(arguments: HarmoniseArguments, needs: Folders, folder: Path) -> None:
    """Harmonise the inputs of the whole cohort by the training rows of one fold.

    Parameters
    ----------
    arguments : HarmoniseArguments
    needs : Folders
        `INPUTS`: all blocks.
    folder : Path
        Gets ``original.npz``, one block of all rows.
    """
    inputs = Stack.of(needs[INPUTS], "original")
    representation = get("representation", arguments.representation)()
    assert isinstance(representation, Harmonising)
    moved = representation.harmonise(
        inputs.take(range(len(inputs))),
        np.array(arguments.training),
        np.array(arguments.origin),
        np.array(arguments.kept, dtype=np.float64).reshape(len(inputs), -1),
    )
    save_stack(folder / "original.npz", moved.astype(np.float16))
