"""Tell which masks of a cohort mark pathology, which name a place to erase in everybody, and which are of no use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from biasaudit.cohort.readers.bids_notes import naming
from biasaudit.protocol import CohortSettings
from biasaudit.records import Sample

__all__ = ["is_marked", "with_usable_masks"]


def is_marked(mask: str | None, positive: bool, settings: CohortSettings) -> bool:
    """Whether a mask is there and marks pathology: in the negative class only where the protocol says so."""
    return mask is not None and (positive or settings.mask_in == "all")


def with_usable_masks(
    samples: Sequence[Sample], settings: CohortSettings, *, labelled: bool
) -> tuple[tuple[Sample, ...], list[str]]:
    """Leave out masks of the negative class that are no pathology, unless every negative sample has one.

    A healthy subject's mask names a place that is erased from everybody alike (`mask_donor_rows`), which only masks of
    the whole class can do.

    Parameters
    ----------
    samples : sequence of Sample
    settings : CohortSettings
    labelled : bool
        False for new images to predict, of which nothing is erased.

    Returns
    -------
    tuple of Sample
    list of str
        Notes.
    """
    places = [sample for sample in samples if sample.mask is not None and not sample.has_mask]
    negative = sum(not sample.positive for sample in samples)
    used = labelled and len(places) == negative
    kept = tuple(sample if used or sample.has_mask else replace(sample, mask=None) for sample in samples)
    return kept, [*_place_notes(len(places), negative), *_missing_notes(samples, settings)] if labelled else []


def _place_notes(places: int, negative: int) -> list[str]:
    remedy = "set `cohort.mask_in: all` if the disease is a lesion in every class, such as benign and malignant"
    if not places:
        return []
    if places < negative:
        return [f"{places} of {negative} samples of the negative class have a mask, which are not used: {remedy}"]
    return [
        f"masks in both classes: those of the negative class are taken for places to erase, not for pathology; {remedy}"
    ]


def _missing_notes(samples: Sequence[Sample], settings: CohortSettings) -> list[str]:
    asked = [sample for sample in samples if sample.positive or settings.mask_in == "all"]
    missing = [sample.subject for sample in asked if not sample.has_mask]
    return [naming("no pathology mask", missing)] if 0 < len(missing) < len(asked) else []
