from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pydicom")
from dicom_files import write_dicom

from biasaudit.cohort.images.formats import read_scan
from biasaudit.errors import DataError

STORED = np.arange(12, dtype=np.uint16).reshape(3, 4)


@pytest.mark.parametrize("frames", [2, 3])
def test_frames_that_the_header_does_not_tell_of(tmp_path, frames, capfd):
    path = write_dicom(tmp_path / "a.dcm", STORED, PixelData=STORED.tobytes() * frames)
    with pytest.raises(DataError, match=f"pixel data hold {frames} frames, whereas its header tells of one; convert"):
        read_scan(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("padding", [2, 8, 22])
def test_padding_behind_the_picture_is_cut_off(tmp_path, padding, capfd):
    path = write_dicom(tmp_path / "a.dcm", STORED, PixelData=STORED.tobytes() + bytes(padding))
    np.testing.assert_array_equal(read_scan(path).data, STORED)
    assert capfd.readouterr() == ("", "")


def test_less_than_a_picture(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", STORED, PixelData=STORED.tobytes()[:-2])
    with pytest.raises(DataError, match="hold 22 bytes, whereas its header declares 24; copy the file again"):
        read_scan(path)
