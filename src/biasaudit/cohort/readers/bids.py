"""Cohorts in one or more BIDS datasets (Gorgolewski et al. 2016, doi:10.1038/sdata.2016.44)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pandas as pd

from biasaudit.cohort.images.formats import dimensions_of
from biasaudit.cohort.images.lesion_maps import with_common_maps
from biasaudit.cohort.images.volumes import choose_grid, load_volume
from biasaudit.cohort.readers.bids_files import map_faults
from biasaudit.cohort.readers.bids_notes import first_names, naming
from biasaudit.cohort.readers.bids_rows import ImageRow, conflict_notes, list_images
from biasaudit.cohort.readers.cells import is_missing, or_empty
from biasaudit.cohort.readers.covariates import Covariates, parse_covariates
from biasaudit.cohort.readers.labels import (
    Classes,
    assign_classes,
    subject_faults,
    with_pooled_origins,
)
from biasaudit.cohort.readers.marks import is_marked, with_usable_masks
from biasaudit.cohort.readers.selection import select_rows
from biasaudit.errors import DataError, Fault, suggestion
from biasaudit.protocol import BidsCohort, CohortSettings, GridSettings
from biasaudit.records import Cohort, Grid, Sample, Volume
from biasaudit.registry import register

__all__ = ["BidsReader"]


@register("reader", "bids")
class BidsReader:
    """``participants.tsv``, ``sub-*/[ses-*/]anat`` and masks and tissue maps in the derivatives."""

    settings: ClassVar[type[CohortSettings]] = BidsCohort

    def read(self, settings: BidsCohort, *, labelled: bool = True) -> Cohort:
        """Index the datasets and join images with participants and sidecars; no image is opened.

        Images lie in the dataset itself; where `space` is set and none has it, those in the derivatives are taken.
        Several sessions or runs of a subject are separate samples. An origin or covariate is ``dataset``, a column of
        participants.tsv, or a field of the JSON sidecar; the column wins and a conflict is noted.

        Parameters
        ----------
        settings : BidsCohort
        labelled : bool
            False for new images to predict: labels, origins and participants.tsv may be absent, and origins are not
            pooled.

        Raises
        ------
        DataError
            Every fault at once.
        """
        listing = list_images(settings, labelled=labelled)
        if listing.faults:
            raise DataError(listing.faults)
        rows, selection_notes = _selected(listing.rows, settings)
        notes = [*listing.notes, *selection_notes]
        labels, places = [row.cells.get(settings.label.column, "") for row in rows], [row.where for row in rows]
        classes = assign_classes(labels, places, settings.label, labelled=labelled)
        cells = {name: [row.cells.get(name, "") for row in rows] for name in settings.covariates}
        covariates = parse_covariates(cells, dict.fromkeys(cells, places), len(rows))
        samples, left_out = with_common_maps(_samples(rows, classes, covariates, settings))
        faults = [*_field_faults(rows, settings, labelled), *classes.faults, *covariates.faults]
        faults += subject_faults(samples)
        faults += [fault for row in rows for fault in map_faults(row.companions, row.images[0], row.where, settings)]
        if faults:
            raise DataError(faults)
        samples, mask_notes = with_usable_masks(samples, settings, labelled=labelled)
        notes += [*classes.notes, *covariates.notes, *conflict_notes(rows), *mask_notes]
        notes += [*_companion_notes(rows, samples, settings), *left_out]
        pooled = with_pooled_origins(samples, settings.origins, settings.min_origin_size if labelled else 1)
        return Cohort(
            samples=pooled.samples,
            classes=classes.names,
            factors=tuple(settings.origins),
            dimensions=dimensions_of(pooled.samples[0].images[0]),
            channels=len(settings.suffix),
            notes=(*notes, *pooled.notes),
            pooled=pooled.names,
        )

    def grid(self, cohort: Cohort, settings: GridSettings) -> Grid:
        """Choose the common grid of the images (`volumes.choose_grid`)."""
        return choose_grid(cohort, settings)

    def load(self, sample: Sample, grid: Grid, foreground: str) -> Volume:
        """Read one sample onto the common grid (`volumes.load_volume`)."""
        return load_volume(sample, grid, foreground)


def _selected(rows: Sequence[ImageRow], settings: BidsCohort) -> tuple[list[ImageRow], list[str]]:
    if settings.select is None:
        return list(rows), []
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    frame = pd.DataFrame([{name: row.cells.get(name, "") for name in columns} for row in rows], dtype=object)
    selection = select_rows(frame, settings.select, "select", blanks=True)
    selected = selection.kept
    if not selected.any():
        raise DataError([Fault("select", f"{settings.select!r} keeps no image", "check the values it compares with")])
    note = f"select {settings.select!r} leaves out {int((~selected).sum())} of {len(rows)} images"
    return [row for row, keep in zip(rows, selected, strict=True) if keep], [note, *selection.notes]


def _samples(
    rows: Sequence[ImageRow], classes: Classes, covariates: Covariates, settings: BidsCohort
) -> tuple[Sample, ...]:
    samples = []
    for position, row in enumerate(rows):
        positive = classes.labels[position] in classes.names[1:]
        mask = row.companions.mask
        samples.append(
            Sample(
                subject=row.subject,
                images=tuple(image.path for image in row.images),
                label=classes.labels[position],
                positive=positive,
                origins={factor: or_empty(row.cells.get(factor, "")) for factor in settings.origins},
                mask=mask,
                brain_mask=row.companions.brain_mask,
                has_mask=is_marked(mask, positive, settings),
                tissue=row.companions.tissue,
                maps=tuple(files[0] for files in row.companions.maps if files),
                covariates=covariates.rows[position],
                where=row.where,
            )
        )
    return tuple(samples)


def _field_faults(rows: Sequence[ImageRow], settings: BidsCohort, labelled: bool) -> list[Fault]:
    """Faults of origins and covariates that no table or sidecar has, and of origins that are empty."""
    if not labelled:
        return []
    names = {name for row in rows for name in row.cells}
    faults = []
    for name in dict.fromkeys([*settings.origins, *settings.covariates]):
        if name not in names:
            message = f"{name!r} is neither a column of participants.tsv nor a field of a sidecar"
            faults.append(Fault(rows[0].where.rsplit(":", 1)[0], message, suggestion(name, names)))
        elif name in settings.origins:
            faults += _empty_origins([row for row in rows if is_missing(row.cells.get(name, ""))], name)
    return faults


def _empty_origins(rows: Sequence[ImageRow], name: str) -> list[Fault]:
    """One fault per dataset that names subjects, not lines, because the field may come from a sidecar."""
    datasets: dict[str, dict[str, str]] = {}
    for row in rows:
        datasets.setdefault(row.dataset, {}).setdefault(row.subject, row.where)
    remedy = "fill it in or leave the row out"
    return [
        Fault(next(iter(places.values())), f"{first_names(list(places))}: origin {name!r} is empty", remedy)
        for places in datasets.values()
    ]


def _companion_notes(rows: Sequence[ImageRow], samples: Sequence[Sample], settings: BidsCohort) -> list[str]:
    notes: list[str] = []
    several = [row.subject for row in rows if row.companions.several]
    elsewhere = [
        sample.subject
        for row, sample in zip(rows, samples, strict=True)
        if row.companions.elsewhere and (sample.positive or settings.mask_in == "all")
    ]
    untyped = [sample.subject for sample in samples if not sample.tissue]
    if elsewhere:
        notes.append(naming("pathology masks only in another space than the images", elsewhere))
    if several:
        notes.append(naming("several pathology masks fit, the first by name is taken", several))
    if untyped and len(untyped) < len(samples):
        notes.append(naming("no tissue maps, so those of the others are not used", untyped))
    return notes
