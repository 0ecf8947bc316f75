"""Cohorts listed in a CSV or TSV manifest."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from biasaudit.cohort.images.formats import dimensions_of
from biasaudit.cohort.images.volumes import choose_grid, load_volume
from biasaudit.cohort.readers.bids_names import with_subjects_of_names
from biasaudit.cohort.readers.features import feature_columns, feature_grid, feature_volume, with_features
from biasaudit.cohort.readers.labels import (
    Classes,
    assign_classes,
    parse_covariates,
    subject_faults,
    with_pooled_origins,
)
from biasaudit.cohort.readers.manifest import Manifest, missing_columns, read_manifest
from biasaudit.cohort.readers.marks import is_marked, with_usable_masks
from biasaudit.cohort.readers.predictions import with_scores
from biasaudit.cohort.readers.selection import select_rows
from biasaudit.errors import DataError, Fault, gathered
from biasaudit.protocol import CohortSettings, GridSettings, TableCohort
from biasaudit.records import Cohort, Grid, Sample, Volume
from biasaudit.registry import register

__all__ = ["TableReader"]

_MASK_COLUMN = "mask"
_EMPTY = ("", "n/a")


@register("reader", "table")
class TableReader:
    """One row per image: paths, subject, label, origins, covariates, masks."""

    settings: ClassVar[type[CohortSettings]] = TableCohort

    def read(self, settings: TableCohort, *, labelled: bool = True) -> Cohort:
        """Read and check the table; no image is opened.

        Parameters
        ----------
        settings : TableCohort
            Paths in the table are relative to its folder.
        labelled : bool
            False for new images to predict: columns of labels, origins, covariates and masks may be absent or empty,
            and origins are not pooled.

        Raises
        ------
        DataError
            Every fault at once, each with its line.
        """
        manifest = read_manifest(settings.table, settings.limits)
        columns = _Columns.of(settings, manifest, labelled)
        faults = missing_columns(manifest, columns.required)
        if faults:
            raise DataError(faults)
        manifest, notes = _selected(manifest, settings)
        faults = _empty_cells(manifest, columns, labelled)
        classes = _classes(manifest, settings, labelled)
        samples = _samples(manifest, columns, classes)
        if not settings.scored:  # whose tables of scores name the same cells
            samples, name_notes = with_subjects_of_names(samples, settings.subject)
            notes += name_notes
        faults += [*classes.faults, *subject_faults(samples)]
        if faults:
            raise DataError(faults)
        if settings.scored and labelled:
            samples, score_notes = with_scores(samples, manifest, settings, classes.names)
            notes += score_notes
        features = feature_columns(manifest, settings) if settings.features else ()
        if features:
            samples, feature_notes = with_features(samples, manifest, features)
            notes += feature_notes
        samples, mask_notes = with_usable_masks(samples, settings, labelled=labelled)
        notes += [*classes.notes, *columns.notes, *mask_notes, *_repeats(samples)]
        pooled = with_pooled_origins(samples, settings.origins, settings.min_origin_size if labelled else 1)
        notes += pooled.notes
        return Cohort(
            samples=pooled.samples,
            classes=classes.names,
            factors=tuple(settings.origins),
            dimensions=_dimensions(samples[0]),
            channels=1 if settings.features else len(samples[0].images),
            notes=tuple(notes),
            features=features,
            pooled=pooled.names,
        )

    def grid(self, cohort: Cohort, settings: GridSettings) -> Grid:
        """Choose the common grid of the images (`volumes.choose_grid`); an empty one where there are none."""
        if cohort.samples[0].features:
            return feature_grid(len(cohort.samples[0].features))
        if not cohort.channels:
            return Grid(())
        return choose_grid(cohort, settings)

    def load(self, sample: Sample, grid: Grid, foreground: str) -> Volume:
        """Read one sample onto the common grid (`volumes.load_volume`)."""
        return feature_volume(sample) if sample.features else load_volume(sample, grid, foreground)


@dataclass(frozen=True)
class _Columns:
    """Columns that the settings name, and those of them that the table must have."""

    settings: TableCohort
    images: tuple[str, ...]
    mask: str | None
    covariates: tuple[str, ...]
    required: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, settings: TableCohort, manifest: Manifest, labelled: bool) -> _Columns:
        present = set(manifest.frame.columns)
        mask, notes = settings.mask, []
        if mask is None and _MASK_COLUMN in present:
            mask = _MASK_COLUMN
            notes.append(f"pathology masks are taken from the column {_MASK_COLUMN!r}")
        # Where scores are given images may be left out, but not some of their channels.
        without = settings.scored and labelled and not present & set(settings.image)
        images = () if without or settings.features else tuple(settings.image)
        inputs = [*images, settings.subject, settings.brain_mask, *settings.tissue, *settings.maps]
        field = None if settings.field is None else settings.field.column
        answers = [settings.label.column, *settings.origins, mask, field, settings.split, *settings.covariates]
        required = [name for name in (inputs + answers if labelled else inputs) if name is not None]
        covariates = tuple(name for name in settings.covariates if name in present)
        return cls(settings, images, mask, covariates, tuple(required), tuple(notes))


def _selected(manifest: Manifest, settings: TableCohort) -> tuple[Manifest, list[str]]:
    if settings.select is None:
        return manifest, []
    selected = select_rows(manifest.frame, settings.select, f"{manifest.path}: select")
    if not selected.any():
        remedy = "check the values it compares with"
        raise DataError([Fault(f"{manifest.path}: select", f"{settings.select!r} keeps no row", remedy)])
    note = f"select {settings.select!r} leaves out {int((~selected).sum())} of {len(selected)} rows"
    lines = tuple(manifest.lines[row] for row in np.flatnonzero(selected))
    return Manifest(manifest.path, manifest.frame[selected].reset_index(drop=True), lines), [note]


def _empty_cells(manifest: Manifest, columns: _Columns, labelled: bool) -> list[Fault]:
    settings = columns.settings
    files = [*columns.images, *settings.tissue, *settings.maps]
    field = [settings.field.column] if labelled and settings.field and settings.field.column else []
    names = [*files, *field, settings.subject, *(settings.origins if labelled else ())]
    empty = {
        name: [manifest.where(row) for row in range(len(manifest.lines)) if manifest.cell(row, name) in _EMPTY]
        for name in names
    }
    remedy = "fill it in or leave the row out"
    return [f for name, places in empty.items() for f in gathered(places, f"column {name!r} is empty", remedy)]


def _classes(manifest: Manifest, settings: TableCohort, labelled: bool) -> Classes:
    rows = range(len(manifest.lines))
    cells = [manifest.cell(row, settings.label.column) for row in rows]
    values = ["" if cell in _EMPTY else cell for cell in cells]
    return assign_classes(values, [manifest.where(row) for row in rows], settings.label, labelled=labelled)


def _samples(manifest: Manifest, columns: _Columns, classes: Classes) -> tuple[Sample, ...]:
    covariates = parse_covariates({name: list(manifest.frame[name]) for name in columns.covariates})
    return tuple(
        _sample(manifest, row, columns, classes, covariates[row] if covariates else {})
        for row in range(len(manifest.lines))
    )


def _sample(
    manifest: Manifest,
    row: int,
    columns: _Columns,
    classes: Classes,
    covariates: dict[str, float | str | None],
) -> Sample:
    settings = columns.settings
    label = classes.labels[row]
    positive = label in classes.names[1:]
    mask = _path(manifest, row, columns.mask)
    return Sample(
        subject=manifest.cell(row, settings.subject),
        images=tuple(_path(manifest, row, name) or "" for name in columns.images),
        label=label,
        positive=positive,
        origins={name: manifest.cell(row, name) for name in settings.origins},
        mask=mask,
        brain_mask=_path(manifest, row, settings.brain_mask),
        has_mask=is_marked(mask, positive, settings),
        field=_path(manifest, row, settings.field.column) if settings.field else None,
        tissue=tuple(path for name in settings.tissue if (path := _path(manifest, row, name))),
        maps=tuple(path for name in settings.maps if (path := _path(manifest, row, name))),
        covariates=covariates,
        split=manifest.cell(row, settings.split),
        where=manifest.where(row),
    )


def _dimensions(sample: Sample) -> int:
    if sample.features:
        return 2  # a column of numbers travels as a picture of one pixel's width
    return dimensions_of(sample.images[0]) if sample.images else 0


def _path(manifest: Manifest, row: int, column: str | None) -> str | None:
    """Absolute path; symbolic links stay as they are, because git-annex hides the extension behind them."""
    cell = manifest.cell(row, column)
    return None if cell in _EMPTY else os.path.abspath(manifest.path.parent / cell)


def _repeats(samples: Sequence[Sample]) -> list[str]:
    several = [subject for subject, count in Counter(s.subject for s in samples).items() if count > 1]
    return [f"{len(several)} subjects have several images; they stay in one fold"] if several else []
