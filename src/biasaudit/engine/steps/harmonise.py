"""Inputs that are harmonised between origins by the training rows of a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.engine.jobs.stack import Stack
from biasaudit.records import FloatArray, Sample
from biasaudit.registry import get, register
from biasaudit.representations.representation import Harmonising

__all__ = ["COMBAT", "harmonise", "kept_columns"]

COMBAT = "combat"
"""Representation of features that are harmonised between origins."""


@register("step", "harmonise")
def harmonise(arguments: Mapping[str, Any], needs: Mapping[str, Sequence[Path]], folder: Path) -> None:
    """Harmonise the inputs of the whole cohort by the training rows of one fold.

    Parameters
    ----------
    arguments : mapping
        ``representation``, ``training`` (rows), ``origin`` (of every row), ``kept`` (covariates of every row).
    needs : mapping
        ``inputs``: folders of the represented blocks in cohort order.
    folder : Path
        Gets ``original.npy``, one block of all rows.
    """
    inputs = Stack([block / "original.npy" for block in needs["inputs"]])
    representation = get("representation", arguments["representation"])()
    assert isinstance(representation, Harmonising)
    moved = representation.harmonise(
        inputs.take(range(len(inputs))),
        np.array(arguments["training"]),
        np.array(arguments["origin"]),
        np.array(arguments["kept"], dtype=np.float64).reshape(len(inputs), -1),
    )
    np.save(folder / "original.npy", moved.astype(np.float16))


def kept_columns(samples: Sequence[Sample], keep: Sequence[str]) -> FloatArray:
    """Covariates as numbers (samples, columns); a category is a column of 0 and 1 for every level but the first."""
    columns: list[FloatArray] = [np.empty((len(samples), 0))]
    for name in keep:
        values = [sample.covariates[name] for sample in samples]
        if all(isinstance(value, int | float) for value in values):
            columns.append(np.array(values, dtype=np.float64)[:, None])
        else:
            text = np.array([str(value) for value in values])
            columns.append((text[:, None] == np.unique(text)[1:]).astype(np.float64))
    return np.hstack(columns)
