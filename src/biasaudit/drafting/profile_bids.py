"""First look at BIDS datasets: which images, in which space, with which masks and tissue maps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from biasaudit.cohort.readers.bids_index import BidsFile, BidsIndex, index_dataset
from biasaudit.cohort.readers.bids_rows import ImageRow, conflict_notes, list_images
from biasaudit.cohort.readers.manifest import read_manifest
from biasaudit.drafting.class_words import plain
from biasaudit.drafting.guesses import MAPS, filled
from biasaudit.drafting.profile import DatasetCounts, Profile, missing_files
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import DATASET, BidsCohort

__all__ = ["profile_bids"]

_PREFERRED = ("T1w", "FLAIR", "T2w")
_USUAL_MASKS = ("L", "lesion")
_PATHOLOGY = ("lesion", "tumo", "wmh", "stroke", "infarct", "patholog", "plaque", "edema", "oedema", "enhanc", "whole")
_REMEDY = "give the folder that holds participants.tsv and sub-*"


@dataclass(frozen=True)
class _Guess:
    """A value of the section `cohort`, guessed from the names of files.

    Attributes
    ----------
    value : str or None
        None where nothing need be said.
    subjects : mapping of text to int
        Subjects with each value that was there to choose from.
    """

    value: str | None
    subjects: Mapping[str, int]


def profile_bids(roots: Sequence[Path]) -> Profile:
    """List the images of one or more BIDS datasets and guess the settings that find them.

    Parameters
    ----------
    roots : sequence of Path

    Raises
    ------
    DataError
        A folder is missing or holds no anatomical image.
    """
    indices = _indices(roots)
    suffix = _suffix(indices)
    space = _space(indices, str(suffix.value))
    labels = _mask_labels(indices)
    settings = {
        "suffix": suffix.value,
        "space": space.value,
        "mask_labels": _unusual_mask_labels(labels),
        "maps": _maps(indices),
    }
    stated = {key: value for key, value in settings.items() if value}
    section = {"reader": "bids", "roots": [str(root) for root in roots], "label": {"positive": "?"}, **stated}
    listing = list_images(BidsCohort.model_validate(section), labelled=False)
    rows, faults = listing.rows, (*listing.faults, *_absent(listing.rows))
    if not rows:
        raise DataError(faults)
    return Profile(
        reader="bids",
        source=tuple(os.path.abspath(root) for root in roots),
        datasets=_datasets(indices, rows),
        frame=_frame(rows),
        subject=tuple(row.subject for row in rows),
        dataset=tuple(row.dataset for row in rows),
        image=tuple(row.images[0].path for row in rows),
        marked=tuple(row.companions.mask is not None for row in rows),
        tissue=tuple(bool(row.companions.tissue) for row in rows),
        brain=tuple(row.companions.brain_mask is not None for row in rows),
        settings=stated if _have_all_maps(rows) else {key: stated[key] for key in stated if key != "maps"},
        choices={"suffix": _listed(suffix.subjects), "space": _listed(space.subjects), "mask_labels": _listed(labels)},
        notes=(*listing.notes, *conflict_notes(rows)),
        faults=faults,
    )


def _frame(rows: Sequence[ImageRow]) -> pd.DataFrame:
    """Cells of participants.tsv and sidecars, one row per image, empty where missing."""
    columns = dict.fromkeys(name for row in rows for name in row.cells if name not in (DATASET, "participant_id"))
    cells = {name: filled(row.cells.get(name, "") for row in rows) for name in columns}
    return pd.DataFrame(cells, index=range(len(rows)), dtype=object)


def _have_all_maps(rows: Sequence[ImageRow]) -> bool:
    """Whether exactly one file of every kind of map fits every image."""
    return all(len(files) == 1 for row in rows for files in row.companions.maps)


def _indices(roots: Sequence[Path]) -> list[BidsIndex]:
    indices: list[BidsIndex] = []
    faults: list[Fault] = []
    for root in roots:
        try:
            index = index_dataset(root)
        except DataError as error:
            faults.extend(error.faults)
            continue
        indices.append(index)
        if not any(_anatomical(file) for files in index.by_subject.values() for file in files):
            faults.append(Fault(str(root), "no image in sub-*/[ses-*/]anat", _REMEDY))
    if faults:
        raise DataError(faults)
    return indices


def _maps(indices: Sequence[BidsIndex]) -> list[str]:
    """Suffixes of maps that the user made of the images and every dataset holds."""
    suffixes = [
        {file.suffix for files in index.by_subject.values() for file in files if file.is_image and _is_map(file.suffix)}
        for index in indices
    ]
    return sorted(set.intersection(*suffixes))


def _is_map(suffix: str) -> bool:
    return any(word in suffix.lower() for word in MAPS)


def _anatomical(file: BidsFile) -> bool:
    """Whether it is an image of the anatomy and not a mask or a map of one."""
    folder = os.path.basename(os.path.dirname(file.path))
    derived = file.suffix in ("mask", "roi", "probseg", "dseg", "defacemask") or _is_map(file.suffix)
    return file.is_image and folder == "anat" and not derived


def _suffix(indices: Sequence[BidsIndex]) -> _Guess:
    """Choose the suffix whose smallest share of subjects over all datasets is largest; T1w, then FLAIR, wins a tie."""
    counts = [_subjects_with(index) for index in indices]
    every = sorted({suffix for count in counts for suffix in count})

    def worth(suffix: str) -> tuple[float, int, int]:
        shares = [count[suffix] / len(index.subjects) for count, index in zip(counts, indices, strict=True)]
        rank = _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED)
        return min(shares), sum(count[suffix] for count in counts), -rank

    return _Guess(max(every, key=worth), {suffix: sum(count[suffix] for count in counts) for suffix in every})


def _subjects_with(index: BidsIndex) -> Counter[str]:
    return Counter(
        suffix for files in index.by_subject.values() for suffix in {f.suffix for f in files if _anatomical(f)}
    )


def _space(indices: Sequence[BidsIndex], suffix: str) -> _Guess:
    """Choose a template space that every subject has images in, if the names alone do not tell the space."""
    by_subject = [
        [file for file in files if _anatomical(file) and file.suffix == suffix]
        for index in indices
        for files in index.by_subject.values()
    ]
    imaged = [images for images in by_subject if images]
    spaces = Counter(
        space for images in imaged for space in {file.entities["space"] for file in images if "space" in file.entities}
    )
    templates = [space for space in sorted(spaces) if spaces[space] == len(imaged) and space.startswith("MNI")]
    needed = any(_needs_space(images) for images in imaged)
    return _Guess(templates[0] if needed and templates else None, spaces)


def _needs_space(images: Sequence[BidsFile]) -> bool:
    """Whether a space must be named for one subject: no raw image, several of one acquisition, or one without space."""
    raw = [file for file in images if file.raw]
    several = len(raw) > len({_acquisition(file) for file in raw})
    return not raw or several or any("space" not in file.entities for file in raw)


def _acquisition(file: BidsFile) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in file.entities.items() if name != "space")


def _mask_labels(indices: Sequence[BidsIndex]) -> dict[str, int]:
    """``label`` entities of masks -> subjects that have one."""
    return dict(
        Counter(
            label
            for index in indices
            for files in index.by_subject.values()
            for label in sorted(
                {f.entities["label"] for f in files if f.suffix in ("mask", "roi") and "label" in f.entities}
            )
        )
    )


def _unusual_mask_labels(labels: Iterable[str]) -> list[str]:
    """Labels of pathology masks, if some of them are not among those that the reader takes by default."""
    pathology = [
        label for label in labels if label in _USUAL_MASKS or any(word in label.lower() for word in _PATHOLOGY)
    ]
    return [] if set(pathology) <= set(_USUAL_MASKS) else pathology


def _datasets(indices: Sequence[BidsIndex], rows: Sequence[ImageRow]) -> tuple[DatasetCounts, ...]:
    counts = []
    for index in indices:
        folder = os.path.abspath(index.root) + os.sep
        own_rows = [row for row in rows if row.images[0].path.startswith(folder)]
        present = {row.images[0].entities["sub"] for row in own_rows}
        listed = _participants(index.root)
        counts.append(
            DatasetCounts(
                name=own_rows[0].dataset if own_rows else index.root.name,
                participants=len(listed),
                subjects=len(present),
                images=len(own_rows),
                without_images=tuple(f"sub-{name}" for name in listed if name not in present),
                without_row=tuple(f"sub-{name}" for name in sorted(present - set(listed))) if listed else (),
            )
        )
    return tuple(counts)


def _participants(root: Path) -> list[str]:
    path = root / "participants.tsv"
    if not path.exists():
        return []
    frame = read_manifest(path).frame
    name = next((column for column in frame if plain(str(column)) == "participantid"), None)
    return [] if name is None else [str(cell).removeprefix("sub-") for cell in frame[name]]


def _absent(rows: Iterable[ImageRow]) -> list[Fault]:
    remedy = "copy it there; in a DataLad dataset: `datalad get` it"
    paths = {file.path: row.where for row in rows for file in row.images}
    return [Fault(paths[path], f"{path}: no such file", remedy) for path in missing_files(paths)]


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} ({count} subjects)" for name, count in ordered)
