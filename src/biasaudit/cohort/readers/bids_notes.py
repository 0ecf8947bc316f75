"""What a BIDS dataset holds twice, in part, or as links to nothing: one line each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from biasaudit.cohort.images.gathered_faults import few_files
from biasaudit.cohort.images.mistaken import dangling_link, mistaken
from biasaudit.cohort.readers.bids_choice import choice_remedy, differing
from biasaudit.cohort.readers.bids_index import BidsFile
from biasaudit.errors import Fault
from biasaudit.records import Note
from biasaudit.regular_files import read_start

__all__ = [
    "acquisition_notes",
    "first_names",
    "gathered_files",
    "incomplete_fault",
    "mixture_notes",
    "naming",
    "not_fetched",
    "phase_notes",
    "several_fault",
]

_SHOWN = 5
_START = 512


def first_names(names: Sequence[str]) -> str:
    """List the first few of some names, and say how many more there are."""
    listed = ", ".join(names[:_SHOWN])
    return f"{listed} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else listed


def naming(said: str, names: Sequence[str]) -> Note:
    """Say something of subjects or files, the first few by name; where nobody may be named how many they are."""
    return Note(f"{said}: {first_names(names)}", f"{said} ({len(names)})")


def several_fault(root: Path, several: Sequence[Sequence[BidsFile]]) -> Fault:
    """Refuse images that exist in several versions; say in what they differ and how one is chosen."""
    found = _all_differing(several)
    names = [" / ".join(os.path.basename(file.path) for file in versions) for versions in several]
    differ = "; ".join(f"{entity} {', '.join(values)}" for entity, values in found.items())
    message = f"several images of one kind ({differ or 'of one name'}): {first_names(names)}"
    return Fault(str(root), message, choice_remedy(found))


def incomplete_fault(root: Path, suffixes: Sequence[str], left_out: Sequence[str]) -> Fault:
    """Refuse a dataset in which no session and run has all channels."""
    message = f"no session and run has all channels ({' and '.join(suffixes)}): {first_names(left_out)}"
    remedy = "name the channels of one image alike, or choose by `cohort.entities`, such as `{run: 1}`"
    return Fault(str(root), message, remedy)


def phase_notes(dataset: str, phase: Sequence[str]) -> list[str]:
    """Say which images are left out because they show no magnitude."""
    if not phase:
        return []
    said = f"{dataset}: {len(phase)} phase, real or imaginary images (`part-`) are left out"
    return [Note(f"{said}: {first_names(phase)}", said)]


def mixture_notes(dataset: str, images: Iterable[BidsFile]) -> list[str]:
    """Say that some images of a dataset are raw and others processed, which a network tells apart."""
    names: dict[bool, list[str]] = {True: [], False: []}
    for image in images:
        names[image.raw].append(os.path.basename(image.path))
    few = min(names.values(), key=len)
    if not few:
        return []
    what = "raw among processed" if few is names[True] else "processed among raw"
    said, remedy = f"{dataset}: {len(few)} images are {what} ones", "`cohort.select` leaves subjects out"
    return [Note(f"{said}: {first_names(few)}; {remedy}", f"{said}; {remedy}")]


def acquisition_notes(dataset: str, sessions: Iterable[Sequence[BidsFile]]) -> list[str]:
    """Name the entities by which images of one session differ, since they may be of different contrast.

    Parameters
    ----------
    dataset : str
        Its name.
    sessions : iterable of sequences of BidsFile
        First channels of the images of each session.
    """
    return [
        f"{dataset}: sessions with several images that differ in {entity} ({first_names(values)}), each taken as an "
        f"image of its subject; `cohort.entities: {{{entity}: ...}}` chooses"
        for entity, values in _all_differing(sessions).items()
        if entity != "run"
    ]


def not_fetched(path: Path) -> Fault | None:
    """Make a fault of a link or a pointer to content that is not here, as of DataLad and Git LFS."""
    if link := dangling_link(str(path)):
        return Fault(str(path), *link)
    found = mistaken(read_start(path, _START), path.suffix) if path.is_file() else None
    return Fault(str(path), *found) if found and "pointer" in found[0] else None


def gathered_files(faults: Iterable[Fault]) -> list[Fault]:
    """Gather faults that say the same of several files, which are where they lie."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        kinds.setdefault((fault.message, fault.remedy), []).append(fault.where)
    return [
        Fault(places[0], message + _several(list(dict.fromkeys(places))), remedy)
        for (message, remedy), places in kinds.items()
    ]


def _several(paths: Sequence[str]) -> str:
    return f" ({len(paths)} files: {few_files(paths)})" if len(paths) > 1 else ""


def _all_differing(several: Iterable[Sequence[BidsFile]]) -> Mapping[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for versions in several:
        for entity, values in differing(versions).items():
            found.setdefault(entity, {}).update(dict.fromkeys(values))
    return {entity: list(values) for entity, values in found.items()}
