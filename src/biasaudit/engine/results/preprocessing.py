"""Tabulate how images were prepared, origin by origin: a difference in preparation is a signature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.foreground import RULES
from biasaudit.cohort.images.inspection import foreground_rule_of
from biasaudit.cohort.images.resampling import is_identity, is_smoothed, picture_transform, volume_transform
from biasaudit.records import Cohort, Grid

__all__ = ["QUANTITIES", "preprocessing_table"]

QUANTITIES = ("shape", "spacing", "orientation", "resampled", "foreground", "smallest value", "largest value")
"""What is listed of every image: of its first channel, as stored, and how it came onto the common grid."""

_COLUMNS = ("factor", "origin", "quantity", "value", "images")


def preprocessing_table(cohort: Cohort, grid: Grid, facts: Mapping[str, FileFacts], foreground: str) -> pd.DataFrame:
    """List how the images of every origin came onto the common grid.

    Parameters
    ----------
    cohort : Cohort
    grid : Grid
    facts : mapping of path to FileFacts
    foreground : {"auto", "nonzero", "threshold", "centre"}

    Returns
    -------
    DataFrame
        factor, origin, quantity (`QUANTITIES`), value, images (that have the value). Of intensities the median over
        images. No rows where there are no files.
    """
    samples = [sample for sample in cohort.samples if sample.images]
    described = [
        {**_described(facts[s.images[0]], grid), "foreground": RULES[foreground_rule_of(s, facts, foreground)]}
        for s in samples
    ]
    rows: list[dict[str, Any]] = []
    for factor in cohort.factors:
        origins = [sample.origins[factor] for sample in samples]
        for origin in sorted(set(origins)):
            own = [row for row, other in zip(described, origins, strict=True) if other == origin]
            rows += [{"factor": factor, "origin": origin, **line} for line in _lines(own)]
    return pd.DataFrame(rows, columns=pd.Index(_COLUMNS))


def _described(fact: FileFacts, grid: Grid) -> dict[str, str | float]:
    return {
        "shape": _by(fact.shape[:3]),
        "spacing": _by(round(size, 2) for size in fact.spacing),
        "orientation": fact.orientation,
        "resampled": _resampled(fact, grid),
        "smallest value": fact.minimum,
        "largest value": fact.maximum,
    }


def _resampled(fact: FileFacts, grid: Grid) -> str:
    shape = fact.shape[:3]
    if fact.affine is None or grid.affine is None:
        transform = picture_transform(shape, grid.shape)
    else:
        transform = volume_transform(np.asarray(fact.affine), np.asarray(grid.affine))
    if is_identity(transform, shape, grid.shape):
        return "no"
    return "smoothed and interpolated" if is_smoothed(transform) else "interpolated"


def _lines(described: Sequence[Mapping[str, str | float]]) -> list[dict[str, Any]]:
    lines = []
    for quantity in QUANTITIES:
        values = [own[quantity] for own in described]
        if isinstance(values[0], float):
            median = np.median(np.asarray(values, dtype=float))
            lines.append({"quantity": quantity, "value": f"{median:.4g}", "images": len(values)})
        else:
            counts = Counter(value for value in values if value).most_common()
            lines += [{"quantity": quantity, "value": value, "images": count} for value, count in counts]
    return lines


def _by(numbers: Any) -> str:
    return " x ".join(f"{number:g}" for number in numbers)
