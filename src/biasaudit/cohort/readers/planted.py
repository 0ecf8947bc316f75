"""The reader of planted copies: real images of any other reader, with a disease and a signature planted in them.

Who is called a patient, and at which site, is drawn by chance, whatever class and origin an image has in truth: the
copies differ by nothing but what was planted, so that the true reliance of any network is known (`counterfactuals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np

from biasaudit import registry, seeds
from biasaudit.cohort.images.field import FieldOf, field_reader
from biasaudit.cohort.readers.probes import read_without_probes
from biasaudit.cohort.simulation.planting import Planter, sites_of
from biasaudit.errors import DataError, Fault, suggestion
from biasaudit.protocol import CohortSettings, FieldSettings, GridSettings
from biasaudit.protocol.planted import PlantedCohort, PlantingSettings
from biasaudit.records import Cohort, Grid, Sample, Volume
from biasaudit.registry import register

__all__ = ["SMALLEST_SIDE", "PlantedReader", "copied_samples"]

SMALLEST_SIDE = 4
"""Subjects that each class of the copies must hold."""


@register("reader", "planted")
class PlantedReader:
    """Copies of a cohort's images with planted disease and signature (`PlantingSettings` says what each number is)."""

    settings: ClassVar[type[CohortSettings]] = PlantedCohort

    def __init__(self) -> None:
        self._field_of = cache(_field_of)

    def read(self, settings: PlantedCohort, *, labelled: bool = True) -> Cohort:
        """List the images that are copied, and draw who is called a patient at which site; nothing is opened."""
        original = read_without_probes(settings.of)
        samples = copied_samples(original, settings.planting.source)
        drawn = _Draw(settings).of(samples)
        return Cohort(
            samples=drawn.people,
            classes=(_healthy(settings), settings.label.positive),
            factors=tuple(settings.origins),
            dimensions=original.dimensions,
            channels=original.channels,
            notes=(f"copies of {len(samples)} images in which disease and signature are planted: the truth is known",),
            probes=drawn.probes,
        )

    def grid(self, cohort: Cohort, settings: GridSettings) -> Grid:
        """Choose the grid as for the images themselves."""
        grid: Grid = _reader_of(cohort.samples[0]).grid(cohort, settings)
        return grid

    def load(self, sample: Sample, grid: Grid, foreground: str) -> Volume:
        """Bring an image onto the grid, and plant what its subject has."""
        about = sample.simulation
        return self._planter(sample, grid, foreground).planted(str(about["site"]), ill=bool(about["ill"]))

    def counterfactuals(self, sample: Sample, grid: Grid, foreground: str) -> Iterator[tuple[str, bool, Volume]]:
        """Plant in one image what it would have at every site, without and with the disease.

        Yields
        ------
        site, pathology, volume
            Sites in the order of their names.
        """
        planter = self._planter(sample, grid, foreground)
        for ill in (False, True):
            for site in sites_of(planter.settings.design):
                yield site, ill, planter.planted(site, ill=ill)

    def _planter(self, sample: Sample, grid: Grid, foreground: str) -> Planter:
        settings = PlantingSettings.model_validate(sample.simulation["planting"])
        field_of = self._field_of(sample.simulation["field"], grid)
        return Planter(settings, sample, _original(sample, grid, foreground), field_of)


def copied_samples(original: Cohort, source: str | None) -> tuple[Sample, ...]:
    """Choose the images that are copied.

    Parameters
    ----------
    original : Cohort
    source : str or None
        A class; None for all images.

    Raises
    ------
    DataError
        If there is no such class.
    """
    if source is not None and source not in original.classes:
        message = f"no class {source!r} is among the images"
        raise DataError([Fault("cohort.planting.source", message, suggestion(source, original.classes))])
    return tuple(sample for sample in original.samples if source in (None, sample.label))


def _reader_of(sample: Sample) -> Any:
    return registry.get("reader", str(sample.simulation["reader"]))()


def _field_of(declared: str | None, grid: Grid) -> FieldOf | None:
    """Return what gives the declared field, settings in JSON; a reader keeps it, as what images share is read once."""
    return None if declared is None else field_reader(FieldSettings.model_validate_json(declared), grid)


def _original(sample: Sample, grid: Grid, foreground: str) -> Volume:
    """Read the image as it is."""
    volume: Volume = _reader_of(sample).load(replace(sample, simulation={}, has_mask=False), grid, foreground)
    return volume


def _healthy(settings: PlantedCohort) -> str:
    return settings.label.negative or "healthy"


@dataclass(frozen=True)
class _Drawn:
    """Subjects that are trained on, and probes."""

    people: tuple[Sample, ...]
    probes: tuple[Sample, ...]


@dataclass(frozen=True)
class _Person:
    """What was drawn of one subject."""

    positive: bool
    ill: bool
    site: str


class _Draw:
    """Draws class, illness and site of every subject, from streams of the seed alone."""

    def __init__(self, settings: PlantedCohort) -> None:
        self._settings, self._planting = settings, settings.planting

    def of(self, samples: Sequence[Sample]) -> _Drawn:
        """Make the copies; the images of one subject share its fate."""
        planting = self._planting
        chance = seeds.generator(planting.seed, "planted", "subjects")
        order = chance.permutation(sorted({sample.subject for sample in samples})).tolist()
        count = len(order) - planting.probes
        patients = round(count * planting.prevalence)
        self._require_enough(count, patients)
        labels = chance.permutation(np.arange(count) < patients)
        people = {
            subject: self._person(bool(label), chance) for subject, label in zip(order[:count], labels, strict=True)
        }
        probes = {subject: _Person(False, self._mistaken(chance), self._probe_site()) for subject in order[count:]}
        return _Drawn(
            tuple(self._copy(sample, people[sample.subject]) for sample in samples if sample.subject in people),
            tuple(self._copy(sample, probes[sample.subject]) for sample in samples if sample.subject in probes),
        )

    def _require_enough(self, count: int, patients: int) -> None:
        if min(patients, count - patients) >= SMALLEST_SIDE:
            return
        message = f"{max(count, 0)} subjects are too few to call {self._planting.prevalence:.0%} of them patients"
        if self._planting.probes:
            message += f" beside {self._planting.probes} probes"
        remedy = f"each class needs {SMALLEST_SIDE}: take a larger class, or all images"
        raise DataError([Fault("cohort.planting", message, remedy)])

    def _person(self, positive: bool, chance: np.random.Generator) -> _Person:
        ill = positive ^ self._mistaken(chance)
        return _Person(positive, ill, self._site(positive, chance))

    def _mistaken(self, chance: np.random.Generator) -> bool:
        return bool(chance.random() < self._planting.mislabelled)

    def _site(self, positive: bool, chance: np.random.Generator) -> str:
        sites = sites_of(self._planting.design)
        drawn = chance.random()
        if self._planting.design == "nested":
            return sites[2 * positive + int(drawn < 0.5)]
        if self._planting.design == "aliased":
            return sites[positive]
        return sites[int(drawn < 0.5 + (positive - 0.5) * self._planting.confounding)]

    def _probe_site(self) -> str:
        return sites_of(self._planting.design)[-1]

    def _copy(self, sample: Sample, person: _Person) -> Sample:
        planting: PlantingSettings = self._planting
        settings = self._settings
        field = None if settings.field is None else settings.field.model_dump_json()
        return Sample(
            subject=sample.subject,
            images=sample.images,
            label=settings.label.positive if person.positive else _healthy(settings),
            positive=person.positive,
            origins={settings.origins[0]: person.site},
            brain_mask=sample.brain_mask,
            has_mask=planting.masks and person.positive,
            field=sample.field,
            colour=sample.colour,
            where=sample.where,
            simulation={
                "reader": settings.of.reader,
                "planting": planting.model_dump(mode="json"),
                "field": field,
                "ill": person.ill,
                "site": person.site,
            },
        )
