"""Write volumes: group maps of a run, and a simulated cohort as a BIDS dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd

from biasaudit.records import Cohort, Grid, Sample, Volume

__all__ = ["write_bids", "write_volume"]


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


def write_bids(cohort: Cohort, load: Callable[[Sample], Volume], grid: Grid, folder: Path) -> None:
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
    """
    tables: dict[str, list[dict[str, object]]] = {}
    for sample in cohort.samples:
        site = str(sample.simulation["site"])
        name = _dataset_name(site)
        tables.setdefault(name, []).append(
            {
                "participant_id": sample.subject,
                "age": sample.covariates.get("age"),
                "diagnosis": sample.label,
                "site": site,
            }
        )
        _write_subject(folder / name, sample, load(sample), grid)
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(folder / name / "participants.tsv", sep="\t", index=False, na_rep="n/a")
        _describe(folder / name, name, "raw")
        if any((folder / name / "derivatives").glob("*")):
            _describe(folder / name / "derivatives" / "lesions", f"{name} lesions", "derivative")


def _dataset_name(site: str) -> str:
    return f"dataset-{site.rstrip('0123456789')}" if site[0] in "ab" else "dataset"


def _write_subject(root: Path, sample: Sample, volume: Volume, grid: Grid) -> None:
    stem = f"{sample.subject}_space-MNI152"
    anatomical = root / sample.subject / "anat"
    anatomical.mkdir(parents=True, exist_ok=True)
    write_volume(anatomical / f"{stem}_FLAIR.nii.gz", volume.image[0], grid)
    sidecar = {"Manufacturer": "simulated", "InstitutionName": sample.simulation["site"]}
    (anatomical / f"{stem}_FLAIR.json").write_text(json.dumps(sidecar) + "\n")
    if sample.positive:
        masks = root / "derivatives" / "lesions" / sample.subject / "anat"
        masks.mkdir(parents=True, exist_ok=True)
        write_volume(masks / f"{stem}_label-lesion_mask.nii.gz", volume.mask, grid)


def _describe(folder: Path, name: str, kind: str) -> None:
    description: dict[str, object] = {"Name": name, "BIDSVersion": "1.9.0", "DatasetType": kind}
    if kind == "derivative":
        description["GeneratedBy"] = [{"Name": "biasaudit demo --write-data"}]
    (folder / "dataset_description.json").write_text(json.dumps(description, indent=2) + "\n")
