"""Volumes of `real_images.py`: real FLAIR brains and lesions of `apart_images`, with a field as of an atlas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import apart_images as images
import numpy as np
from held_apart import held_out, write_image
from numpy.typing import NDArray
from real_audits import Audited, audit, protocol, truth_record
from real_pictures import SHARED
from real_specs import MASTER, SITES
from scipy import ndimage

from biasaudit import seeds
from biasaudit.protocol import Protocol

PROBES = 20
_LEAST_LESIONS = 0.02


@dataclass(frozen=True)
class Subject:
    """`positive` is label and truth."""

    traits: images.Traits
    positive: bool
    site: str

    @property
    def name(self) -> str:
        return f"sub-{self.traits.index:04d}"


@dataclass(frozen=True)
class Volumes:
    """`kinds` are those of `apart_images`; with `skull` the head is left around the brain."""

    name: str
    kinds: Mapping[str, float] = field(default_factory=dict)
    skull: bool = False
    n: int = 100
    load: float = 2.4

    @property
    def seed(self) -> int:
        return seeds.seed(MASTER, self.name) % 2**32

    @property
    def about(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "group": "judging",
            "family": "driven" if self.kinds else "focal",
            "source": f"openms/volumes{', skull on' if self.skull else ''}",
            "n": self.n,
            "design": "aliased",
            "disease": "real lesions",
            "kind": "+".join(self.kinds) or "none",
            "strength": max(self.kinds.values(), default=0.0),
            "field": "atlas",
        }


def volume_specs() -> list[Volumes]:
    driven = {
        "tone": 0.8,
        "ghost": 1.2,
        "shading": 0.8,
        "ringing": 1.2,
        "thickness": 1.2,
        "motion": 1.2,
        "haze": 1.0,
        "zoom": 1.0,
    }
    found = [Volumes(f"volumes-null-{k}", skull=k % 2 == 1, n=(100, 140)[k // 2 % 2]) for k in range(8)]
    for place, (kind, strength) in enumerate(driven.items()):
        found.append(Volumes(f"volumes-{kind}", {kind: strength}, skull=place % 2 == 1))
        if place % 2 == 0:
            found.append(Volumes(f"volumes-{kind}-skull", {kind: 1.5 * strength}, skull=True, n=140))
    return found


@cache
def library() -> images.Library:
    return images.load_library(SHARED / "openms")


def atlas() -> NDArray[np.uint8]:
    """Label 1 where real lesions lie, whoever has them, and around; on the grid of the images, before any warp."""
    own = library()
    seen = np.zeros(own.brains.shape[1:], dtype=np.float32)
    for piece in own.pieces:
        seen[tuple(piece.T)] = 1.0
    axes = [images.STEP * np.arange(size) for size in images.SHAPE]
    places = np.stack(np.meshgrid(*axes, indexing="ij")).astype(float)
    dense = ndimage.map_coordinates(ndimage.gaussian_filter(seen, 2.0), places, order=1, mode="constant")
    return ndimage.binary_dilation(dense > _LEAST_LESIONS).astype(np.uint8)


def rendered(
    spec: Volumes, subject: Subject, pathology: bool, sites: Sequence[str]
) -> Iterator[NDArray[np.floating[Any]]]:
    head = images.anatomy(library(), subject.traits, spec.seed, pathology=pathology)
    for site in sites:
        place = float(SITES.index(site))
        values = {kind: images.site_value(kind, size, place, spec.seed) for kind, size in spec.kinds.items()}
        yield images.acquire(head, values, subject.traits, spec.seed, stripped=not spec.skull)[0]


def people(spec: Volumes) -> tuple[list[Subject], list[Subject]]:
    """Patients of the second site, healthy of the first; probes are healthy of the second."""
    own = [Subject(images.Traits(k, spec.load, 0.0), k % 2 == 1, SITES[k % 2]) for k in range(spec.n + PROBES)]
    return own[: spec.n], [replace(subject, positive=False, site=SITES[1]) for subject in own[spec.n :]]


def protocol_of(spec: Volumes, folder: Path) -> Protocol:
    declared = {"atlas": str(folder / "atlas.nii"), "labels": [1]}
    return protocol(spec.name, folder, spec.seed, field=declared, probes=True)


def make(spec: Volumes, folder: Path) -> None:
    """Write, audit and render."""
    own, probes = people(spec)
    tables = folder / "cohort"
    (tables / "images").mkdir(parents=True)
    write_image(atlas(), library(), tables / "atlas.nii")
    rows = [[_written(spec, subject, tables) for subject in part] for part in (own, probes)]
    with audit(protocol_of(spec, tables), (rows[0], rows[1]), folder) as audited:
        margins = _margins(spec, own, audited)
        audited.keep(truth_record(margins, np.array([1.0, 0.0]), np.array([0.0, 1.0])), margins)


def _written(spec: Volumes, subject: Subject, folder: Path) -> dict[str, str]:
    path = f"images/{subject.name}.nii"
    (image,) = rendered(spec, subject, subject.positive, [subject.site])
    write_image(image, library(), folder / path)
    label = "patient" if subject.positive else "healthy"
    return {"subject": subject.name, "image": path, "label": label, "origin": subject.site}


def _margins(spec: Volumes, own: Sequence[Subject], audited: Audited) -> NDArray[np.float64]:
    networks, path = audited.networks, audited.folder / "rendered.nii"
    chosen = [subject for fold in networks.by_fold for subject in held_out(own, networks.folds, fold)]
    inputs = []
    for subject in chosen:
        for pathology in (False, True):
            for image in rendered(spec, subject, pathology, SITES):
                write_image(image, library(), path)
                inputs.append(networks.read(path))
    folds = np.repeat([networks.folds[subject.name] for subject in chosen], 4)
    return networks.margins(np.stack(inputs), folds.tolist()).reshape(len(chosen), 2, len(SITES))
