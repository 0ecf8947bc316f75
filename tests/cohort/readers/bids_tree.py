"""A BIDS dataset of empty files."""

from __future__ import annotations

from pathlib import Path

NATIVE, STANDARD = "", "_space-MNI_res-2"


def build(root: Path, count: int) -> None:
    for k in range(count):
        subject = f"sub-{k:04d}"
        raw = root / subject / "anat"
        raw.mkdir(parents=True)
        for name in ("T1w.nii.gz", "T1w.json", "FLAIR.nii.gz", "FLAIR.json"):
            (raw / f"{subject}_{name}").touch()
        derived = root / "derivatives" / "prep" / subject / "anat"
        derived.mkdir(parents=True)
        for space in (NATIVE, STANDARD):
            for name in ("desc-brain_mask", "desc-preproc_T1w", *(f"label-{t}_probseg" for t in ("GM", "WM", "CSF"))):
                (derived / f"{subject}{space}_{name}.nii.gz").touch()
