"""Feature tables: one row of numbers per subject, such as the volumes and thicknesses that FreeSurfer writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from biasaudit.cohort.readers.cells import Numbers, is_missing, quoted_few, read_numbers, with_commas
from biasaudit.cohort.readers.manifest import Manifest
from biasaudit.errors import DataError, Fault, gathered, suggestion
from biasaudit.protocol import TableCohort
from biasaudit.records import FloatArray, Grid, Sample, Volume
from biasaudit.stats.effects import auc_many

__all__ = ["feature_columns", "feature_grid", "feature_spread", "feature_volume", "with_features"]

_SHOWN = 5
_TELLING, _FEWEST = 0.49, 10
"""Distance of an AUC from one half from which a feature is named, and subjects of each class that this takes."""
_FEW_COLUMNS = 3
_AMBIGUOUS = "has commas and points that can be read in two ways"
_NO_NUMBER = "holds no finite number"


def feature_columns(manifest: Manifest, settings: TableCohort) -> tuple[str, ...]:
    """List the columns that the names and patterns of `cohort.features` match, in the order of the table.

    Raises
    ------
    DataError
        If a name or pattern fits no column, or a column is a label, an origin or an identifier as well.
    """
    columns = [str(name) for name in manifest.frame.columns]
    fitting = {pattern: _fitting(pattern, columns) for pattern in settings.feature_names}
    faults = [
        Fault(f"{manifest.path}:1", f"no column fits the feature {pattern!r}", suggestion(pattern, columns))
        for pattern, names in fitting.items()
        if not names
    ]
    wanted = {name for names in fitting.values() for name in names}
    chosen = tuple(name for name in columns if name in wanted)
    answers = {*settings.key, settings.label.column, settings.subject, settings.split, *settings.origins}
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
    values, faults, notes = _values(manifest, columns)
    spread = np.ones(len(columns)) if faults else feature_spread(values)
    faults += [
        Fault(f"{manifest.path}:1", f"the feature {name!r} is the same in all rows", "leave it out")
        for name, width in zip(columns, spread, strict=True)
        if not width > 0
    ]
    if faults:
        raise DataError(faults)
    scaled = (values - np.median(values, axis=0)) / spread
    made = tuple(replace(s, features=tuple(row)) for s, row in zip(samples, scaled.tolist(), strict=True))
    listed = ", ".join(columns[:_SHOWN]) + (", ..." if len(columns) > _SHOWN else "")
    told = _telling_notes(scaled, [sample.positive for sample in samples], columns)
    return made, [f"{len(columns)} features in place of images: {listed}", *notes, *told]


def feature_spread(values: FloatArray) -> FloatArray:
    """Interquartile range of every column (n, d), or the standard deviation where half of the rows share a value."""
    quartiles = np.subtract(*np.percentile(values, [75, 25], axis=0))
    return np.asarray(np.where(quartiles > 0, quartiles, values.std(axis=0)))


def _telling_notes(values: FloatArray, positive: Sequence[bool], columns: Sequence[str]) -> list[str]:
    """Name features that tell the classes apart by themselves, such as a clinical score of the diagnosis itself."""
    if min(sum(positive), len(positive) - sum(positive)) < _FEWEST:
        return []
    areas = auc_many(values.T, positive)
    telling = [name for name, area in zip(columns, areas, strict=True) if abs(area - 0.5) >= _TELLING]
    if not telling:
        return []
    what = "tells" if len(telling) == 1 else "tell, each alone,"
    return [
        f"{quoted_few(telling)} {what} the classes apart (AUC {0.5 + _TELLING:.2f} or more): a score of the diagnosis "
        "itself is no feature, leave it out"
    ]


def feature_grid(cohort_features: int) -> Grid:
    """Make the grid of a feature table: one pixel wide, one pixel high per feature."""
    return Grid((cohort_features, 1))


def feature_volume(sample: Sample) -> Volume:
    """Return one row of features in the shape of a picture, all of it foreground."""
    image = np.asarray(sample.features, dtype=np.float32)[None, :, None]
    return Volume(image, np.ones(image.shape[1:], dtype=np.bool_), np.zeros(image.shape[1:], dtype=np.bool_))


def _fitting(pattern: str, columns: Sequence[str]) -> list[str]:
    """List the columns of that very name; else those that fit the pattern, with brackets as they stand if any does."""
    if pattern in columns:
        return [pattern]
    literal = pattern.replace("[", "[[]")
    return [name for name in columns if fnmatchcase(name, literal)] or [
        name for name in columns if fnmatchcase(name, pattern)
    ]


def _values(manifest: Manifest, columns: Sequence[str]) -> tuple[FloatArray, list[Fault], list[str]]:
    values = np.full((len(manifest.lines), len(columns)), np.nan)
    wrong: dict[str, dict[str, list[int]]] = {}
    commas = []
    for place, name in enumerate(columns):
        cells = manifest.column(name)
        numbers = read_numbers(cells, commas=name in manifest.comma_columns)
        values[:, place] = [np.nan if value is None else value for value in numbers.values]
        commas += [name] if numbers.marks else []
        for what, rows in _wrong_rows(cells, numbers).items():
            wrong.setdefault(what, {})[name] = rows
    faults = [fault for what, named in wrong.items() for fault in _cell_faults(manifest, what, named)]
    notes = [f"features with decimal commas or marks between thousands: {quoted_few(commas)}"] if commas else []
    return values, faults, notes


def _wrong_rows(cells: Sequence[str], numbers: Numbers) -> dict[str, list[int]]:
    """List the rows of a column that hold no number, by what is wrong with them."""
    if None not in numbers.values:
        return {}
    empty = [row for row, cell in enumerate(cells) if is_missing(cell)]
    what = _AMBIGUOUS if numbers.ambiguous else _NO_NUMBER
    found = {"is empty": empty, what: list(numbers.wrong), "stands for a missing value": list(numbers.codes)}
    return {name: rows for name, rows in found.items() if rows}


def _cell_faults(manifest: Manifest, what: str, named: Mapping[str, Sequence[int]]) -> list[Fault]:
    """Make one fault per column, or one in all where many columns have the same."""
    remedy = "fill it in from your own imputation, or leave the row or the column out"
    if what == _AMBIGUOUS:
        remedy = "write numbers with a decimal point and nothing between thousands"
    if len(named) > _FEW_COLUMNS:
        rows = sorted({row for rows in named.values() for row in rows})
        message = f"{len(named)} features ({quoted_few(list(named))}): each {what} in some rows"
        return gathered([manifest.where(row, next(iter(named))) for row in rows], message, remedy)
    return [
        fault
        for name, rows in named.items()
        for fault in gathered(
            [manifest.where(row, name) for row in rows], _column_message(manifest, name, what, rows), remedy
        )
    ]


def _column_message(manifest: Manifest, name: str, what: str, rows: Sequence[int]) -> str:
    cells = [cell for row in rows if (cell := manifest.cell(row, name)) not in ("", "n/a")]
    shown = quoted_few(with_commas(cells) if what == _AMBIGUOUS else cells)
    if what == _NO_NUMBER:
        return f"feature {name!r} holds {shown}, expected a finite number"
    return f"feature {name!r} {what}" + (f" ({shown})" if shown else "")
