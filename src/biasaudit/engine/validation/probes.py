"""Look at the files of the probes, and refuse those that were not made as the audited images were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import GridSettings
from biasaudit.records import Cohort, Sample

__all__ = ["inspected_probes"]


def inspected_probes(
    cohort: Cohort, grid_settings: GridSettings, known: Mapping[str, FileFacts]
) -> dict[str, FileFacts]:
    """Read the files of the probes, and return the facts of all files, those of the cohort first.

    Parameters
    ----------
    cohort : Cohort
        Its own images have been looked at.
    grid_settings : GridSettings
    known : mapping of path to FileFacts
        Of the cohort's files, and what an earlier look found.

    Raises
    ------
    DataError
        Every fault at once: files that cannot be read, the same image as one of the cohort, other channels, other size.
    """
    together = replace(cohort, samples=(*cohort.samples, *cohort.probes))
    inspection = inspect_files(together, grid_settings, known)
    facts = dict(inspection.facts)
    faults = [*inspection.faults]
    for sample in cohort.probes:
        faults += [*_same_image(sample, cohort, facts), *_other_size(sample, cohort, facts)]
    if faults:
        raise DataError(faults)
    return facts


def _same_image(sample: Sample, cohort: Cohort, facts: Mapping[str, FileFacts]) -> Iterator[Fault]:
    """Refuse a probe whose file is a copy of one that is trained on."""
    own = _hashes(sample, facts)
    twin = next((other for other in cohort.samples if own and _hashes(other, facts) == own), None)
    if twin is not None:
        message = f"{sample.images[0]}: the same picture as {twin.images[0]} of the cohort ({twin.where})"
        yield Fault(sample.where, message, "a probe must not be trained on; leave it out of one of the two")


def _hashes(sample: Sample, facts: Mapping[str, FileFacts]) -> tuple[str, ...]:
    known = [facts[path].sha256 for path in sample.images if path in facts]
    return tuple(known) if len(known) == len(sample.images) else ()


def _other_size(sample: Sample, cohort: Cohort, facts: Mapping[str, FileFacts]) -> Iterator[Fault]:
    """Refuse a probe of another size than all images of its origin: it was exported in another way."""
    factor = cohort.factors[0]
    origin = sample.origins[factor]
    usual = {
        facts[other.images[0]].shape
        for other in cohort.samples
        if other.images and other.images[0] in facts and other.origins[factor] == origin
    }
    fact = facts.get(sample.images[0]) if sample.images else None
    if fact is not None and len(usual) == 1 and fact.shape not in usual:
        sizes = " x ".join(map(str, fact.shape)), " x ".join(map(str, next(iter(usual))))
        message = f"{sample.images[0]}: {sizes[0]}, whereas every image from {origin} in the cohort has {sizes[1]}"
        yield Fault(sample.where, message, "export probes as the audited images of their source were")
