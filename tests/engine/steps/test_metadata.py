"""What headers, sidecars and the cohort say of a file."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from engine.folders import folders

from biasaudit.cohort.images.file_state import file_sha256
from biasaudit.engine.arguments.data import (
    FileHash,
    ImageSources,
    MetadataArguments,
)
from biasaudit.engine.evidence.metadata import Metadata
from biasaudit.engine.steps.metadata import metadata


def hashed(path):
    return FileHash(str(path), file_sha256(path))


def test_metadata_of_files_and_of_simulated_samples(tmp_path):
    path = str(tmp_path / "x.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), dtype=np.int16), np.eye(4)), path)
    sidecar = tmp_path / "x.json"
    sidecar.write_text('{"EchoTime": 3}')
    given = {"brain mask": True, "tissue maps": False}
    samples = (
        ImageSources(
            FileHash(path, file_sha256(path)), {"site": "a"}, (FileHash(str(sidecar), file_sha256(sidecar)),), given
        ),
        ImageSources(None, {"site": "b"}),
    )
    metadata(MetadataArguments(samples), folders(), tmp_path)
    columns = Metadata().gather(None, folders(metadata=[tmp_path]), None, None)["metadata"]
    assert columns["origin: site"].tolist() == ["a", "b"]
    assert columns["header: data type"].tolist() == ["int16", None]
    assert columns["sidecar: EchoTime"].tolist() == [3.0, None]
    assert columns["file: brain mask"].tolist() == ["given", None]
    assert columns["file: tissue maps"].tolist() == [None, None]
