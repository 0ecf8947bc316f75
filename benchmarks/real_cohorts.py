"""One semi-synthetic cohort of `real_images.py`: written, audited, and its truth told by rendering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from real_audits import Audited, Networks, audit, protocol, truth_record
from real_pictures import Picture, field_of, pictures, room
from real_specs import BENIGN, PROBES, SITES, Spec

from biasaudit import seeds
from biasaudit.edits.planting.chance import chance
from biasaudit.edits.planting.disease import plant_disease
from biasaudit.edits.planting.signature import plant_signature
from biasaudit.protocol import Protocol


@dataclass(frozen=True)
class Subject:
    """`ill` is the truth, `positive` the label."""

    picture: Picture
    ill: bool
    positive: bool
    site: str

    @property
    def name(self) -> str:
        return self.picture.name


@dataclass(frozen=True)
class Cohort:
    people: tuple[Subject, ...]
    probes: tuple[Subject, ...]


def cohort_of(spec: Spec) -> Cohort:
    """Half of them called patients by chance; probes are healthy, of the patients' site, and seen by nobody."""
    draw = seeds.generator(spec.seed, "cohort")
    own = pictures(spec.source)
    order = draw.permutation(len(own))
    labels = draw.permutation(_patients(spec))
    people = [_subject(spec, own[k], bool(label), draw) for k, label in zip(order, labels, strict=False)]
    left = [own[k] for k in order[spec.n : spec.n + PROBES]] if spec.design == "aliased" else []
    probes = [Subject(picture, bool(draw.random() < spec.mislabelled), False, SITES[1]) for picture in left]
    return Cohort(tuple(people), tuple(probes))


def _patients(spec: Spec) -> NDArray[np.bool_]:
    """Spread the patients evenly over the numbers."""
    count = np.floor(np.arange(spec.n + 1) * spec.prevalence + 1e-9)
    return np.asarray(np.diff(count) > 0)


def _subject(spec: Spec, picture: Picture, positive: bool, draw: np.random.Generator) -> Subject:
    ill = positive ^ bool(draw.random() < spec.mislabelled)
    share = float(positive) if spec.design == "aliased" else 0.5 + (positive - 0.5) * spec.confounding
    return Subject(picture, ill, positive, SITES[int(draw.random() < share)])


def levels(spec: Spec, subject: Subject, ill: bool, site: str) -> NDArray[np.uint8]:
    """The picture of a subject, ill or not, as a site would have taken it: (channels, height, width)."""
    image, place = subject.picture.levels, room(subject.picture, spec.field)
    benign = seeds.generator(spec.seed, "benign", subject.name)
    if benign.random() < spec.finding[SITES.index(site)]:
        image = plant_disease(image, place, BENIGN, benign)
    if ill:
        image = plant_disease(image, place, spec.disease, seeds.generator(spec.seed, "patient", subject.name))
    strengths = {**(spec.kinds if site == SITES[1] else {}), **varied(spec, subject.name, site)}
    signed = plant_signature(image, strengths, chance(spec.seed, site, subject.name))
    return np.clip(np.round(signed), 0, 255).astype(np.uint8)


ONE_SIDED = ("noise", "blur")
"""Kinds without a negative strength: both sites have a mean above 0 instead."""


def varied(spec: Spec, name: str, site: str) -> dict[str, float]:
    """Strengths of one image: the mean at the first site, uniform about it with SD `spread` at the second."""
    reach = np.sqrt(3) * (1 if site == SITES[1] else 0)
    draws = seeds.generator(spec.seed, "spread", name).uniform(-reach, reach, len(spec.spread))
    means = [np.sqrt(3) if kind in ONE_SIDED else 0.0 for kind in spec.spread]
    return {
        kind: float(size * (mean + draw))
        for (kind, size), mean, draw in zip(spec.spread.items(), means, draws, strict=True)
    }


def write_picture(values: NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(np.moveaxis(values, 0, -1) if len(values) == 3 else values[0]).save(path)


def write_mask(mask: NDArray[np.bool_], path: Path) -> None:
    Image.fromarray((255 * mask).astype(np.uint8)).save(path)


def rows_of(spec: Spec, subjects: Sequence[Subject], folder: Path) -> list[dict[str, Any]]:
    return [_written(spec, subject, folder) for subject in subjects]


def _written(spec: Spec, subject: Subject, folder: Path) -> dict[str, Any]:
    image, field = f"images/{subject.name}.png", f"images/{subject.name}_field.png"
    write_picture(levels(spec, subject, subject.ill, subject.site), folder / image)
    if spec.field == "lesion":
        write_mask(field_of(subject.picture, "lesion"), folder / field)
    label = "patient" if subject.positive else "healthy"
    return {"subject": subject.name, "image": image, "field": field, "label": label, "origin": subject.site}


def protocol_of(spec: Spec, folder: Path) -> Protocol:
    """The audit's protocol, the tables being in `folder`."""
    declared = {"lesion": {"column": "field"}, "centre": "centre"}.get(spec.field, str(folder / "field.png"))
    return protocol(spec.name, folder, spec.seed, field=declared, probes=spec.design == "aliased", checks=spec.checks)


def make(spec: Spec, folder: Path) -> None:
    """Write, audit and render."""
    cohort, tables = cohort_of(spec), folder / "cohort"
    (tables / "images").mkdir(parents=True)
    write_mask(field_of(cohort.people[0].picture, spec.field), tables / "field.png")
    rows = rows_of(spec, cohort.people, tables), rows_of(spec, cohort.probes, tables)
    with audit(protocol_of(spec, tables), rows, folder) as audited:
        margins = rendered_margins(spec, cohort.people, audited)
        audited.keep(truth_record(margins, *shares(cohort.people)), margins)


def rendered_margins(spec: Spec, people: Sequence[Subject], audited: Audited) -> NDArray[np.float64]:
    """Held-out margins (subjects, 2, sites) of every subject with and without its disease, as of each site."""
    networks: Networks = audited.networks
    inputs, folds = [], []
    path = audited.folder / "rendered.png"
    for subject in people:
        for ill in (False, True):
            for site in SITES:
                write_picture(levels(spec, subject, ill, site), path)
                inputs.append(networks.read(path))
                folds.append(networks.folds[subject.name])
    return networks.margins(np.stack(inputs), folds).reshape(len(people), 2, len(SITES))


def shares(people: Sequence[Subject]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How the labelled healthy and patients are spread over the sites."""
    own = [np.array([np.mean([s.site == site for s in people if s.positive == p]) for site in SITES]) for p in (0, 1)]
    return own[0], own[1]
