"""The reader of simulated cohorts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from biasaudit import seeds
from biasaudit.cohort.images.template import mni_grid
from biasaudit.cohort.simulation.phantom import (
    AGE_MEAN,
    AGE_SD,
    Site,
    anatomy_of,
    counterfactuals,
    lesion_factor,
    render,
    site_names,
    sites,
)
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import CohortSettings, GridSettings, PhantomCohort, PhantomSettings
from biasaudit.records import BoolArray, Cohort, Grid, Sample, Volume
from biasaudit.registry import register

__all__ = ["PhantomReader"]


@register("reader", "phantom")
class PhantomReader:
    """Simulated cohort (`PhantomSettings` says what each number means)."""

    settings: ClassVar[type[CohortSettings]] = PhantomCohort

    def read(self, settings: PhantomCohort, *, labelled: bool = True) -> Cohort:
        """List the subjects of the simulated cohort; nothing is rendered yet."""
        phantom = settings.phantom
        _require_known_columns(settings)
        sites_by_name = {site.name: site for site in sites(phantom)}
        chance = seeds.generator(phantom.seed, "phantom", "subjects")
        positive = _patients(phantom)
        where = _assign_sites(phantom, positive, chance)
        ages = chance.normal(AGE_MEAN, AGE_SD, phantom.n) + phantom.age_difference * positive
        wrong = seeds.generator(phantom.seed, "phantom", "label noise").random(phantom.n) < phantom.label_noise
        samples = tuple(
            Sample(
                subject=f"sub-{index + 1:04d}",
                images=(),
                label=settings.label.positive if positive[index] else _negative(settings),
                positive=bool(positive[index]),
                origins={factor: _origin(sites_by_name[where[index]], factor) for factor in settings.origins},
                has_mask=bool(positive[index]),
                covariates={"age": round(float(ages[index]), 1)},
                simulation={
                    "phantom": _told(phantom),
                    "index": index,
                    "site": where[index],
                    "age": round(float(ages[index]), 1),
                    "severity": lesion_factor(phantom, where[index]),
                    **({"ill": not positive[index]} if wrong[index] else {}),
                },
                where=f"phantom subject {index + 1}",
            )
            for index in range(phantom.n)
        )
        return Cohort(
            samples=samples,
            classes=(_negative(settings), settings.label.positive),
            factors=tuple(settings.origins),
            dimensions=3,
            channels=1,
            notes=(
                f"simulated cohort, seed {phantom.seed}: the planted truth is known and shown beside the estimates",
            ),
        )

    def grid(self, cohort: Cohort, settings: GridSettings) -> Grid:
        """MNI152 grid at the phantom's spacing, or at the protocol's."""
        spacing = PhantomSettings.model_validate(cohort.samples[0].simulation["phantom"]).spacing
        return mni_grid(settings.spacing or spacing)

    def load(self, sample: Sample, grid: Grid, foreground: str) -> Volume:
        """Render one subject at its own site; lesions of one labelled healthy are shown and not marked."""
        phantom = PhantomSettings.model_validate(sample.simulation["phantom"])
        ill = bool(sample.simulation.get("ill", sample.positive))
        subject = anatomy_of(sample, phantom, grid, ill)
        site = next(site for site in sites(phantom) if site.name == sample.simulation["site"])
        volume = render(phantom, subject, site, grid, pathology=ill)
        return replace(volume, mask=volume.mask & sample.has_mask)

    def counterfactuals(self, sample: Sample, grid: Grid, foreground: str) -> Iterator[tuple[str, bool, Volume]]:
        """Render one subject at every site, without and with pathology (`simulation.phantom.counterfactuals`)."""
        return counterfactuals(sample, grid)


_LATER = ("prevalence", "label_noise", "healthy_mix", "healthy_mix_difference", "site_spread")
"""Settings that came later: left out where they change nothing, so that what was rendered before is known again."""


def _told(phantom: PhantomSettings) -> dict[str, Any]:
    fields = PhantomSettings.model_fields
    idle = {name for name in _LATER if getattr(phantom, name) == fields[name].get_default(call_default_factory=True)}
    return phantom.model_dump(mode="json", exclude=idle)


def _patients(phantom: PhantomSettings) -> BoolArray:
    """Say who is labelled a patient, evenly spread over the numbers: every second subject at .5."""
    counted = np.floor(np.arange(phantom.n + 1) * phantom.prevalence + 1e-9)
    return np.asarray(np.diff(counted) > 0)


def _require_known_columns(settings: PhantomCohort) -> None:
    known = ("site", "dataset")
    faults = [
        Fault("cohort.origins", f"a phantom has no origin {name!r}", f"expected {' or '.join(known)}")
        for name in settings.origins
        if name not in known
    ]
    if faults:
        raise DataError(faults)


def _negative(settings: PhantomCohort) -> str:
    return settings.label.negative or "healthy"


def _origin(site: Site, factor: str) -> str:
    return site.name if factor == "site" else site.dataset


def _assign_sites(phantom: PhantomSettings, positive: BoolArray, chance: np.random.Generator) -> list[str]:
    names = np.array([name for name, _ in site_names(phantom)])
    if phantom.design == "crossed":
        half = np.arange(len(names)) >= len(names) / 2
        follows = chance.random(phantom.n) < 0.5 + phantom.confounding / 2
        upper = np.where(follows, positive, ~positive)
        return [str(chance.choice(names[half == side])) for side in upper]
    first = phantom.healthy_sites if phantom.design == "nested" else 1
    site_names_of_side = [names[:first], names[first:]]
    seen = [0, 0]
    where = []
    for side in positive.astype(int):
        where.append(str(site_names_of_side[side][seen[side] % len(site_names_of_side[side])]))
        seen[side] += 1
    return where
