"""Write volumes: group maps of a run, and a simulated cohort as a BIDS dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd

from biasaudit.records import Cohort, Grid, Sample, Volume

__all__ = ["BidsNames", "write_bids", "write_shown", "write_signed", "write_volume"]

_STEPS = 127
"""Of one sign, in signed bytes."""
_COLOUR = np.dtype([(name, np.uint8) for name in "RGB"])


def write_volume(path: Path, data: np.ndarray, grid: Grid) -> None:
    """Write one array as compressed NIfTI, the same bytes for the same data; a picture becomes a single slice.

    Parameters
    ----------
    path : Path
        Ending in ``.nii.gz``.
    data : array (*shape)
        Bool becomes uint8, everything else float32.
    grid : Grid
    """
    array = data.astype(np.uint8 if data.dtype == np.bool_ else np.float32)
    nibabel.save(_image(array[..., None] if array.ndim == 2 else array, grid), path)


def write_shown(path: Path, data: np.ndarray, grid: Grid) -> None:
    """Write what is only looked at, one byte a place (three in colour), as compressed NIfTI.

    Parameters
    ----------
    path : Path
        Ending in ``.nii.gz``.
    data : uint8 (*shape) or (*shape, 3)
        Grey values or a mask; or red, green and blue of a picture, which becomes a single slice.
    grid : Grid
    """
    array = data[..., None] if data.ndim == 2 else data
    if data.ndim > len(grid.shape):
        array = np.ascontiguousarray(data).view(_COLOUR)
    nibabel.save(_image(array, grid), path)


def write_signed(path: Path, data: np.ndarray, grid: Grid, limit: float) -> None:
    """Write signed values in steps of a 127th of a limit, one byte a place; what lies beyond the limit is cut.

    Parameters
    ----------
    path : Path
        Ending in ``.nii.gz``.
    data : float (*shape)
    grid : Grid
    limit : float
        Above 0.
    """
    steps = np.rint(np.clip(data / limit, -1, 1) * _STEPS).astype(np.int8)
    image = _image(steps[..., None] if steps.ndim == 2 else steps, grid)
    image.header.set_slope_inter(limit / _STEPS, 0)  # of an array of whole numbers it is kept, and the array as it is
    nibabel.save(image, path)


def _image(array: np.ndarray, grid: Grid) -> nibabel.Nifti1Image:
    affine = np.eye(4) if grid.affine is None else np.asarray(grid.affine)
    return nibabel.Nifti1Image(array, affine)


@dataclass(frozen=True)
class BidsNames:
    """Names that a simulated cohort gets on disk: suffix, mask label, folders, scanners.

    Attributes
    ----------
    suffix : str
        Of the images: ``FLAIR``.
    mask_label : str
        ``label`` entity of the pathology masks.
    datasets : mapping of str to str
        Folder of the first letter of a simulated site; ``dataset-a`` where it is not named.
    scanners : mapping of str to mapping
        Fields of the sidecars of every site.
    proxy : bool (*shape) or None
        One region that is the mask of every patient instead of the lesions.
    patient : str
        Diagnosis of the patients in ``participants.tsv``.
    """

    suffix: str = "FLAIR"
    mask_label: str = "lesion"
    datasets: Mapping[str, str] = field(default_factory=dict)
    scanners: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    proxy: np.ndarray | None = None
    patient: str = "patient"


def write_bids(
    cohort: Cohort, load: Callable[[Sample], Volume], grid: Grid, folder: Path, names: BidsNames | None = None
) -> None:
    """Write a simulated cohort as one BIDS dataset per dataset of origin, lesion masks as derivatives.

    Parameters
    ----------
    cohort : Cohort
        Simulated: `Sample.simulation` names the site.
    load : callable
        Sample -> Volume.
    grid : Grid
    folder : Path
        Gets one sub-folder per dataset.
    names : BidsNames, optional
    """
    names = names or BidsNames()
    tables: dict[str, list[dict[str, object]]] = {}
    for number, sample in enumerate(cohort.samples):
        site = str(sample.simulation["site"])
        name = _dataset_name(site, names)
        tables.setdefault(name, []).append(
            {
                "participant_id": sample.subject,
                "age": sample.covariates.get("age"),
                # Classes alternate, so that pairs of subjects keep sex and diagnosis apart.
                "sex": "FM"[number // 2 % 2],
                "diagnosis": names.patient if sample.positive else sample.label,
                "site": site,
            }
        )
        _write_subject(folder / name, sample, load(sample), grid, names)
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(folder / name / "participants.tsv", sep="\t", index=False, na_rep="n/a")
        _describe(folder / name, name, "raw")
        if any((folder / name / "derivatives").glob("*")):
            _describe(folder / name / "derivatives" / "lesions", f"{name} lesions", "derivative")


def _dataset_name(site: str, names: BidsNames) -> str:
    if site[0] in names.datasets:
        return names.datasets[site[0]]
    return f"dataset-{site.rstrip('0123456789')}" if site[0] in "ab" else "dataset"


def _write_subject(root: Path, sample: Sample, volume: Volume, grid: Grid, names: BidsNames) -> None:
    """Write the image of one subject with its sidecar, and the mask of a patient."""
    site = str(sample.simulation["site"])
    stem = f"{sample.subject}_space-MNI152"
    anatomical = root / sample.subject / "anat"
    anatomical.mkdir(parents=True, exist_ok=True)
    write_volume(anatomical / f"{stem}_{names.suffix}.nii.gz", volume.image[0], grid)
    sidecar = {"Manufacturer": "simulated", "InstitutionName": site, **names.scanners.get(site, {})}
    (anatomical / f"{stem}_{names.suffix}.json").write_text(json.dumps(sidecar) + "\n")
    if sample.positive:
        masks = root / "derivatives" / "lesions" / sample.subject / "anat"
        masks.mkdir(parents=True, exist_ok=True)
        mask = volume.mask if names.proxy is None else names.proxy
        write_volume(masks / f"{stem}_label-{names.mask_label}_mask.nii.gz", mask, grid)


def _describe(folder: Path, name: str, kind: str) -> None:
    description: dict[str, object] = {"Name": name, "BIDSVersion": "1.9.0", "DatasetType": kind}
    if kind == "derivative":
        description["GeneratedBy"] = [{"Name": "biasaudit demo --write-data"}]
    (folder / "dataset_description.json").write_text(json.dumps(description, indent=2) + "\n")
