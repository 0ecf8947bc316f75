"""Cohorts listed in a CSV or TSV manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from biasaudit.cohort.images.formats import dimensions_of
from biasaudit.cohort.images.missing_files import absent_files, missing_file_faults
from biasaudit.cohort.images.volumes import choose_grid, load_volume
from biasaudit.cohort.readers.bids_names import with_subjects_of_names
from biasaudit.cohort.readers.cells import folded, or_empty, quoted_few
from biasaudit.cohort.readers.covariates import Covariates, parse_covariates
from biasaudit.cohort.readers.embeddings import embedding_names, with_embeddings
from biasaudit.cohort.readers.features import feature_columns, feature_grid, feature_volume, with_features
from biasaudit.cohort.readers.joined_tables import read_tables
from biasaudit.cohort.readers.labels import (
    Classes,
    assign_classes,
    missing_faults,
    subject_faults,
    with_pooled_origins,
)
from biasaudit.cohort.readers.manifest import Manifest, missing_columns
from biasaudit.cohort.readers.marks import is_marked, with_usable_masks
from biasaudit.cohort.readers.predictions import with_scores
from biasaudit.cohort.readers.selection import select_rows
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import CohortSettings, GridSettings, TableCohort
from biasaudit.records import Cohort, Grid, Note, Sample, Volume
from biasaudit.registry import register
from biasaudit.regular_files import is_of_windows

__all__ = ["TableReader"]

_MASK_COLUMN = "mask"

Read = TypeVar("Read")


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
        rows = _checked_rows(settings, labelled)
        samples, mask_notes = with_usable_masks(rows.samples, settings, labelled=labelled)
        pooled = with_pooled_origins(samples, settings.origins, settings.min_origin_size if labelled else 1)
        return Cohort(
            samples=pooled.samples,
            classes=rows.classes,
            factors=tuple(settings.origins),
            dimensions=_dimensions(samples[0]),
            channels=1 if settings.features else len(samples[0].images),
            notes=(*rows.notes, *mask_notes, *_repeats(samples), *pooled.notes),
            features=rows.features,
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
class _Rows:
    """The rows of a table without fault, but for their masks and pooled origins."""

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    features: tuple[str, ...]
    notes: tuple[str, ...]


def _checked_rows(settings: TableCohort, labelled: bool) -> _Rows:
    """Read all that the table says; the faults of all its columns come at once."""
    manifest = read_tables(settings)
    columns = _Columns.of(settings, manifest, labelled)
    faults = missing_columns(manifest, columns.required)
    features: tuple[str, ...] = ()
    if settings.feature_names:
        features = _collected(faults, lambda: feature_columns(manifest, settings), features)
    if faults:
        raise DataError([*faults, *_faults_beside(manifest, columns, settings, labelled)])
    manifest, notes = _selected(manifest, settings)
    label = settings.label
    classes = assign_classes(manifest.column(label.column), manifest.places(label.column), label, labelled=labelled)
    cells = {name: manifest.column(name) for name in columns.covariates}
    places = {name: manifest.places(name) for name in cells}
    covariates = parse_covariates(cells, places, len(manifest.rows), commas=manifest.comma_columns)
    samples = _samples(manifest, columns, classes, covariates)
    named, name_notes = with_subjects_of_names(samples, settings.subject)
    notes += name_notes
    faults += [*_empty_cells(manifest, columns, labelled), *classes.faults, *covariates.faults]
    faults += subject_faults(named)
    scored: tuple[tuple[Sample, ...], list[str]] = (samples, [])
    if settings.scored and labelled:  # a table of scores names the cells of the cohort's
        scored = _collected(faults, lambda: with_scores(samples, manifest, settings, classes.names), scored)
    given: tuple[tuple[Sample, ...], list[str]] = (scored[0], [])
    if features:
        given = _collected(faults, lambda: with_features(scored[0], manifest, features), given)
    file = settings.embeddings
    if file is not None:
        given = _collected(
            faults,
            lambda: with_embeddings(with_subjects_of_names(scored[0], settings.subject)[0], file, settings),
            given,
        )
        features = embedding_names(given[0])
    if faults:
        raise DataError([*faults, *_missing_files(samples)])
    notes += [*scored[1], *given[1], *_path_notes(manifest, columns), *classes.notes, *covariates.notes, *columns.notes]
    named = with_subjects_of_names(given[0], settings.subject)[0]
    return _Rows(named, classes.names, features, tuple(notes))


def _faults_beside(manifest: Manifest, columns: _Columns, settings: TableCohort, labelled: bool) -> list[Fault]:
    """Faults of the columns that are there, where others are not."""
    faults: list[Fault] = []
    try:
        manifest = _selected(manifest, settings)[0]
    except DataError as error:
        return list(error.faults)
    label = settings.label.column
    if label in manifest.frame and labelled:
        faults += assign_classes(manifest.column(label), manifest.places(label), settings.label, labelled=True).faults
    cells = {name: manifest.column(name) for name in columns.covariates}
    places = {name: manifest.places(name) for name in cells}
    faults += parse_covariates(cells, places, len(manifest.rows), commas=manifest.comma_columns).faults
    return [*faults, *_empty_cells(manifest, columns, labelled)]


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
        return manifest, list(manifest.notes)
    where = f"{manifest.path}: select"
    selection = select_rows(manifest.frame, settings.select, where, commas=manifest.comma_columns)
    selected = selection.kept
    if not selected.any():
        remedy = "check the values it compares with"
        raise DataError([Fault(where, f"{settings.select!r} keeps no row", remedy)])
    note = f"select {settings.select!r} leaves out {int((~selected).sum())} of {len(selected)} rows"
    return manifest.kept(np.flatnonzero(selected).tolist()), [*manifest.notes, note, *selection.notes]


def _collected(faults: list[Fault], read: Callable[[], Read], otherwise: Read) -> Read:
    """Keep the faults of one part, so that those of the others are told as well."""
    try:
        return read()
    except DataError as error:
        faults += error.faults
        return otherwise


def _empty_cells(manifest: Manifest, columns: _Columns, labelled: bool) -> list[Fault]:
    settings = columns.settings
    files = [*columns.images, *settings.tissue, *settings.maps]
    field = [settings.field.column] if labelled and settings.field and settings.field.column else []
    names = [*files, *field, settings.subject, *(settings.origins if labelled else ())]
    remedy, if_name = "fill it in or leave the row out", "if it is a name, write another one"
    return [
        fault
        for name in dict.fromkeys(names)
        if name in manifest.frame
        for fault in missing_faults(
            manifest.column(name), manifest.places(name), f"column {name!r} is empty", remedy, if_name
        )
    ]


def _missing_files(samples: Sequence[Sample]) -> list[Fault]:
    """Faults of files that are not there, for a table that has other faults; else they are told when files are read."""
    named: dict[str, str] = {}
    for sample in samples:
        for path in sample.files:
            named.setdefault(path, sample.where)
    return missing_file_faults(absent_files({path: where for path, where in named.items() if path}))


def _samples(manifest: Manifest, columns: _Columns, classes: Classes, covariates: Covariates) -> tuple[Sample, ...]:
    return tuple(_sample(manifest, row, columns, classes, covariates.rows[row]) for row in manifest.rows)


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
    mask = manifest.path_of(row, columns.mask)
    return Sample(
        subject=_filled(manifest, row, settings.subject),
        images=tuple(manifest.path_of(row, name) or "" for name in columns.images),
        label=label,
        positive=positive,
        origins={name: _filled(manifest, row, name) for name in settings.origins},
        mask=mask,
        brain_mask=manifest.path_of(row, settings.brain_mask),
        has_mask=is_marked(mask, positive, settings),
        field=manifest.path_of(row, settings.field.column) if settings.field else None,
        tissue=tuple(path for name in settings.tissue if (path := manifest.path_of(row, name))),
        maps=tuple(path for name in settings.maps if (path := manifest.path_of(row, name))),
        covariates=covariates,
        split=_filled(manifest, row, settings.split),
        where=manifest.where(row),
    )


def _filled(manifest: Manifest, row: int, column: str | None) -> str:
    return or_empty(manifest.cell(row, column))


def _dimensions(sample: Sample) -> int:
    if sample.features:
        return 2  # a column of numbers travels as a picture of one pixel's width
    return dimensions_of(sample.images[0]) if sample.images else 0


def _path_notes(manifest: Manifest, columns: _Columns) -> list[str]:
    names = [*columns.images, columns.mask, columns.settings.brain_mask, *columns.settings.tissue]
    rows = [row for row in manifest.rows if any(is_of_windows(manifest.cell(row, name)) for name in names)]
    return [f"backslashes in the paths of {len(rows)} rows are read as /"] if rows else []


def _repeats(samples: Sequence[Sample]) -> list[str]:
    counts = Counter(sample.subject for sample in samples)
    several = [subject for subject, count in counts.items() if count > 1]
    notes = [f"{len(several)} subjects have several images; they stay in one fold"] if several else []
    spelt = Counter(folded(subject) for subject in counts)
    alike = sorted(subject for subject in counts if spelt[folded(subject)] > 1)
    if alike:
        said = "subjects that are written much alike count as different ones"
        notes.append(Note(f"{said}: {quoted_few(alike)}", f"{said} ({len(alike)})"))
    return notes
