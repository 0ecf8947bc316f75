from __future__ import annotations

import zipfile

import pytest
import torch

from biasaudit.engine.user_code.weights import read_state
from biasaudit.errors import DataError


def test_an_archive_that_expands_without_measure(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"x")
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(
        DataError, match=r"a\.pt: its .* kB expand to 50 MB, which no weights do; save the weights again"
    ):
        read_state(tmp_path / "a.pt")


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_weights_that_are_no_file(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(DataError, match="a device, expected a regular file"):
        read_state(tmp_path / name)


def test_weights_that_compress_well_are_taken(tmp_path):
    torch.save({"weight": torch.zeros(1000, 1000)}, tmp_path / "a.pt")
    assert list(read_state(tmp_path / "a.pt")[0]) == ["weight"]
