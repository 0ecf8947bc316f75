"""Lesion probability maps as a fourth tissue: taken only where they cannot give the class away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.errors import Fault
from biasaudit.records import Cohort, Sample

__all__ = ["LESION", "lesion_map_faults", "with_common_maps"]

LESION = "lesion"
"""Label of the map in BIDS derivatives (``label-lesion_probseg``)."""

_MAPS = 4


def with_common_maps(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], list[str]]:
    """Leave lesion maps out unless every sample has one; for readers that find maps by themselves."""
    having = [sample for sample in samples if len(sample.tissue) == _MAPS]
    if not having or len(having) == len(samples):
        return tuple(samples), []
    note = (
        f"lesion probability maps of {len(having)} of {len(samples)} images are not used: as an input they would say "
        "who was looked at for lesions; run the tool on everybody, blind to the class"
    )
    return tuple(replace(sample, tissue=sample.tissue[: _MAPS - 1]) for sample in samples), [note]


def lesion_map_faults(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[Fault]:
    """Refuse lesion maps that are empty for one class and not for another, since they give the class away.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
    """
    filled: dict[str, list[bool]] = {}
    for sample in cohort.samples:
        if len(sample.tissue) == _MAPS and sample.tissue[-1] in facts:
            filled.setdefault(sample.label, []).append(facts[sample.tissue[-1]].maximum > 0)
    if not any(any(own) for own in filled.values()):
        return []
    first = {sample.label: sample for sample in reversed(cohort.samples)}
    remedy = "give what an automatic tool finds in every subject, run blind to the class, or leave the lesion map out"
    return [
        Fault(
            first[label].where,
            f"the lesion map is empty in all {len(own)} images of class {label!r}: it would give the class away",
            remedy,
        )
        for label, own in filled.items()
        if not any(own)
    ]
