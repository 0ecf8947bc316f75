"""The images of BIDS datasets, each joined with what participants.tsv and its sidecars say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.cohort.readers.bids_files import Companions, companions, group_images
from biasaudit.cohort.readers.bids_index import BidsFile, BidsIndex, dataset_name, index_dataset, sidecar_fields
from biasaudit.cohort.readers.bids_notes import (
    acquisition_notes,
    first_names,
    gathered_files,
    incomplete_fault,
    mixture_notes,
    naming,
    not_fetched,
    phase_notes,
    several_fault,
)
from biasaudit.cohort.readers.cells import is_missing
from biasaudit.cohort.readers.manifest import Manifest, missing_columns, read_manifest
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import DATASET, BidsCohort
from biasaudit.records import Note
from biasaudit.regular_files import real_path

__all__ = ["ImageRow", "Listing", "conflict_notes", "list_images"]

_ID = "participant_id"


@dataclass(frozen=True)
class ImageRow:
    """The images of one sample, with the cells of participants.tsv and the fields of the sidecars; no class yet.

    Attributes
    ----------
    dataset, subject : str
        Name of the dataset; ``sub-07``.
    images : tuple of BidsFile
        One per channel.
    companions : Companions
    cells : mapping
        Columns of participants.tsv and scalar fields of the sidecars as text.
    conflicts : tuple of str
        Names about which the two disagree.
    where : str
        ``participants.tsv:12``.
    faults : tuple of Fault
        Of sidecars that cannot be read.
    """

    dataset: str
    subject: str
    images: tuple[BidsFile, ...]
    companions: Companions
    cells: Mapping[str, str]
    conflicts: tuple[str, ...]
    where: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Listing:
    """All images of some datasets.

    Attributes
    ----------
    rows : tuple of ImageRow
    notes : tuple of str
        How many images each dataset holds, and what was left out.
    faults : tuple of Fault
        What must be mended before an audit; the rows are there all the same.
    """

    rows: tuple[ImageRow, ...]
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]


def list_images(settings: BidsCohort, *, labelled: bool) -> Listing:
    """Join images with participants and sidecars; no image is opened, and no label is looked at.

    Parameters
    ----------
    settings : BidsCohort
    labelled : bool
        Whether every subject needs a row in participants.tsv, with its label.

    Raises
    ------
    DataError
        A folder or a participants.tsv cannot be read.
    """
    datasets = _open_datasets(settings, labelled)
    shared = _shared_subjects(datasets, settings)
    listings = [_dataset_rows(dataset, settings, labelled, shared) for dataset in datasets]
    rows = tuple(row for listing in listings for row in listing.rows)
    notes = [note for listing in listings for note in listing.notes]
    faults = [fault for listing in listings for fault in listing.faults]
    if shared:
        notes.append(naming("subjects of the same name in several datasets, prefixed by the dataset", sorted(shared)))
    if not rows and not faults:
        faults.append(_nothing_found(datasets, settings))
    return Listing(rows, tuple(notes), tuple(faults))


def conflict_notes(rows: Iterable[ImageRow]) -> list[str]:
    """Name the fields about which participants.tsv and the sidecars disagree."""
    subjects: dict[str, list[str]] = {}
    for row in rows:
        for name in row.conflicts:
            subjects.setdefault(name, []).append(row.subject)
    return [
        naming(f"{name}: participants.tsv and sidecar disagree, participants.tsv is taken", disagreeing)
        for name, disagreeing in sorted(subjects.items())
    ]


@dataclass(frozen=True)
class _Dataset:
    """One root: its name, its files and, where there is one, its participants.tsv."""

    name: str
    index: BidsIndex
    participants: Manifest | None

    @property
    def table(self) -> str:
        return str(self.participants.path if self.participants else self.index.root / "participants.tsv")


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
    folders = [real_path(root).name for root in roots]
    if len(set(names)) == len(names):
        return names
    return folders if len(set(folders)) == len(folders) else [str(real_path(root)) for root in roots]


def _participants(root: Path, settings: BidsCohort, labelled: bool) -> Manifest | None:
    by_dataset = settings.label.column == DATASET
    path = root / "participants.tsv"
    if not path.is_symlink() and not path.exists() and real_path(root).parent.name == "derivatives":
        path = real_path(root).parent.parent / "participants.tsv"
    if fault := not_fetched(path):
        raise DataError([fault])
    if not path.exists():
        if not labelled or by_dataset:
            return None
        remedy = f"write one with the columns {_ID} and {settings.label.column}"
        raise DataError([Fault(str(root), "no participants.tsv", remedy)])
    manifest = read_manifest(path, settings.limits)
    faults = missing_columns(manifest, [_ID, settings.label.column] if labelled and not by_dataset else [_ID])
    faults += _repeated_participants(manifest) if not faults else []
    if faults:
        raise DataError(faults)
    return manifest


def _repeated_participants(manifest: Manifest) -> list[Fault]:
    names = [_bare(name) for name in manifest.frame[_ID]]
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    return [
        Fault(manifest.where(row), f"repeats participant {name!r}", "drop one of the rows")
        for row, name in enumerate(names)
        if first[name] < row
    ]


def _shared_subjects(datasets: Sequence[_Dataset], settings: BidsCohort) -> set[str]:
    counts = Counter(
        subject
        for dataset in datasets
        for subject in dataset.index.subjects
        if any(file.suffix in settings.suffix for file in dataset.index.by_subject[subject])
    )
    return {subject for subject, count in counts.items() if count > 1}


def _dataset_rows(dataset: _Dataset, settings: BidsCohort, labelled: bool, shared: set[str]) -> Listing:
    lines = _participant_lines(dataset)
    rows: list[ImageRow] = []
    left_out: list[str] = []
    several: list[tuple[BidsFile, ...]] = []
    phase: list[str] = []
    unlisted: list[str] = []
    faults: list[Fault] = []
    for subject in dataset.index.subjects:
        groups = group_images(dataset.index.by_subject[subject], settings)
        left_out += groups.incomplete
        several += groups.ambiguous
        phase += groups.phase
        if groups.images and labelled and dataset.participants is not None and subject not in lines:
            unlisted.append(f"sub-{subject}")
        name = f"{dataset.name}/sub-{subject}" if subject in shared else f"sub-{subject}"
        rows += [_row(dataset, settings, images, name, lines.get(subject)) for images in groups.images]
    if unlisted:
        faults.append(_unlisted_fault(dataset, unlisted))
    if several:
        faults.append(several_fault(dataset.index.root, several))
    if left_out and not rows and not faults:
        faults.append(incomplete_fault(dataset.index.root, settings.suffix, left_out))
    faults += gathered_files(fault for row in rows for fault in row.faults)
    notes = [*_dataset_notes(dataset, settings, rows, left_out), *phase_notes(dataset.name, phase)]
    notes += mixture_notes(dataset.name, (image for row in rows for image in row.images))
    return Listing(tuple(rows), (*notes, *acquisition_notes(dataset.name, _by_session(rows))), tuple(faults))


def _by_session(rows: Sequence[ImageRow]) -> list[list[BidsFile]]:
    """First channels of the images of each session of a subject."""
    sessions: dict[tuple[str, str], list[BidsFile]] = {}
    for row in rows:
        sessions.setdefault((row.subject, row.images[0].entities.get("ses", "")), []).append(row.images[0])
    return list(sessions.values())


def _unlisted_fault(dataset: _Dataset, subjects: Sequence[str]) -> Fault:
    count = len(subjects)
    message = f"no row for {count} subjects that have images: {first_names(subjects)}"
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
        said = f"{dataset.name}: {len(without)} participants without {suffixes}"
        notes.append(Note(f"{said}: {first_names(without)}", said))
    if left_out:
        notes.append(naming(f"{dataset.name}: left out because a channel is missing", left_out))
    return notes


def _row(
    dataset: _Dataset, settings: BidsCohort, images: tuple[BidsFile, ...], name: str, line: int | None
) -> ImageRow:
    """Gather all that is said of one sample; `line` is its row of participants.tsv."""
    manifest = dataset.participants
    if manifest is None or line is None:
        columns, where = dict[str, str](), dataset.table
    else:
        columns = {str(column): str(cell) for column, cell in manifest.frame.iloc[line].items()}
        where = manifest.where(line)
    sidecars, faults = _sidecars(dataset.index, images[0])
    fields = {field: str(value).strip() for field, value in sidecars.items() if _is_scalar(value)}
    filled = {column: cell for column, cell in columns.items() if not is_missing(cell)}
    return ImageRow(
        dataset=dataset.name,
        subject=name,
        images=images,
        companions=companions(dataset.index.by_subject[images[0].entities["sub"]], images[0], settings),
        cells={**columns, **fields, **filled, DATASET: dataset.name},
        conflicts=tuple(both for both in filled.keys() & fields.keys() if not _same(filled[both], fields[both])),
        where=where,
        faults=faults,
    )


def _sidecars(index: BidsIndex, image: BidsFile) -> tuple[Mapping[str, Any], tuple[Fault, ...]]:
    try:
        return sidecar_fields(index, image), ()
    except DataError as error:
        return {}, error.faults


def _nothing_found(datasets: Sequence[_Dataset], settings: BidsCohort) -> Fault:
    wanted = " and ".join(settings.suffix) + (f" in space {settings.space}" if settings.space else "")
    files = [file for d in datasets for found in d.index.by_subject.values() for file in found if file.is_image]
    suffixes = sorted({file.suffix for file in files})
    spaces = sorted({file.entities["space"] for file in files if "space" in file.entities})
    remedy = f"suffixes present: {', '.join(suffixes) or 'none'}; spaces present: {', '.join(spaces) or 'none'}"
    return Fault(str(datasets[0].index.root), f"no {wanted} images in sub-*/anat", remedy)


def _bare(name: str) -> str:
    return str(name).removeprefix("sub-")


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _same(first: str, second: str) -> bool:
    try:
        return bool(np.isclose(float(first), float(second)))
    except ValueError:
        return first == second
