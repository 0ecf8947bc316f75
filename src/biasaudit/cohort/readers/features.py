"""Feature tables: one row of numbers per subject, such as the volumes and thicknesses that FreeSurfer writes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from biasaudit.cohort.readers.manifest import Manifest, is_missing
from biasaudit.errors import DataError, Fault, gathered, suggestion
from biasaudit.protocol import TableCohort
from biasaudit.records import FloatArray, Grid, Sample, Volume

__all__ = ["feature_columns", "feature_grid", "feature_volume", "with_features"]

_SHOWN = 5


def feature_columns(manifest: Manifest, settings: TableCohort) -> tuple[str, ...]:
    """List the columns that the names and patterns of `cohort.features` match, in the order of the table.

    Raises
    ------
    DataError
        If a name or pattern fits no column, or a column is a label, an origin or an identifier as well.
    """
    columns = [str(name) for name in manifest.frame.columns]
    faults = [
        Fault(f"{manifest.path}:1", f"no column fits the feature {pattern!r}", suggestion(pattern, columns))
        for pattern in settings.features
        if not any(fnmatchcase(name, pattern) for name in columns)
    ]
    chosen = tuple(name for name in columns if any(fnmatchcase(name, pattern) for pattern in settings.features))
    answers = {settings.label.column, settings.subject, settings.split, *settings.origins}
    faults += [
        Fault("cohort.features", f"{name!r} is a feature and an answer at once", "name features that are no answers")
        for name in chosen
        if name in answers
    ]
    if faults:
        raise DataError(faults)
    return chosen


def with_features(
    samples: Sequence[Sample], manifest: Manifest, columns: Sequence[str]
) -> tuple[tuple[Sample, ...], list[str]]:
    """Give every sample its features, scaled by the median and interquartile range of the cohort.

    The change of units (median and interquartile range, without a look at labels or origins) keeps them within the
    precision of the stored inputs; networks standardise by their own training rows.

    Raises
    ------
    DataError
        Cells that are no finite numbers, and columns that do not vary.
    """
    values, faults = _values(manifest, columns)
    centre = np.nanmedian(values, axis=0) if not faults else np.zeros(len(columns))
    spread = np.zeros(len(columns)) if faults else np.subtract(*np.percentile(values, [75, 25], axis=0))
    if not faults:
        # Half of the subjects may share a value, such as a count of 0.
        spread = np.where(spread > 0, spread, values.std(axis=0))
        faults = [
            Fault(f"{manifest.path}:1", f"the feature {name!r} is the same in all rows", "leave it out")
            for name, width in zip(columns, spread, strict=True)
            if not width > 0
        ]
    if faults:
        raise DataError(faults)
    scaled = (values - centre) / spread
    made = tuple(replace(s, features=tuple(row)) for s, row in zip(samples, scaled.tolist(), strict=True))
    listed = ", ".join(columns[:_SHOWN]) + (", ..." if len(columns) > _SHOWN else "")
    return made, [f"{len(columns)} features in place of images: {listed}"]


def feature_grid(cohort_features: int) -> Grid:
    """Make the grid of a feature table: one pixel wide, one pixel high per feature."""
    return Grid((cohort_features, 1))


def feature_volume(sample: Sample) -> Volume:
    """Return one row of features in the shape of a picture, all of it foreground."""
    image = np.asarray(sample.features, dtype=np.float32)[None, :, None]
    return Volume(image, np.ones(image.shape[1:], dtype=np.bool_), np.zeros(image.shape[1:], dtype=np.bool_))


def _values(manifest: Manifest, columns: Sequence[str]) -> tuple[FloatArray, list[Fault]]:
    values = np.full((len(manifest.lines), len(columns)), np.nan)
    wrong: dict[str, list[str]] = {}
    for row in range(len(manifest.lines)):
        for place, name in enumerate(columns):
            cell = manifest.cell(row, name)
            with suppress(ValueError):
                values[row, place] = float(cell)
            if not np.isfinite(values[row, place]):
                what = "is empty" if is_missing(cell) else f"holds {cell!r}, expected a finite number"
                wrong.setdefault(f"feature {name!r} {what}", []).append(manifest.where(row))
    remedy = "fill it in from your own imputation, or leave the row or the column out"
    return values, [fault for message, places in wrong.items() for fault in gathered(places, message, remedy)]
