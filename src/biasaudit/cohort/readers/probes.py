"""Images that are never trained on and only scored: read as the cohort is, and held against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from biasaudit import registry
from biasaudit.cohort.readers.new_images import manifest_settings
from biasaudit.errors import DataError, Fault, gathered, suggestion
from biasaudit.protocol import BidsCohort, CohortSettings, LabelSettings, ProbeSettings, TableCohort
from biasaudit.records import Cohort, Sample

__all__ = ["probe_notes", "read_probes", "read_without_probes", "without_probes"]

_WHERE = "cohort.probes"


def without_probes(settings: CohortSettings) -> CohortSettings:
    """Return settings that leave out of the cohort the rows that `probes.where` takes.

    Raises
    ------
    DataError
        The reader has no rows to choose among, or takes no probes.
    """
    probes = settings.probes
    if probes is None:
        return settings
    faults = list(_misplaced(settings, probes))
    if faults:
        raise DataError(faults)
    if probes.where is None:
        return settings
    rest = f"not ({probes.where})"
    select = rest if settings.select is None else f"({settings.select}) and {rest}"
    return settings.model_copy(update={"select": select})


def _misplaced(settings: CohortSettings, probes: ProbeSettings) -> Iterator[Fault]:
    if not isinstance(settings, TableCohort | BidsCohort):
        yield Fault(_WHERE, f"the reader {settings.reader!r} takes no probes", "leave them out")
    elif not settings.has_images:
        yield Fault(_WHERE, "probes are images, and this cohort has none", "leave them out")
    elif probes.roots and not isinstance(settings, BidsCohort):
        yield Fault(f"{_WHERE}.roots", "belongs to the reader bids", "list the images in a `table`")


def read_probes(settings: CohortSettings, cohort: Cohort) -> tuple[Sample, ...]:
    """Read the probes of a cohort; no image is opened.

    Parameters
    ----------
    settings : CohortSettings
    cohort : Cohort
        The subjects that are trained on.

    Returns
    -------
    tuple of Sample
        Without masks; `label` is empty where the table leaves it empty.

    Raises
    ------
    DataError
        Every fault at once: labels that are no class, origins left empty, subjects that are trained on, no label
        although no largest prevalence is stated, and nothing that could tell class and origin apart.
    """
    if settings.probes is None:
        return ()
    faults: list[Fault] = []
    found: dict[str, list[Sample]] = {}
    for part in _parts(settings, cohort):
        try:
            read = registry.get("reader", part.reader)().read(part, labelled=False).samples
        except DataError as error:
            faults += [_in_probes(fault, settings.probes) for fault in error.faults]
            continue
        placed = [_placed(sample, cohort) for sample in read]
        faults += _all_foreign(placed, cohort)
        # A later table corrects what an earlier one said of a subject.
        found |= _by_subject(placed)
    samples = [sample for own in found.values() for sample in own]
    faults += [*_label_faults(samples, cohort, settings.probes), *_origin_faults(samples, cohort)]
    faults += _known_subjects(samples, cohort)
    if faults:
        raise DataError(faults)
    return tuple(replace(sample, label=sample.label if sample.label in cohort.classes else "") for sample in samples)


def _by_subject(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.subject, []).append(sample)
    return found


def _parts(settings: CohortSettings, cohort: Cohort) -> Iterator[CohortSettings]:
    """Go over the settings by which each source of probes is read."""
    probes = settings.probes
    assert probes is not None
    for table in probes.table:
        yield _told_apart(manifest_settings(settings, Path(table)), cohort)
    if probes.roots:
        yield _told_apart(settings.model_copy(update={"roots": probes.roots, "select": None}), cohort)
    if probes.where:
        yield _told_apart(settings.model_copy(update={"select": probes.where}), cohort)


def _told_apart(settings: CohortSettings, cohort: Cohort) -> CohortSettings:
    """Read every class of the cohort under its own name, so that a label that is none of them shows."""
    names = [name for name in cohort.classes if not _is_rest(name, cohort)]
    label = LabelSettings(column=settings.label.column, positive=names if len(names) > 1 else names[0])
    return settings.model_copy(update={"label": label, "covariates": [], "probes": None})


def _is_rest(name: str, cohort: Cohort) -> bool:
    """Whether a class joins all labels that are not positive, so that no single label is its name."""
    return name == cohort.classes[0] and name.startswith("not ")


def _placed(sample: Sample, cohort: Cohort) -> Sample:
    """Give a probe the class and the pooled origin that it would have in the cohort."""
    label = sample.label
    if label and label not in cohort.classes and _is_rest(cohort.classes[0], cohort):
        label = cohort.classes[0]
    origins = {name: cohort.pooled.get(name, {}).get(origin, origin) for name, origin in sample.origins.items()}
    positive = label in cohort.classes[1:]
    return replace(sample, label=label, positive=positive, origins=origins, mask=None, has_mask=False, covariates={})


def _label_faults(samples: Sequence[Sample], cohort: Cohort, probes: ProbeSettings) -> Iterator[Fault]:
    wrong: dict[str, list[str]] = {}
    for sample in samples:
        if sample.label and sample.label not in cohort.classes:
            wrong.setdefault(sample.label, []).append(sample.where)
    for label, places in wrong.items():
        remedy = f"{suggestion(label, cohort.classes)}; leave it empty if nobody knows the class"
        yield from gathered(places, f"probe of class {_shown(label)}, which the cohort does not have", remedy)
    unknown = [sample.where for sample in samples if not sample.label]
    if unknown and probes.max_prevalence is None:
        remedy = f"fill it in, or state the largest share of patients among them as `{_WHERE}.max_prevalence`"
        yield from gathered(unknown, "probe without a label", remedy)


def _shown(label: str) -> str:
    """Show a label; of several wrong ones the reader has kept only that they are none of the classes."""
    return "another label" if label.startswith("not ") else repr(label)


def _origin_faults(samples: Sequence[Sample], cohort: Cohort) -> Iterator[Fault]:
    for factor in cohort.factors:
        empty = [sample.where for sample in samples if not sample.origins.get(factor)]
        yield from gathered(empty, f"probe without an origin in column {factor!r}", "fill it in or leave the row out")


def _known_subjects(samples: Sequence[Sample], cohort: Cohort) -> Iterator[Fault]:
    """Refuse probes that are trained on, by their name or by their image."""
    subjects = {sample.subject for sample in cohort.samples}
    images = {path for sample in cohort.samples for path in sample.images}
    same_name = [sample for sample in samples if sample.subject in subjects]
    same_image = [s for s in samples if s.subject not in subjects and any(path in images for path in s.images)]
    remedy = "a probe must not be trained on; leave it out of the probes or out of the cohort"
    for known, what in ((same_name, "is a subject of the cohort"), (same_image, "shows an image of the cohort")):
        if known:
            others = f" (and {len(known) - 1} more)" if len(known) > 1 else ""
            message = f"probe {known[0].subject!r}{others} {what}"
            yield from gathered([sample.where for sample in known], message, remedy)


def _all_foreign(samples: Sequence[Sample], cohort: Cohort) -> Iterator[Fault]:
    """Refuse probes of which none comes from an origin of the cohort: a third source tells nothing."""
    factor = cohort.factors[0]
    found = sorted({origin for sample in samples if (origin := sample.origins.get(factor))})
    known = {sample.origins[factor] for sample in cohort.samples}
    if found and not known & set(found):
        message = f"no probe comes from an origin of the cohort: {factor} is {', '.join(found[:3])}"
        yield Fault(samples[0].where, message, suggestion(found[0], known))


def read_without_probes(settings: CohortSettings) -> Cohort:
    """Read the subjects that are trained on.

    Raises
    ------
    DataError
        As the reader finds them; what the filter of the probes does to the cohort is said of that filter.
    """
    reader = registry.get("reader", settings.reader)()
    try:
        cohort: Cohort = reader.read(without_probes(settings))
    except DataError as error:
        if settings.probes is None or settings.probes.where is None:
            raise
        raise DataError([_in_probes(fault, settings.probes) for fault in error.faults]) from None
    return cohort


def _in_probes(fault: Fault, probes: ProbeSettings) -> Fault:
    """Name the filter of the probes where a reader speaks of its own, which holds that filter."""
    if probes.where is None or not fault.where.endswith("select"):
        return fault
    if "keeps no" in fault.message:
        message = f"{probes.where!r} leaves no row for the cohort, or keeps none as a probe"
        return Fault(f"{_WHERE}.where", message, "check the values it compares with")
    return replace(fault, where=f"{_WHERE}.where")


def probe_notes(cohort: Cohort) -> Iterator[str]:
    """Say how many probes there are, and of which class and origin; and which of them can say nothing."""
    if not cohort.probes:
        return
    factor = cohort.factors[0]
    cells: dict[tuple[str, str], int] = {}
    for sample in cohort.probes:
        cell = sample.label or "no label", sample.origins[factor]
        cells[cell] = cells.get(cell, 0) + 1
    listed = ", ".join(f"{count} {label} from {origin}" for (label, origin), count in sorted(cells.items()))
    yield f"{len(cohort.probes)} probes, never trained on and only scored: {listed}"
    known = {sample.origins[factor] for sample in cohort.samples}
    foreign = sorted({origin for _, origin in cells} - known)
    if foreign:
        yield (
            f"probes from {', '.join(foreign)} say nothing of this cohort, which has no image from there: a network "
            "that reads the disease may score a third source differently"
        )
