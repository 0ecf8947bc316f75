"""Cohorts of `real_images.py` in which nothing is planted: two of the four cells of real sources and real disease.

The truth of a diagonal follows from the cells that it withholds. A half is one source alone, its classes declared to
come from two: what separates them is disease, and whatever else goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from real_audits import Networks, audit, protocol, truth_record
from real_cohorts import write_mask, write_picture
from real_pictures import SIDE, Picture, field_of, pictures
from real_specs import MASTER, PROBES

from biasaudit import seeds
from biasaudit.protocol import Protocol
from biasaudit.stats.effects import auc

LABELS = {"cxr": ("normal", "pneumonia"), "ham": ("benign", "malignant")}
ORIGINS = {"cxr": ("nih", "kermany"), "ham": ("rosendahl", "vidir_modern")}
FIELDS = {"cxr": "centre", "ham": "lesion"}


@dataclass(frozen=True)
class Natural:
    """`healthy` and `sick` are (label, origin) of the two cells; `cell` the subjects of each, at most."""

    name: str
    family: str
    collection: str
    healthy: tuple[str, str]
    sick: tuple[str, str]
    cell: int
    side: int = SIDE
    grey: bool = False

    @property
    def seed(self) -> int:
        return seeds.seed(MASTER, self.name) % 2**32

    @property
    def about(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "group": "judging",
            "family": self.family,
            "source": f"{self.collection}/{self.healthy[1]}+{self.sick[1]}",
            "n": 2 * self.cell,
            "design": "aliased",
            "disease": self.sick[0],
            "kind": "natural" if self.family == "natural" else "none",
            "field": FIELDS[self.collection],
            "side": self.side,
            "colour": "grey" if self.grey or self.collection == "cxr" else "colour",
        }


def natural_specs() -> list[Natural]:
    return [*_diagonals(), *_halves()]


def _diagonals() -> Iterator[Natural]:
    """Both diagonals and both roles of the labels; whole cells, smaller draws, and full resolution."""
    for collection, origins in ORIGINS.items():
        for first, second in (origins, origins[::-1]):
            for labels in (LABELS[collection], LABELS[collection][::-1]):
                own = (collection, (labels[0], first), (labels[1], second))
                name = f"natural-{collection}-{first}-{labels[0]}"
                yield Natural(f"{name}-whole", "natural", *own, cell=80)
                for number in range(3):
                    yield Natural(f"{name}-{number}", "natural", *own, cell=50)
                if labels == LABELS[collection]:
                    yield Natural(f"{name}-full", "natural", *own, cell=80, side=128)
                    if collection == "ham":
                        yield Natural(f"{name}-full-grey", "natural", *own, cell=80, side=128, grey=True)


def _halves() -> Iterator[Natural]:
    for collection, origins in ORIGINS.items():
        for origin in origins:
            for labels in (LABELS[collection], LABELS[collection][::-1]):
                for number in range(3):
                    name = f"half-{collection}-{origin}-{labels[0]}-{number}"
                    yield Natural(name, "single source", collection, (labels[0], origin), (labels[1], origin), cell=40)


@dataclass(frozen=True)
class _Cells:
    """Pictures of the audit, and those that its networks never see."""

    healthy: Sequence[Picture]
    sick: Sequence[Picture]
    probes: Sequence[Picture]
    healthy_elsewhere: Sequence[Picture]
    sick_elsewhere: Sequence[Picture]


def _cells(spec: Natural) -> _Cells:
    (healthy, first), (sick, second) = spec.healthy, spec.sick
    if first == second:
        own = _cell(spec, healthy, first)
        return _Cells(own[PROBES:], _cell(spec, sick, second)[: spec.cell], own[:PROBES], (), ())
    withheld = _cell(spec, healthy, second)
    return _Cells(
        _cell(spec, healthy, first)[: spec.cell],
        _cell(spec, sick, second)[: spec.cell],
        withheld[:PROBES],
        withheld[PROBES:],
        _cell(spec, sick, first),
    )


def _cell(spec: Natural, label: str, origin: str) -> list[Picture]:
    own = [p for p in pictures(f"{spec.collection}/{origin}", spec.side) if p.label == label]
    return [own[k] for k in seeds.generator(spec.seed, label, origin).permutation(len(own))]


def protocol_of(spec: Natural, folder: Path) -> Protocol:
    field = {"column": "field"} if FIELDS[spec.collection] == "lesion" else "centre"
    folds = 3 if spec.side == SIDE else 5
    return protocol(spec.name, folder, spec.seed, field=field, probes=True, grey=spec.grey, folds=folds)


def make(spec: Natural, folder: Path) -> None:
    """Write, audit, and score the withheld cells."""
    cells, tables = _cells(spec), folder / "cohort"
    (tables / "images").mkdir(parents=True)
    people = [*_rows(cells.healthy, "healthy", "h", tables), *_rows(cells.sick, "patient", "p", tables)]
    probes = _rows(cells.probes, "healthy", "p", tables)
    with audit(protocol_of(spec, tables), (people, probes), folder) as audited:
        if spec.family == "natural":
            scored = [_scored(own, audited.networks, folder) for own in (cells.healthy_elsewhere, cells.sick_elsewhere)]
            truth, means = _truth(audited.evidence, *scored)
        else:
            truth, means = dict.fromkeys(("r", "omega"), 0.0), np.empty(0)
        audited.keep(truth, means)


def _rows(own: Sequence[Picture], label: str, origin: str, folder: Path) -> list[dict[str, Any]]:
    rows = []
    for picture in own:
        image, field = f"images/{picture.name}.png", f"images/{picture.name}_field.png"
        write_picture(np.round(picture.levels).astype(np.uint8), folder / image)
        if picture.mask is not None:
            write_mask(field_of(picture, "lesion"), folder / field)
        rows.append({"subject": picture.name, "image": image, "field": field, "label": label, "origin": origin})
    return rows


def _scored(own: Sequence[Picture], networks: Networks, folder: Path) -> NDArray[np.float64]:
    path, inputs = folder / "scored.png", []
    for picture in own:
        write_picture(np.round(picture.levels).astype(np.uint8), path)
        inputs.append(networks.read(path))
    return networks.margins(np.stack(inputs))


def _truth(
    evidence: Any, healthy: NDArray[np.float64], sick: NDArray[np.float64]
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Truth from the four cells' means: own ones held out, withheld ones by all networks."""
    own = evidence.logit[~evidence.positive], evidence.logit[evidence.positive]
    first, second = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    means = np.array([[[own[0].mean(), healthy.mean()], [sick.mean(), own[1].mean()]]])
    truth: dict[str, Any] = truth_record(means, first, second)
    draw = seeds.generator(1, "natural truth")
    cells = (own[0], healthy, sick, own[1])
    drawn = [truth_record(_resampled(cells, draw), first, second) for _ in range(100)]
    for name in ("r", "omega"):
        truth[f"{name}_error"] = float(np.std([each[name] for each in drawn if each[name] is not None]))
    pairs = ((own[0], sick), (healthy, own[1]))
    truth["auc_one_site"] = float(np.mean([_area(low, high) for low, high in pairs]))
    truth["auc_withheld"] = _area(healthy, sick)
    return truth, means


def _resampled(cells: Sequence[NDArray[np.float64]], draw: np.random.Generator) -> NDArray[np.float64]:
    return np.array([draw.choice(cell, len(cell)).mean() for cell in cells]).reshape(1, 2, 2)


def _area(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    return auc(np.concatenate([low, high]), np.repeat([False, True], [len(low), len(high)]))
