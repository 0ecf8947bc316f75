"""How long the reader takes to index a BIDS tree of 500 subjects, with sidecars and derivatives, in two roots."""

from __future__ import annotations

import json
import time
from pathlib import Path

from biasaudit.cohort.readers.bids import BidsReader
from biasaudit.protocol import BidsCohort

SUBJECTS, RUNS = 500, 5
DATASETS = ("ixi", "ofsep")
DERIVATIVES = {
    "lesions": ("label-lesion_mask",),
    "fmriprep": ("desc-brain_mask", "label-GM_probseg", "label-WM_probseg", "label-CSF_probseg"),
}


def study(scratch: Path) -> str:
    files = sum(_write(scratch / name, range(SUBJECTS // 2)) for name in DATASETS)
    settings = BidsCohort.model_validate(
        {
            "reader": "bids",
            "roots": [scratch / name for name in DATASETS],
            "suffix": "T1w",
            "label": {"column": "diagnosis", "positive": "ofsep", "negative": "ixi"},
            "origins": ["site", "Manufacturer"],
            "covariates": ["age"],
        }
    )
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        cohort = BidsReader().read(settings)
        seconds.append(time.perf_counter() - started)
    assert len(cohort.samples) == SUBJECTS
    assert all(sample.tissue and sample.brain_mask for sample in cohort.samples)
    return (
        "## Indexing a BIDS tree\n\n"
        f"Command: `python benchmarks/run.py bids_index`. {SUBJECTS} subjects in two datasets, {files} files: an image"
        " and a sidecar each, brain mask, three tissue maps, lesion masks of the patients. Origins: a column of the"
        " table, a field of the sidecars. Target: below 2 s."
        f" {RUNS} runs: {min(seconds):.2f} to {max(seconds):.2f} s.\n"
    )


def _write(root: Path, numbers: range) -> int:
    """Write one dataset, all files empty but sidecars and table: indexing opens no image."""
    rows, files = ["participant_id\tdiagnosis\tage\tsite"], 0
    for number in numbers:
        subject = f"sub-{root.name}{number:03d}"
        stem = f"{subject}_space-MNI152_"
        raw = root / subject / "anat"
        raw.mkdir(parents=True)
        (raw / f"{stem}T1w.nii.gz").touch()
        (raw / f"{stem}T1w.json").write_text(json.dumps({"Manufacturer": ("GE", "Siemens")[number % 2]}))
        files += 2
        for pipeline, names in DERIVATIVES.items():
            if pipeline == "lesions" and root.name == "ixi":
                continue
            folder = root / "derivatives" / pipeline / subject / "anat"
            folder.mkdir(parents=True)
            for name in names:
                (folder / f"{stem}{name}.nii.gz").touch()
                files += 1
        rows.append(f"{subject}\t{root.name}\t{30 + number % 40}\tcentre{number % 5}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    (root / "dataset_description.json").write_text(json.dumps({"Name": root.name, "BIDSVersion": "1.9.0"}))
    return files + 2
