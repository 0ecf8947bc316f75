"""Cohorts in one or more BIDS datasets (Gorgolewski et al. 2016, doi:10.1038/sdata.2016.44)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from biasaudit.cohort.images.lesion_maps import with_common_maps
from biasaudit.cohort.images.volumes import choose_grid, load_volume
from biasaudit.cohort.readers.bids_files import Companions, companions, group_images, map_faults
from biasaudit.cohort.readers.bids_index import BidsFile, BidsIndex, dataset_name, index_dataset, sidecar_fields
from biasaudit.cohort.readers.labels import (
    Classes,
    assign_classes,
    parse_covariates,
    subject_faults,
    with_pooled_origins,
)
from biasaudit.cohort.readers.manifest import Manifest, is_missing, missing_columns, read_manifest
from biasaudit.cohort.readers.selection import select_rows
from biasaudit.errors import DataError, Fault, suggestion
from biasaudit.protocol import BidsCohort, CohortSettings, GridSettings
from biasaudit.records import Cohort, Grid, Sample, Volume
from biasaudit.registry import register

__all__ = ["DATASET", "BidsReader", "ImageRow", "list_images"]

_ID = "participant_id"
DATASET = "dataset"
"""Name under which the dataset itself can be an origin, or the label where each dataset holds one class."""
_SHOWN = 5


@register("reader", "bids")
class BidsReader:
    """``participants.tsv``, ``sub-*/[ses-*/]anat`` and masks and tissue maps in the derivatives."""

    settings: ClassVar[type[CohortSettings]] = BidsCohort

    def read(self, settings: BidsCohort, *, labelled: bool = True) -> Cohort:
        """Index the datasets and join images with participants and sidecars; no image is opened.

        Images lie in the dataset itself; where `space` is set and none has it, those in the derivatives are taken.
        Several sessions or runs of a subject are separate samples. An origin or covariate is ``dataset``, a column of
        participants.tsv, or a field of the JSON sidecar; the column wins and a conflict is noted.

        Parameters
        ----------
        settings : BidsCohort
        labelled : bool
            False for new images to predict: labels, origins and participants.tsv may be absent, `select` is not
            applied and origins are not pooled.

        Raises
        ------
        DataError
            Every fault at once.
        """
        datasets = _open_datasets(settings, labelled)
        rows, notes, faults = _rows(datasets, settings, labelled)
        if faults:
            raise DataError(faults)
        rows, said = _selected(rows, settings, labelled)
        notes += said
        labels = [
            "" if is_missing(row.cells.get(settings.label.column, "")) else row.cells[settings.label.column]
            for row in rows
        ]
        classes = assign_classes(labels, [row.where for row in rows], settings.label, labelled=labelled)
        samples, left_out = with_common_maps(_samples(rows, classes, settings))
        faults = [*_field_faults(rows, settings, labelled), *classes.faults, *subject_faults(samples)]
        faults += [fault for row in rows for fault in map_faults(row.companions, row.images[0], row.where, settings)]
        if faults:
            raise DataError(faults)
        notes += [*classes.notes, *_conflicts(rows), *_companion_notes(rows, samples), *left_out]
        if labelled:
            samples, pooled = with_pooled_origins(samples, settings.origins, settings.min_origin_size)
            notes += pooled
        return Cohort(samples, classes.names, tuple(settings.origins), 3, len(settings.suffix), tuple(notes))

    def grid(self, cohort: Cohort, settings: GridSettings) -> Grid:
        """Choose the common grid of the images (`volumes.choose_grid`)."""
        return choose_grid(cohort, settings)

    def load(self, sample: Sample, grid: Grid, foreground: str) -> Volume:
        """Read one sample onto the common grid (`volumes.load_volume`)."""
        return load_volume(sample, grid, foreground)


def list_images(settings: BidsCohort) -> tuple[tuple[ImageRow, ...], tuple[str, ...], tuple[Fault, ...]]:
    """Join images with participants and sidecars before anything is known of labels; no image is opened.

    Returns
    -------
    rows : tuple of ImageRow
    notes : tuple of str
    faults : tuple of Fault
        What `BidsReader.read` would refuse.

    Raises
    ------
    DataError
        A folder or a participants.tsv cannot be read.
    """
    rows, notes, faults = _rows(_open_datasets(settings, labelled=False), settings, labelled=False)
    return tuple(rows), (*notes, *_conflicts(rows)), tuple(faults)


@dataclass(frozen=True)
class _Dataset:
    """One root: its name, its files and, where there is one, its participants.tsv."""

    name: str
    index: BidsIndex
    participants: Manifest | None

    @property
    def table(self) -> str:
        return str(self.participants.path if self.participants else self.index.root / "participants.tsv")


@dataclass(frozen=True)
class ImageRow:
    """One sample before it has a class: images, and all that table and sidecars say.

    Attributes
    ----------
    dataset, subject : str
        Name of the dataset; ``sub-07``.
    images : tuple of BidsFile
        One per channel.
    companions : Companions
    cells : mapping
        Columns of participants.tsv and scalar fields of the sidecars as text; empty where missing.
    conflicts : tuple of str
        Names about which the two disagree.
    where : str
        ``participants.tsv:12``.
    """

    dataset: str
    subject: str
    images: tuple[BidsFile, ...]
    companions: Companions
    cells: Mapping[str, str]
    conflicts: tuple[str, ...]
    where: str


def _open_datasets(settings: BidsCohort, labelled: bool) -> list[_Dataset]:
    names = _distinct_names(settings.roots)
    datasets: list[_Dataset] = []
    faults: list[Fault] = []
    for root, name in zip(settings.roots, names, strict=True):
        try:
            index = index_dataset(root)
            participants = _participants(root, settings, labelled)
            datasets.append(_Dataset(name, index, participants))
        except DataError as error:
            faults.extend(error.faults)
    if faults:
        raise DataError(faults)
    return datasets


def _distinct_names(roots: Sequence[Path]) -> list[str]:
    """Return the names of the datasets; two that are called the same get the name of their folder instead."""
    names = [dataset_name(root) for root in roots]
    folders = [root.resolve().name for root in roots]
    if len(set(names)) == len(names):
        return names
    return folders if len(set(folders)) == len(folders) else [str(root.resolve()) for root in roots]


def _participants(root: Path, settings: BidsCohort, labelled: bool) -> Manifest | None:
    by_dataset = settings.label.column == DATASET
    path = root / "participants.tsv"
    if not path.exists() and root.resolve().parent.name == "derivatives":
        path = root.resolve().parent.parent / "participants.tsv"
    if not path.exists():
        if not labelled or by_dataset:
            return None
        remedy = f"write one with the columns {_ID} and {settings.label.column}"
        raise DataError([Fault(str(root), "no participants.tsv", remedy)])
    manifest = read_manifest(path)
    faults = missing_columns(manifest, [_ID, settings.label.column] if labelled and not by_dataset else [_ID])
    faults += _repeated_participants(manifest) if not faults else []
    if faults:
        raise DataError(faults)
    return manifest


def _repeated_participants(manifest: Manifest) -> list[Fault]:
    names = [_bare(name) for name in manifest.frame[_ID]]
    return [
        Fault(manifest.where(row), f"repeats participant {name!r}", "drop one of the rows")
        for row, name in enumerate(names)
        if name in names[:row]
    ]


def _rows(
    datasets: Sequence[_Dataset], settings: BidsCohort, labelled: bool
) -> tuple[list[ImageRow], list[str], list[Fault]]:
    rows: list[ImageRow] = []
    notes: list[str] = []
    faults: list[Fault] = []
    shared = _shared_subjects(datasets, settings)
    for dataset in datasets:
        found, said, wrong = _dataset_rows(dataset, settings, labelled, shared)
        rows += found
        notes += said
        faults += wrong
    if shared:
        notes.append(f"subjects of the same name in several datasets, prefixed by the dataset: {_some(sorted(shared))}")
    if not rows and not faults:
        faults += _nothing_found(datasets, settings)
    return rows, notes, faults


def _shared_subjects(datasets: Sequence[_Dataset], settings: BidsCohort) -> set[str]:
    counts = Counter(
        subject
        for dataset in datasets
        for subject in dataset.index.subjects
        if any(file.suffix in settings.suffix for file in dataset.index.by_subject[subject])
    )
    return {subject for subject, count in counts.items() if count > 1}


def _dataset_rows(
    dataset: _Dataset, settings: BidsCohort, labelled: bool, shared: set[str]
) -> tuple[list[ImageRow], list[str], list[Fault]]:
    lines = _participant_lines(dataset)
    rows: list[ImageRow] = []
    left_out: list[str] = []
    several: list[str] = []
    unlisted: list[str] = []
    faults: list[Fault] = []
    for subject in dataset.index.subjects:
        groups = group_images(dataset.index.by_subject[subject], settings)
        left_out += groups.incomplete
        several += groups.ambiguous
        if groups.images and labelled and dataset.participants is not None and subject not in lines:
            unlisted.append(f"sub-{subject}")
        name = f"{dataset.name}/sub-{subject}" if subject in shared else f"sub-{subject}"
        rows += [_row(dataset, settings, (subject, name), images, lines.get(subject)) for images in groups.images]
    if unlisted:
        faults.append(_unlisted_fault(dataset, unlisted))
    if several:
        remedy = "set `space` to the one to take, or remove the others"
        faults.append(Fault(str(dataset.index.root), f"several images of one kind: {_some(several)}", remedy))
    return rows, _dataset_notes(dataset, settings, rows, left_out), faults


def _unlisted_fault(dataset: _Dataset, subjects: Sequence[str]) -> Fault:
    count = len(subjects)
    message = f"no row for {count} subjects that have images: {_some(subjects)}"
    if count == 1:
        message = f"no row for {subjects[0]}, which has images"
    what = "row" if count == 1 else "rows"
    remedy = f"add the {what}, or move the images away; to audit a part, keep all rows and set `cohort.select`"
    return Fault(dataset.table, message, remedy)


def _participant_lines(dataset: _Dataset) -> dict[str, int]:
    """Row of participants.tsv by subject."""
    if dataset.participants is None:
        return {}
    return {_bare(name): row for row, name in enumerate(dataset.participants.frame[_ID])}


def _dataset_notes(
    dataset: _Dataset, settings: BidsCohort, rows: Sequence[ImageRow], left_out: Sequence[str]
) -> list[str]:
    suffixes = " and ".join(settings.suffix)
    present = {row.images[0].entities["sub"] for row in rows}
    without = [f"sub-{subject}" for subject in _participant_lines(dataset) if subject not in present]
    notes = [f"{dataset.name}: {len(rows)} images ({suffixes}) of {len(present)} subjects"]
    if without:
        notes.append(f"{dataset.name}: {len(without)} participants without {suffixes}: {_some(without)}")
    if left_out:
        notes.append(f"{dataset.name}: left out because a channel is missing: {_some(left_out)}")
    return notes


def _row(
    dataset: _Dataset, settings: BidsCohort, subject: tuple[str, str], images: tuple[BidsFile, ...], line: int | None
) -> ImageRow:
    manifest = dataset.participants
    said = {} if manifest is None or line is None else {str(k): str(v) for k, v in manifest.frame.iloc[line].items()}
    fields = {name: str(v) for name, v in sidecar_fields(dataset.index, images[0]).items() if _is_scalar(v)}
    known = {name: cell for name, cell in said.items() if not is_missing(cell)}
    return ImageRow(
        dataset=dataset.name,
        subject=subject[1],
        images=images,
        companions=companions(dataset.index.by_subject[subject[0]], images[0], settings),
        cells={**dict.fromkeys(said, ""), **fields, **known, DATASET: dataset.name},
        conflicts=tuple(name for name in known.keys() & fields.keys() if not _same(known[name], fields[name])),
        where=f"{dataset.table}" if manifest is None or line is None else manifest.where(line),
    )


def _nothing_found(datasets: Sequence[_Dataset], settings: BidsCohort) -> list[Fault]:
    wanted = " and ".join(settings.suffix) + (f" in space {settings.space}" if settings.space else "")
    files = [file for d in datasets for found in d.index.by_subject.values() for file in found if file.is_image]
    suffixes = sorted({file.suffix for file in files})
    spaces = sorted({file.entities["space"] for file in files if "space" in file.entities})
    remedy = f"suffixes present: {', '.join(suffixes) or 'none'}; spaces present: {', '.join(spaces) or 'none'}"
    return [Fault(str(datasets[0].index.root), f"no {wanted} images in sub-*/anat", remedy)]


def _selected(rows: list[ImageRow], settings: BidsCohort, labelled: bool) -> tuple[list[ImageRow], list[str]]:
    if settings.select is None or not labelled:
        return rows, []
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    frame = pd.DataFrame([{name: row.cells.get(name, "") for name in columns} for row in rows], dtype=object)
    kept = select_rows(frame, settings.select, "select")
    if not kept.any():
        raise DataError([Fault("select", f"{settings.select!r} keeps no image", "check the values it compares with")])
    note = f"select {settings.select!r} leaves out {int((~kept).sum())} of {len(rows)} images"
    return [rows[row] for row in np.flatnonzero(kept)], [note]


def _samples(rows: Sequence[ImageRow], classes: Classes, settings: BidsCohort) -> tuple[Sample, ...]:
    covariates = parse_covariates({name: [row.cells.get(name, "") for row in rows] for name in settings.covariates})
    samples = []
    for position, row in enumerate(rows):
        positive = classes.labels[position] in classes.names[1:]
        mask = row.companions.mask if positive else None
        samples.append(
            Sample(
                subject=row.subject,
                images=tuple(image.path for image in row.images),
                label=classes.labels[position],
                positive=positive,
                origins={factor: row.cells.get(factor, "") for factor in settings.origins},
                mask=mask,
                brain_mask=row.companions.brain_mask,
                has_mask=mask is not None,
                tissue=row.companions.tissue,
                maps=tuple(found[0] for found in row.companions.maps if found),
                covariates=covariates[position] if covariates else {},
                where=row.where,
            )
        )
    return tuple(samples)


def _field_faults(rows: Sequence[ImageRow], settings: BidsCohort, labelled: bool) -> list[Fault]:
    """Origins and covariates that nobody names, and origins that are empty."""
    if not labelled:
        return []
    known = {name for row in rows for name in row.cells}
    faults = []
    for name in dict.fromkeys([*settings.origins, *settings.covariates]):
        if name not in known:
            message = f"{name!r} is neither a column of participants.tsv nor a field of a sidecar"
            faults.append(Fault(rows[0].where.rsplit(":", 1)[0], message, suggestion(name, known)))
        elif name in settings.origins:
            faults += _empty_origins([row for row in rows if is_missing(row.cells.get(name, ""))], name)
    return faults


def _empty_origins(rows: Sequence[ImageRow], name: str) -> list[Fault]:
    """One fault per dataset, with subjects in place of lines: the field may be one of a sidecar."""
    datasets: dict[str, dict[str, str]] = {}
    for row in rows:
        datasets.setdefault(row.dataset, {}).setdefault(row.subject, row.where)
    remedy = "fill it in or leave the row out"
    return [
        Fault(next(iter(places.values())), f"{_some(list(places))}: origin {name!r} is empty", remedy)
        for places in datasets.values()
    ]


def _conflicts(rows: Iterable[ImageRow]) -> list[str]:
    found: dict[str, list[str]] = {}
    for row in rows:
        for name in row.conflicts:
            found.setdefault(name, []).append(row.subject)
    return [
        f"{name}: participants.tsv and sidecar disagree, participants.tsv is taken: {_some(subjects)}"
        for name, subjects in sorted(found.items())
    ]


def _companion_notes(rows: Sequence[ImageRow], samples: Sequence[Sample]) -> list[str]:
    notes = []
    ignored = sum(row.companions.mask is not None and not s.positive for row, s in zip(rows, samples, strict=True))
    unmarked = [sample.subject for sample in samples if sample.positive and not sample.has_mask]
    several = [row.subject for row in rows if row.companions.several]
    elsewhere = [s.subject for row, s in zip(rows, samples, strict=True) if s.positive and row.companions.elsewhere]
    untyped = [sample.subject for sample in samples if not sample.tissue]
    if ignored:
        notes.append(f"{ignored} masks of samples that are not of the positive class are ignored")
    if unmarked and any(sample.has_mask for sample in samples):
        notes.append(f"no pathology mask: {_some(unmarked)}")
    if elsewhere:
        notes.append(f"pathology masks only in another space than the images: {_some(elsewhere)}")
    if several:
        notes.append(f"several pathology masks fit, the first by name is taken: {_some(several)}")
    if untyped and len(untyped) < len(samples):
        notes.append(f"no tissue maps, so those of the others are not used: {_some(untyped)}")
    return notes


def _bare(name: str) -> str:
    return str(name).removeprefix("sub-")


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _same(first: str, second: str) -> bool:
    try:
        return bool(np.isclose(float(first), float(second)))
    except ValueError:
        return first == second


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
