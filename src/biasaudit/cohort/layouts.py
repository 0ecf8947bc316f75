"""Simulated cohorts on disk in the layout that each ready protocol expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from biasaudit import seeds
from biasaudit.cohort.images.export import BidsNames, write_bids
from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.cohort.simulation.freesurfer import Strengths, simulated_features
from biasaudit.errors import UsageError, suggestion
from biasaudit.protocol import GridSettings, PhantomCohort
from biasaudit.records import BoolArray, Cohort, FloatArray, Grid, Sample, Volume

__all__ = ["LAYOUTS", "Layout", "write_layout"]

PhantomValue = float | str | Mapping[str, float]
"""What a key of `PhantomSettings` may hold."""

_STRONG = {"contrast": 0.8, "bias_field": 0.8}
_WEAK = {"contrast": 0.4, "bias_field": 0.4}
_SCANNERS: tuple[Mapping[str, Any], ...] = (
    {"Manufacturer": "Philips", "MagneticFieldStrength": 3},
    {"Manufacturer": "Philips", "MagneticFieldStrength": 1.5},
    {"Manufacturer": "GE", "MagneticFieldStrength": 1.5},
    {"Manufacturer": "Siemens", "MagneticFieldStrength": 3},
    {"Manufacturer": "Siemens", "MagneticFieldStrength": 1.5},
)
# Centre of the hippocampus in MNI152 space, and the half axes of an ellipsoid about it; millimetres.
_HIPPOCAMPUS, _HALF_AXES = (26.0, -22.0, -14.0), (9.0, 18.0, 9.0)


@dataclass(frozen=True)
class Layout:
    """A simulated cohort and the function that writes it as files.

    Attributes
    ----------
    phantom : mapping
        `PhantomSettings` that differ from the default.
    write : callable
        Writes a cohort into a folder.
    """

    phantom: Mapping[str, PhantomValue]
    write: Callable[[Cohort, Callable[[Sample], Volume], Grid, Path], None]


def write_layout(name: str, folder: Path, phantom: Mapping[str, PhantomValue] | None = None) -> int:
    """Simulate a cohort and write the files that the ready protocol of that name reads.

    Parameters
    ----------
    name : str
        One of `LAYOUTS`.
    folder : Path
        New or empty.
    phantom : mapping, optional
        `PhantomSettings` that replace the layout's, such as ``n`` and ``spacing``.

    Returns
    -------
    int
        Subjects written.

    Raises
    ------
    UsageError
        No such layout.
    """
    if name not in LAYOUTS:
        raise UsageError(f"no layout {name!r}; {suggestion(name, LAYOUTS)}")
    layout = LAYOUTS[name]
    settings = PhantomCohort.model_validate({"reader": "phantom", "phantom": {**layout.phantom, **(phantom or {})}})
    reader = PhantomReader()
    cohort = reader.read(settings)
    grid = reader.grid(cohort, GridSettings.model_validate({}))
    folder.mkdir(parents=True, exist_ok=True)
    layout.write(cohort, lambda sample: reader.load(sample, grid, "auto"), grid, folder)
    return len(cohort.samples)


def _write_ms(cohort: Cohort, load: Callable[[Sample], Volume], grid: Grid, folder: Path) -> None:
    names = BidsNames(suffix="T2w", datasets={"a": "ixi", "b": "ofsep"}, scanners=_scanners(cohort), patient="ms")
    write_bids(cohort, load, grid, folder, names)


def _write_tumour(cohort: Cohort, load: Callable[[Sample], Volume], grid: Grid, folder: Path) -> None:
    names = BidsNames("T2w", "tumor", {"a": "ixi", "b": "brats"}, _scanners(cohort), patient="tumour")
    write_bids(cohort, load, grid, folder, names)


def _write_alzheimer(cohort: Cohort, load: Callable[[Sample], Volume], grid: Grid, folder: Path) -> None:
    folders = {str(sample.simulation["site"])[0]: "adni" for sample in cohort.samples}
    names = BidsNames("T1w", "hippocampus", folders, _scanners(cohort), _hippocampus(grid), "alzheimer")
    write_bids(cohort, load, grid, folder, names)


def _write_pictures(cohort: Cohort, load: Callable[[Sample], Volume], grid: Grid, folder: Path) -> None:
    """Write one axial slice of every subject as an 8-bit PNG, and the table that lists them."""
    (folder / "images").mkdir(exist_ok=True)
    rows = []
    for sample in cohort.samples:
        path = folder / "images" / f"{sample.subject}.png"
        _write_picture(path, load(sample).image[0, :, :, grid.shape[2] // 2])
        rows.append(
            {
                "subject": sample.subject,
                "image": f"images/{path.name}",
                "label": {"patient": "pneumonia", "healthy": "normal"}[sample.label],
                "source": str(sample.simulation["site"]),
                "age": round(float(str(sample.covariates["age"])), 1),
            }
        )
    pd.DataFrame(rows).to_csv(folder / "cohort.tsv", sep="\t", index=False)


def _write_features(cohort: Cohort, load: Callable[[Sample], Volume], grid: Grid, folder: Path) -> None:
    """Write one table of thicknesses and volumes; no image is rendered."""
    sites = sorted({str(sample.simulation["site"]) for sample in cohort.samples})
    number = np.array([sites.index(str(sample.simulation["site"])) for sample in cohort.samples])
    positive = np.array([sample.positive for sample in cohort.samples])
    age = np.array([float(str(sample.covariates["age"])) for sample in cohort.samples])
    chance = seeds.generator(int(cohort.samples[0].simulation["phantom"]["seed"]), "phantom", "features")
    table = pd.DataFrame(
        {
            "subject": [sample.subject for sample in cohort.samples],
            "diagnosis": np.where(positive, "ad", "cn"),
            "site": [sites[place] for place in number],
            "age": age.round(1),
            "sex": ["FM"[row // 2 % 2] for row in range(len(cohort.samples))],
        }
    )
    table = table.join(simulated_features(positive, number, age, Strengths(), chance, len(sites)))
    table.to_csv(folder / "freesurfer.tsv", sep="\t", index=False)


def _write_picture(path: Path, values: FloatArray) -> None:
    scaled = np.clip(values / max(float(values.max()), 1e-6), 0, 1)
    Image.fromarray(np.rot90(np.round(255 * scaled).astype(np.uint8)).copy()).save(path)


def _scanners(cohort: Cohort) -> dict[str, Mapping[str, Any]]:
    names = sorted({str(sample.simulation["site"]) for sample in cohort.samples})
    return {name: _SCANNERS[number % len(_SCANNERS)] for number, name in enumerate(names)}


def _hippocampus(grid: Grid) -> BoolArray:
    """Both hippocampi as ellipsoids, a stand-in for an atlas region; bool (*shape)."""
    affine = np.asarray(grid.affine)
    indices = np.stack(np.meshgrid(*(np.arange(size) for size in grid.shape), indexing="ij"), axis=-1)
    position = indices @ affine[:3, :3].T + affine[:3, 3]
    position[..., 0] = np.abs(position[..., 0])
    distance = (((position - _HIPPOCAMPUS) / _HALF_AXES) ** 2).sum(-1)
    return np.asarray(distance <= 1, dtype=np.bool_)


LAYOUTS: dict[str, Layout] = {
    "ms": Layout(
        {
            "n": 120,
            "healthy_sites": 3,
            "patient_sites": 5,
            "dataset_signature": _STRONG,
            "site_signature": _WEAK,
            "lesion_load": 1.5,
        },
        _write_ms,
    ),
    "tumour": Layout(
        {
            "n": 120,
            "healthy_sites": 3,
            "patient_sites": 4,
            "dataset_signature": _STRONG | {"edge": 0.8},
            "site_signature": _WEAK,
            "lesion_load": 2.5,
        },
        _write_tumour,
    ),
    "chest-xray": Layout(
        {"n": 160, "design": "crossed", "patient_sites": 2, "dataset_signature": _STRONG, "lesion_load": 2.5},
        _write_pictures,
    ),
    "alzheimer": Layout(
        {
            "n": 120,
            "design": "crossed",
            "patient_sites": 4,
            "confounding": 0.3,
            "dataset_signature": _STRONG,
            "atrophy": 0.08,
            "age_effect": 0.05,
            "age_difference": 4.0,
            "lesion_load": 0.0,
        },
        _write_alzheimer,
    ),
    "features": Layout({"n": 400, "design": "crossed", "patient_sites": 12}, _write_features),
}
