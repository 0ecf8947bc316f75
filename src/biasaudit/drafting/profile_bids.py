"""First look at BIDS datasets: which images, in which space, with which masks and tissue maps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from biasaudit.cohort.readers.bids import DATASET, ImageRow, list_images
from biasaudit.cohort.readers.bids_index import BidsFile, BidsIndex, index_dataset
from biasaudit.cohort.readers.manifest import read_manifest
from biasaudit.drafting.guesses import MAPS, filled, plain
from biasaudit.drafting.profile import DatasetCounts, Profile, missing_files
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import BidsCohort

__all__ = ["profile_bids"]

_PREFERRED = ("T1w", "FLAIR", "T2w")
_USUAL_MASKS = ("L", "lesion")
_PATHOLOGY = ("lesion", "tumo", "wmh", "stroke", "infarct", "patholog", "plaque", "edema", "oedema", "enhanc", "whole")
_REMEDY = "give the folder that holds participants.tsv and sub-*"


def profile_bids(roots: Sequence[Path]) -> Profile:
    """Look at one or more datasets.

    Parameters
    ----------
    roots : sequence of Path

    Raises
    ------
    DataError
        A folder is missing or holds no anatomical image.
    """
    indices = _indices(roots)
    suffix, counts = _suffix(indices)
    space, spaces = _space(indices, suffix)
    labels = _mask_labels(indices)
    chosen = [label for label in labels if label in _USUAL_MASKS or any(w in label.lower() for w in _PATHOLOGY)]
    settings: dict[str, object] = {"suffix": suffix, **_maps(indices)}
    if space is not None:
        settings["space"] = space
    if chosen and not set(chosen) <= set(_USUAL_MASKS):
        settings["mask_labels"] = chosen
    known = {"reader": "bids", "roots": [str(root) for root in roots], "label": {"positive": "?"}, **settings}
    rows, notes, faults = list_images(BidsCohort.model_validate(known))
    if not all(len(found) == 1 for row in rows for found in row.companions.maps):
        del settings["maps"]
    faults = (*faults, *_absent(rows))
    if not rows:
        raise DataError(faults)
    columns = dict.fromkeys(name for row in rows for name in row.cells if name not in (DATASET, "participant_id"))
    cells = {name: filled(row.cells.get(name, "") for row in rows) for name in columns}
    frame = pd.DataFrame(cells, index=range(len(rows)), dtype=object)
    return Profile(
        reader="bids",
        source=tuple(os.path.abspath(root) for root in roots),
        datasets=_datasets(indices, rows),
        frame=frame,
        subject=tuple(row.subject for row in rows),
        dataset=tuple(row.dataset for row in rows),
        image=tuple(row.images[0].path for row in rows),
        marked=tuple(row.companions.mask is not None for row in rows),
        tissue=tuple(bool(row.companions.tissue) for row in rows),
        brain=tuple(row.companions.brain_mask is not None for row in rows),
        settings=settings,
        choices={"suffix": _listed(counts), "space": _listed(spaces), "mask_labels": _listed(labels)},
        notes=notes,
        faults=faults,
    )


def _indices(roots: Sequence[Path]) -> list[BidsIndex]:
    found: list[BidsIndex] = []
    faults: list[Fault] = []
    for root in roots:
        try:
            index = index_dataset(root)
        except DataError as error:
            faults.extend(error.faults)
            continue
        found.append(index)
        if not any(_anatomical(file) for files in index.by_subject.values() for file in files):
            faults.append(Fault(str(root), "no image in sub-*/[ses-*/]anat", _REMEDY))
    if faults:
        raise DataError(faults)
    return found


def _maps(indices: Sequence[BidsIndex]) -> dict[str, list[str]]:
    """Suffixes of maps that the user made of the images and every dataset holds."""
    found = [
        {file.suffix for files in index.by_subject.values() for file in files if file.is_image and _is_map(file.suffix)}
        for index in indices
    ]
    shared = sorted(set.intersection(*found))
    return {"maps": shared} if shared else {}


def _is_map(suffix: str) -> bool:
    return any(word in suffix.lower() for word in MAPS)


def _anatomical(file: BidsFile) -> bool:
    """Whether it is an image of the anatomy and not a mask or a map of one."""
    folder = os.path.basename(os.path.dirname(file.path))
    derived = file.suffix in ("mask", "roi", "probseg", "dseg", "defacemask") or _is_map(file.suffix)
    return file.is_image and folder == "anat" and not derived


def _suffix(indices: Sequence[BidsIndex]) -> tuple[str, dict[str, int]]:
    """Kind of image that most subjects of the dataset that has it least have; T1w before FLAIR before others."""
    counts = [_subjects_with(index) for index in indices]
    every = sorted({suffix for count in counts for suffix in count})

    def worth(suffix: str) -> tuple[float, int, int]:
        shares = [count[suffix] / len(index.subjects) for count, index in zip(counts, indices, strict=True)]
        rank = _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED)
        return min(shares), sum(count[suffix] for count in counts), -rank

    return max(every, key=worth), {suffix: sum(count[suffix] for count in counts) for suffix in every}


def _subjects_with(index: BidsIndex) -> Counter[str]:
    return Counter(
        suffix for files in index.by_subject.values() for suffix in {f.suffix for f in files if _anatomical(f)}
    )


def _space(indices: Sequence[BidsIndex], suffix: str) -> tuple[str | None, dict[str, int]]:
    """Choose a space where the images of the datasets themselves name none: a template in which everybody is."""
    spaces: Counter[str] = Counter()
    subjects, needed = 0, False
    for index in indices:
        for files in index.by_subject.values():
            own = [file for file in files if _anatomical(file) and file.suffix == suffix]
            raw = [file for file in own if file.raw]
            subjects += bool(own)
            needed |= bool(own) and (not raw or len(raw) > len({_acquisition(file) for file in raw}))
            needed |= any("space" not in file.entities for file in raw)
            spaces.update({file.entities["space"] for file in own if "space" in file.entities})
    templates = [space for space in sorted(spaces) if spaces[space] == subjects and space.startswith("MNI")]
    return (templates[0] if needed and templates else None), dict(spaces)


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


def _datasets(indices: Sequence[BidsIndex], rows: Sequence[ImageRow]) -> tuple[DatasetCounts, ...]:
    counts = []
    for index in indices:
        folder = os.path.abspath(index.root) + os.sep
        own = [row for row in rows if row.images[0].path.startswith(folder)]
        present = {row.images[0].entities["sub"] for row in own}
        listed = _participants(index.root)
        counts.append(
            DatasetCounts(
                name=own[0].dataset if own else index.root.name,
                participants=len(listed),
                subjects=len(present),
                images=len(own),
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
