"""Group the files of a BIDS subject: the channels of a sample, its masks and its tissue maps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from biasaudit.cohort.images.lesion_maps import LESION
from biasaudit.cohort.images.volumes import TISSUES
from biasaudit.cohort.readers.bids_choice import VERSION, candidates, not_magnitude
from biasaudit.cohort.readers.bids_index import BidsFile
from biasaudit.errors import Fault
from biasaudit.protocol import BidsCohort

__all__ = ["Companions", "Groups", "companions", "group_images", "map_faults"]

# Two files that name different ones of these are not of the same image.
_SAME_IMAGE = ("ses", "run", "space")
_CLOSER = ("space", "res", "ses", "run", "acq")


@dataclass(frozen=True)
class Groups:
    """The samples of one subject.

    Attributes
    ----------
    images : tuple of tuples of BidsFile
        One file per suffix.
    incomplete : tuple of str
        A file of each session or run that lacks a suffix, and which.
    ambiguous : tuple of tuples of BidsFile
        Versions of one image, of which one must be chosen.
    phase : tuple of str
        Names of phase images and the like, which are left out.
    """

    images: tuple[tuple[BidsFile, ...], ...]
    incomplete: tuple[str, ...]
    ambiguous: tuple[tuple[BidsFile, ...], ...]
    phase: tuple[str, ...] = ()


@dataclass(frozen=True)
class Companions:
    """Masks and tissue maps of one image.

    Attributes
    ----------
    mask, brain_mask : str or None
        Absolute paths.
    tissue : tuple of str
        Three files, one 4-D file, or none.
    maps : tuple of tuples of str
        For every suffix of `BidsCohort.maps` the files that fit best: one, none, or several.
    several : bool
        Whether further masks fit as well as the one taken.
    elsewhere : bool
        Whether there are pathology masks, but only in another space than the image.
    """

    mask: str | None
    brain_mask: str | None
    tissue: tuple[str, ...]
    maps: tuple[tuple[str, ...], ...]
    several: bool
    elsewhere: bool


def group_images(files: Sequence[BidsFile], settings: BidsCohort) -> Groups:
    """Group the images of one subject into samples, one file per suffix.

    Parameters
    ----------
    files : sequence of BidsFile
        All files of the subject.
    settings : BidsCohort
        `suffix`, `space` and `entities`.
    """
    found = [file for suffix in settings.suffix for file in candidates(files, suffix, settings)]
    images: list[tuple[BidsFile, ...]] = []
    incomplete: list[str] = []
    ambiguous: list[tuple[BidsFile, ...]] = []
    for session in sorted({file.entities.get("ses", "") for file in found}):
        members = [file for file in found if file.entities.get("ses", "") == session]
        for group in _acquisitions(members, settings.suffix):
            by_suffix = [[file for file in group if file.suffix == suffix] for suffix in settings.suffix]
            if not all(by_suffix):
                incomplete.append(_lacking(group, settings.suffix))
            elif any(len(versions) > 1 for versions in by_suffix):
                ambiguous += [tuple(versions) for versions in by_suffix if len(versions) > 1]
            else:
                images.append(tuple(versions[0] for versions in by_suffix))
    return Groups(tuple(images), tuple(incomplete), tuple(ambiguous), tuple(not_magnitude(files, settings)))


def companions(files: Sequence[BidsFile], image: BidsFile, settings: BidsCohort) -> Companions:
    """Find the masks and tissue maps of an image: of its session, run and space, with the most similar name.

    A pathology mask may leave the space out, or name one where the image does not: whether it lies on the image is
    checked when the files are read. Brain masks and maps must name the same.

    Parameters
    ----------
    files : sequence of BidsFile
        All files of the subject.
    image : BidsFile
    settings : BidsCohort
        `mask_labels` (``label`` entities of pathology masks, preferred first) and `maps`.
    """
    mask_labels = settings.mask_labels
    fitting = [file for file in files if file.is_image and _fits(file, image, _SAME_IMAGE)]
    masks = [file for file in fitting if _marks_pathology(file, mask_labels)]
    anywhere = any(_marks_pathology(file, mask_labels) and _fits(file, image, ("ses", "run")) for file in files)
    same = [file for file in fitting if file.entities.get("space") == image.entities.get("space")]
    brains = [f for f in same if f.suffix == "mask" and f.entities.get("desc") == "brain"]
    best = _closest(masks, image, mask_labels)
    brain = _closest(brains, image, ())
    return Companions(
        mask=best[0].path if best else None,
        brain_mask=brain[0].path if brain else None,
        tissue=_tissue(same, image),
        maps=tuple(
            tuple(file.path for file in _closest([f for f in same if f.suffix == suffix], image, ()))
            for suffix in settings.maps
        ),
        several=len(best) > 1,
        elsewhere=anywhere and not best,
    )


def map_faults(files: Companions, image: BidsFile, where: str, settings: BidsCohort) -> list[Fault]:
    """Name the maps of an image that are missing, or of which several fit equally well."""
    name = os.path.basename(image.path)
    remedy = "write one per image, with the same sub, ses, run and space in its name; `select` leaves images out"
    return [
        Fault(where, f"{len(paths)} files with the suffix {suffix!r} (`cohort.maps`) for {name}, expected one", remedy)
        for suffix, paths in zip(settings.maps, files.maps, strict=True)
        if len(paths) != 1
    ]


def _acquisitions(files: Sequence[BidsFile], suffixes: Sequence[str]) -> list[list[BidsFile]]:
    """Split the images of a session into acquisitions; a session with one file per suffix is one acquisition."""
    if all(sum(file.suffix == suffix for file in files) <= 1 for suffix in suffixes):
        return [list(files)]
    groups: dict[frozenset[tuple[str, str]], list[BidsFile]] = {}
    for file in files:
        groups.setdefault(frozenset((k, v) for k, v in file.entities.items() if k not in VERSION), []).append(file)
    return list(groups.values())


def _lacking(group: Sequence[BidsFile], suffixes: Sequence[str]) -> str:
    """Name the first file of an acquisition and the suffixes that it lacks."""
    missing = [suffix for suffix in suffixes if suffix not in {file.suffix for file in group}]
    return f"{os.path.basename(group[0].path)} (without {' and '.join(missing)})"


def _marks_pathology(file: BidsFile, labels: Sequence[str]) -> bool:
    return file.is_image and file.suffix in ("mask", "roi") and file.entities.get("label") in labels


def _fits(file: BidsFile, image: BidsFile, same: Sequence[str]) -> bool:
    """Whether two files agree on each of these entities that both name."""
    both = (name for name in same if name in file.entities and name in image.entities)
    return all(file.entities[name] == image.entities[name] for name in both)


def _closest(files: Sequence[BidsFile], image: BidsFile, labels: Sequence[str]) -> list[BidsFile]:
    """Return the files that share most entities with the image; among those, the label named first."""

    def distance(file: BidsFile) -> tuple[int, ...]:
        differing = tuple(int(file.entities.get(name) != image.entities.get(name)) for name in _CLOSER)
        label = labels.index(file.entities["label"]) if labels else 0
        return (*differing, label)

    if not files:
        return []
    smallest = min(distance(file) for file in files)
    return [file for file in files if distance(file) == smallest]


def _tissue(files: Sequence[BidsFile], image: BidsFile) -> tuple[str, ...]:
    maps = [file for file in files if file.suffix == "probseg"]
    named = [_closest([m for m in maps if m.entities.get("label") == tissue], image, ()) for tissue in TISSUES]
    if all(named):
        lesions = _closest([m for m in maps if m.entities.get("label") == LESION], image, ())
        return tuple(closest[0].path for closest in [*named, *([lesions] if lesions else [])])
    whole = _closest([file for file in maps if "label" not in file.entities], image, ())
    return (whole[0].path,) if whole else ()
