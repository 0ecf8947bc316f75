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

__all__ = ["BidsNames", "write_bids", "write_volume"]


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
    if array.ndim == 2:
        array = array[..., None]
    affine = np.eye(4) if grid.affine is None else np.asarray(grid.affine)
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


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
