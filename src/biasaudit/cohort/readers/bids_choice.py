"""Which files of a BIDS subject are images of the cohort: of the space and entities asked for, and never phase."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from biasaudit.cohort.readers.bids_index import BidsFile
from biasaudit.protocol import BidsCohort

__all__ = ["VERSION", "candidates", "choice_remedy", "differing", "not_magnitude"]

VERSION = frozenset(
    {"sub", "space", "res", "den", "desc", "cohort", "rec", "proc", "echo", "inv", "flip", "mt", "part", "hemi"}
)
"""Entities that tell versions of one acquisition, and parts of it, apart, as against acquisitions."""

_DERIVED = frozenset({"space", "res", "den", "desc", "cohort"})
"""Entities that images have once they are processed; what asks for one asks for derivatives."""
_PART, _NO_MAGNITUDE = "part", ("phase", "real", "imag")


def candidates(files: Iterable[BidsFile], suffix: str, settings: BidsCohort) -> list[BidsFile]:
    """List the files of a subject that may be its image of a suffix; those of derivatives where they are asked for.

    Derivatives are asked for by `space` and by entities that processed images alone have; any other entity chooses
    among raw images, so that nobody enters by a processed one.

    Parameters
    ----------
    files : iterable of BidsFile
        All files of the subject.
    suffix : str
    settings : BidsCohort
        Its `space` and `entities` choose.
    """
    images = [file for file in _anatomical(files, suffix) if settings.space in (None, file.entities.get("space"))]
    if _PART not in settings.entities:
        images = [file for file in images if file.entities.get(_PART) not in _NO_MAGNITUDE]
    for entity, values in settings.entities.items():
        named = [file for file in images if entity in file.entities]
        images = [file for file in named if _is_one_of(file.entities[entity], values)] if named else images
    raw = [file for file in images if file.raw]
    return raw if raw or (settings.space is None and not _DERIVED & settings.entities.keys()) else images


def not_magnitude(files: Iterable[BidsFile], settings: BidsCohort) -> list[str]:
    """Names of phase images and the like, which are left out unless `entities` asks for a part."""
    if _PART in settings.entities:
        return []
    images = [file for suffix in settings.suffix for file in _anatomical(files, suffix)]
    return [os.path.basename(f.path) for f in images if f.raw and f.entities.get(_PART) in _NO_MAGNITUDE]


def differing(versions: Sequence[BidsFile]) -> dict[str, tuple[str, ...]]:
    """Entities in which the versions of an image differ -> their values, ``none`` where one is not named."""
    names = dict.fromkeys(name for file in versions for name in file.entities)
    values = {name: tuple(dict.fromkeys(file.entities.get(name, "none") for file in versions)) for name in names}
    return {name: found for name, found in values.items() if len(found) > 1}


def choice_remedy(found: Mapping[str, Sequence[str]]) -> str:
    """Say how one of several versions is chosen.

    Parameters
    ----------
    found : mapping of entity to values
        As of `differing`.
    """
    if not found:
        return "remove the others"
    steps = ["set `space` to the one to take"] if "space" in found else []
    others = {name: next(v for v in values if v != "none") for name, values in found.items() if name != "space"}
    if others:
        chosen = ", ".join(f"{name}: {value}" for name, value in others.items())
        steps.append(f"choose by `cohort.entities`, such as `{{{chosen}}}`")
    return f"{' and '.join(steps)}, or remove the others"


def _anatomical(files: Iterable[BidsFile], suffix: str) -> list[BidsFile]:
    return [
        f for f in files if f.is_image and f.suffix == suffix and os.path.basename(os.path.dirname(f.path)) == "anat"
    ]


def _is_one_of(value: str, wanted: Sequence[str]) -> bool:
    return any(value == each or (value.isdigit() and each.isdigit() and int(value) == int(each)) for each in wanted)
