"""Faults and notes of mask files: values that no mask has, empty masks, masks of the whole brain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.errors import Fault
from biasaudit.records import Cohort, Note, Sample

__all__ = ["mask_faults", "mask_notes"]

_WHOLE = 0.9
"""A mask of this share of the brain leaves nothing beside the pathology that a network could be asked about."""
_WHOLE_PICTURE = 0.995
_LARGE = 0.5
_FAINTEST = 0.1
_SHOWN = 5


def mask_faults(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[Fault]:
    """Refuse masks with negative values, empty brain masks, and pathology masks of the whole brain.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
        Of the files that could be read.
    """
    return [fault for sample in cohort.samples for fault in _faults(sample, facts)]


def _faults(sample: Sample, facts: Mapping[str, FileFacts]) -> list[Fault]:
    faults = []
    for kind, path in (("mask", sample.mask), ("brain mask", sample.brain_mask)):
        fact = facts.get(path or "")
        if fact is not None and fact.minimum < 0:
            message = f"{path}: {kind} with values from {fact.minimum:g} to {fact.maximum:g}"
            remedy = "a mask is 0 outside and above 0 inside; binarise a map of scores first"
            faults.append(Fault(sample.where, message, remedy))
    brain = facts.get(sample.brain_mask or "")
    if brain is not None and brain.maximum <= 0:
        message = f"{sample.brain_mask}: the brain mask is empty"
        faults.append(Fault(sample.where, message, "replace it or leave the cell empty"))
    covered = _covered(sample, facts)
    if covered is not None and covered[0] >= _limit(sample, facts):
        message = f"{sample.mask}: the pathology mask covers {min(covered[0], 1):.0%} of {covered[1]}"
        remedy = "give the mask of the pathology alone, or leave the row out; a brain mask has a column of its own"
        faults.append(Fault(sample.where, message, remedy))
    return faults


def _limit(sample: Sample, facts: Mapping[str, FileFacts]) -> float:
    """Return the share from which nothing is left beside the pathology: a lesion may fill a picture nearly."""
    return _WHOLE_PICTURE if len(facts[sample.images[0]].shape) == 2 else _WHOLE


def _covered(sample: Sample, facts: Mapping[str, FileFacts]) -> tuple[float, str] | None:
    """Share of the brain, or of the image where the brain is not known, that the pathology mask covers."""
    mask = facts.get(sample.mask or "")
    brain, image = facts.get(sample.brain_mask or ""), facts.get(sample.images[0]) if sample.images else None
    if mask is None or image is None or not _is_comparable(mask, image):
        return None
    assert mask.occupied is not None
    if brain is not None and brain.occupied:
        return mask.occupied / brain.occupied, "the brain mask"
    if image.empty_border and image.occupied:
        return mask.occupied / image.occupied, "the brain"
    return mask.occupied, "the image"


def _is_comparable(mask: FileFacts, image: FileFacts) -> bool:
    """Whether mask and image have one shape and the mask is sound, so that their sizes can be compared."""
    sound = mask.finite and mask.minimum >= 0 and bool(mask.occupied)
    return sound and sorted(mask.shape) == sorted(image.shape[:3])


def mask_notes(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[str]:
    """Say which pathology masks are empty, have several values, or cover most of the brain.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
        Of all masks that could be read.
    """
    masks = [(sample, facts[sample.mask]) for sample in cohort.samples if sample.mask and sample.mask in facts]
    covered = [(sample, _covered(sample, facts)) for sample, _ in masks]
    told = {
        "the pathology mask is empty": [s.subject for s, fact in masks if s.has_mask and fact.maximum <= 0],
        "masks in JPEG, around whose edges compression leaves ripples, binarised at half of their largest value": [
            sample.subject for sample, fact in masks if fact.lossy and not fact.binary
        ],
        "masks with several values, binarised at > 0": [s.subject for s, f in masks if not (f.binary or f.lossy)],
        f"masks of which more than {_FAINTEST:.0%} is fainter than a twentieth of the largest value, as compression "
        "or interpolation leave it, and counts all the same; threshold them yourself": [
            sample.subject for sample, fact in masks if not fact.lossy and fact.faint > _FAINTEST * (fact.occupied or 0)
        ],
        f"the pathology mask covers more than {_LARGE:.0%} of the brain, or of an image whose brain is not known": [
            sample.subject for sample, share in covered if share is not None and share[0] > _LARGE
        ],
    }
    return [Note(f"{what}: {_some(names)}", f"{what} ({len(names)} images)") for what, names in told.items() if names]


def _some(subjects: Sequence[str]) -> str:
    listed = ", ".join(subjects[:_SHOWN])
    return f"{listed} and {len(subjects) - _SHOWN} more" if len(subjects) > _SHOWN else listed
