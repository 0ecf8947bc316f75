"""Name the representation that harmonises between origins, and the covariates that it keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biasaudit.records import FloatArray, Sample

__all__ = ["COMBAT", "kept_columns"]

COMBAT = "combat"
"""Representation of features that are harmonised between origins."""


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
