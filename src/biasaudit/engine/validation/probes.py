"""Look at the files of the probes, and refuse those that were not made as the audited images were."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Sample

__all__ = ["inspected_probes"]


def inspected_probes(cohort: Cohort, protocol: Protocol, known: Mapping[str, FileFacts]) -> dict[str, FileFacts]:
    """Read the files of the probes, and return the facts of all files, those of the cohort first.

    Parameters
    ----------
    cohort : Cohort
        Its own images have been looked at.
    protocol : Protocol
    known : mapping of path to FileFacts
        Of the cohort's files, and what an earlier look found.

    Raises
    ------
    DataError
        Every fault at once: files that cannot be read, the same image as one of the cohort, other channels, other size.
    """
    together = replace(cohort, samples=(*cohort.samples, *cohort.probes))
    inspection = inspect_files(together, protocol.grid, known, protocol.cohort)
    facts = dict(inspection.facts)
    faults = [*inspection.faults, *_copies(cohort, facts)]
    for sample in cohort.probes:
        faults += [*_other_size(sample, cohort, facts), *_other_colour(sample, cohort, facts)]
    if faults:
        raise DataError(faults)
    return facts


def _copies(cohort: Cohort, facts: Mapping[str, FileFacts]) -> Iterator[Fault]:
    """Refuse a probe whose files are copies of those of an audited image, or of another probe."""
    audited = {_hashes(sample, facts): sample for sample in reversed(cohort.samples)}
    seen: dict[tuple[str, ...], Sample] = {}
    for sample in cohort.probes:
        own = _hashes(sample, facts)
        twin, first = (audited.get(own), seen.setdefault(own, sample)) if own else (None, sample)
        if twin is not None:
            message = f"{sample.images[0]}: the same picture as {twin.images[0]} of the cohort ({twin.where})"
            yield Fault(sample.where, message, "a probe must not be trained on; leave it out of one of the two")
        if first is not sample:
            message = f"{sample.images[0]}: the same picture as {first.images[0]} of another probe ({first.where})"
            yield Fault(sample.where, message, "leave out one of the two")


def _hashes(sample: Sample, facts: Mapping[str, FileFacts]) -> tuple[str, ...]:
    known = [facts[path].sha256 for path in sample.images if path in facts]
    return tuple(known) if len(known) == len(sample.images) else ()


def _other_size(sample: Sample, cohort: Cohort, facts: Mapping[str, FileFacts]) -> Iterator[Fault]:
    """Refuse a probe of another size than all images of its origin: it was exported in another way."""
    sizes = _usual(sample, cohort, facts, lambda fact: " x ".join(map(str, fact.shape)))
    if sizes is not None:
        message = f"{sample.images[0]}: {sizes[0]}, whereas every image from {sizes[2]} in the cohort has {sizes[1]}"
        yield Fault(sample.where, message, "export probes as the audited images of their source were")


def _other_colour(sample: Sample, cohort: Cohort, facts: Mapping[str, FileFacts]) -> Iterator[Fault]:
    """Refuse a grey probe where all pictures of its origin are in colour, and the reverse."""
    pixels = _usual(sample, cohort, facts, lambda fact: fact.pixels)
    if pixels is not None:
        message = f"{sample.images[0]}: in {pixels[0]}, whereas every picture from {pixels[2]} in the cohort is in "
        yield Fault(sample.where, message + pixels[1], "export probes as the audited images of their source were")


def _usual(
    sample: Sample, cohort: Cohort, facts: Mapping[str, FileFacts], show: Callable[[FileFacts], str]
) -> tuple[str, str, str] | None:
    """Property of a probe, that of all images of its origin, and the origin; None where they do not differ."""
    factor = cohort.factors[0]
    origin = sample.origins[factor]
    usual = {
        show(facts[other.images[0]])
        for other in cohort.samples
        if other.images and other.images[0] in facts and other.origins[factor] == origin
    }
    fact = facts.get(sample.images[0]) if sample.images else None
    if fact is None or len(usual) != 1 or show(fact) in usual:
        return None
    return show(fact), next(iter(usual)), origin
