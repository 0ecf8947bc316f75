"""One small cohort on disk per reader, sound and damaged, for the contract of readers.

A new reader adds two functions here, called after its name: `<name>_cohort` writes `SUBJECTS` images (a subject each,
two classes, two origins, one pathology mask) below a folder and returns the section `cohort` of a protocol for them;
`<name>_damaged` returns a section in which two things are wrong that the reader itself must find.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

SUBJECTS = 8
SHAPE = (10, 12, 8)


def table_cohort(folder: Path) -> dict[str, Any]:
    rows = ["subject\timage\tlabel\torigin\tmask"]
    for number in range(SUBJECTS):
        image = _write(folder / f"image-{number}.nii.gz", _head(number))
        mask = _write(folder / "mask.nii.gz", _lesion()) if number == 0 else "n/a"
        rows.append(f"s{number}\t{image}\t{'healthy' if number % 2 else 'ms'}\t{'ab'[number // 4]}\t{mask}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    label = {"positive": "ms", "negative": "healthy"}
    return {"reader": "table", "table": str(folder / "table.tsv"), "label": label, "origins": ["origin"], **SMALL}


def table_damaged(folder: Path) -> dict[str, Any]:
    section = table_cohort(folder)
    table = Path(section["table"])
    table.write_text(table.read_text().replace("s2\t", "\t").replace("\tms\tb", "\t\tb"))
    return section


def bids_cohort(folder: Path) -> dict[str, Any]:
    lines = ["participant_id\tdiagnosis\tsite"]
    for number in range(SUBJECTS):
        subject = f"sub-{number:02d}"
        _write(folder / subject / "anat" / f"{subject}_T1w.nii.gz", _head(number))
        lines.append(f"{subject}\t{'healthy' if number % 2 else 'ms'}\t{'ab'[number // 4]}")
    mask = folder / "derivatives" / "masks" / "sub-00" / "anat" / "sub-00_label-lesion_mask.nii.gz"
    _write(mask, _lesion())
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n")
    label = {"column": "diagnosis", "positive": "ms", "negative": "healthy"}
    return {"reader": "bids", "roots": [str(folder)], "label": label, "origins": ["site"], **SMALL}


def bids_damaged(folder: Path) -> dict[str, Any]:
    section = bids_cohort(folder)
    participants = folder / "participants.tsv"
    participants.write_text(
        participants.read_text().replace("sub-02\tms\ta", "sub-02\tms\t").replace("\thealthy\tb", "\t\tb")
    )
    return section


def phantom_cohort(folder: Path) -> dict[str, Any]:
    return {"reader": "phantom", "phantom": {"n": SUBJECTS, "spacing": 8.0, "design": "crossed", "lesion_load": 2.0}}


def phantom_damaged(folder: Path) -> dict[str, Any]:
    return phantom_cohort(folder) | {"origins": ["scanner", "vendor"]}


def planted_cohort(folder: Path) -> dict[str, Any]:
    planting = {"design": "crossed", "masks": True, "signature": {"blur": 1.0}}
    return {"reader": "planted", "of": table_cohort(folder), "planting": planting}


def planted_damaged(folder: Path) -> dict[str, Any]:
    return planted_cohort(folder) | {"of": table_damaged(folder)}


SMALL = {"min_origin_size": 1}


def _head(number: int) -> np.ndarray:
    """A noisy ball in an empty field, another one per subject."""
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    noise = np.random.default_rng(number).normal(100, 10, SHAPE)
    return np.where(sum(axis**2 for axis in axes) < 0.6, noise, 0).astype(np.float32)


def _lesion() -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=np.float32)
    mask[4:6, 5:7, 3:5] = 1
    return mask


def _write(path: Path, array: np.ndarray) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, np.diag([4.0, 4.0, 4.0, 1.0])), path)
    return path.name
