"""The files of one BIDS dataset, listed in one pass."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from biasaudit.cohort.images.headers import sidecar_content
from biasaudit.errors import DataError, Fault
from biasaudit.regular_files import real_path

__all__ = ["BidsFile", "BidsIndex", "dataset_name", "index_dataset", "sidecar_fields"]

_EXTENSIONS = (".nii.gz", ".nii", ".json")
_ENTITY = re.compile(r"([A-Za-z0-9]+)-([A-Za-z0-9+]+)")


@dataclass(frozen=True)
class BidsFile:
    """One file, read from its name.

    Attributes
    ----------
    path : str
        Absolute.
    entities : mapping
        ``{"sub": "07", "space": "MNI152"}``.
    suffix : str
        ``T1w``, ``mask``.
    extension : str
        ``.nii.gz``.
    raw : bool
        Whether it lies in the dataset itself and not in its derivatives.
    """

    path: str
    entities: Mapping[str, str]
    suffix: str
    extension: str
    raw: bool

    @property
    def is_image(self) -> bool:
        """Whether it is a NIfTI file."""
        return self.extension != ".json"

    @property
    def depth(self) -> int:
        """Number of folders above it."""
        return self.path.count(os.sep)


@dataclass(frozen=True)
class BidsIndex:
    """One dataset.

    Attributes
    ----------
    root : Path
    by_subject : mapping of subject (without ``sub-``) to its files
    shared : tuple of BidsFile
        Sidecars at the top of the dataset.
    """

    root: Path
    by_subject: Mapping[str, tuple[BidsFile, ...]]
    shared: tuple[BidsFile, ...]

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Subjects with at least one file in the dataset itself or its derivatives, sorted."""
        return tuple(sorted(self.by_subject))


def index_dataset(root: Path) -> BidsIndex:
    """List ``sub-*`` and ``derivatives/*/sub-*`` of a dataset; every folder is looked into once.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    if not os.path.isdir(root):
        raise DataError([Fault(str(root), "no such folder", "give the folder that holds participants.tsv")])
    folder = os.path.abspath(root)
    by_subject: dict[str, list[BidsFile]] = {}
    for top, raw in [(folder, True), *((derivative, False) for derivative in _derivatives(folder))]:
        for entry in sorted(_entries(top), key=lambda entry: entry.name):
            if entry.name.startswith("sub-") and entry.is_dir():
                by_subject.setdefault(entry.name[4:], []).extend(_walk(entry.path, raw, frozenset({top})))
    shared = [
        _parse(entry.path, entry.name, True) for entry in _entries(folder) if entry.name.lower().endswith(".json")
    ]
    return BidsIndex(
        root,
        {subject: tuple(sorted(files, key=lambda file: file.path)) for subject, files in by_subject.items()},
        tuple(file for file in shared if file is not None),
    )


def dataset_name(root: Path) -> str:
    """``Name`` in dataset_description.json, else the name of the folder."""
    name = _read_json(str(root / "dataset_description.json")).get("Name")
    return name.strip() if isinstance(name, str) and name.strip() else real_path(root).name


def sidecar_fields(index: BidsIndex, image: BidsFile) -> dict[str, Any]:
    """Read the fields of the JSON sidecars that apply to an image, by the inheritance principle of BIDS.

    A sidecar applies when it has the image's suffix and no entity that the image has not; the nearer one wins. The
    sidecars of the dataset also apply to images in its derivatives.

    Raises
    ------
    DataError
        One fault for each that cannot be read.
    """
    candidates = [*index.shared, *index.by_subject.get(image.entities.get("sub", ""), ())]
    applicable = [file for file in candidates if not file.is_image and _applies(file, image)]
    fields: dict[str, Any] = {}
    faults: list[Fault] = []
    for file in sorted(applicable, key=lambda file: (not file.raw, file.depth, len(file.entities))):
        try:
            fields |= _read_json(file.path)
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    return fields


def _applies(sidecar: BidsFile, image: BidsFile) -> bool:
    if not sidecar.raw and os.path.dirname(sidecar.path) != os.path.dirname(image.path):
        return False
    return sidecar.suffix == image.suffix and sidecar.entities.items() <= image.entities.items()


def _derivatives(folder: str) -> list[str]:
    top = os.path.join(folder, "derivatives")
    if not os.path.isdir(top):
        return []
    pipelines = sorted(entry.path for entry in _entries(top) if entry.is_dir() and not entry.name.startswith("sub-"))
    return [top, *pipelines]


def _walk(folder: str, raw: bool, above: frozenset[str]) -> Iterator[BidsFile]:
    """Yield the files below a folder; a link back to one of the folders `above` is not followed."""
    real = os.path.realpath(folder)
    if real in above:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _walk(entry.path, raw, above | {real})
        else:
            file = _parse(entry.path, entry.name, raw)
            if file is not None:
                yield file


def _entries(folder: str) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError([Fault(folder, f"cannot be looked into ({error.strerror or error})")]) from None


def _parse(path: str, name: str, raw: bool) -> BidsFile | None:
    extension = next((ending for ending in _EXTENSIONS if name.lower().endswith(ending)), None)
    if extension is None:
        return None
    *parts, suffix = name[: -len(extension)].split("_")
    matches = [_ENTITY.fullmatch(part) for part in parts]
    if not all(matches):
        return None
    return BidsFile(path, {match[1]: match[2] for match in matches if match}, suffix, extension, raw)


def _read_json(path: str) -> dict[str, Any]:
    return sidecar_content(path) if os.path.lexists(path) else {}
