import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from biasaudit.cohort.images.formats import dimensions_of, read_geometry, read_scan
from biasaudit.errors import DataError

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_nifti(volume, name):
    array = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    path = volume(name, array)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.data, array)
    np.testing.assert_array_equal(scan.affine, AFFINE)
    assert read_geometry(path)[0] == (3, 4, 5)
    assert dimensions_of(path) == 3


def test_nifti_2_and_mgh_and_scaled_integers(tmp_path):
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    nib.save(nib.Nifti2Image(array, AFFINE), tmp_path / "a.nii.gz")
    nib.save(nib.MGHImage(array.astype(np.float32), AFFINE), tmp_path / "a.mgz")
    scaled = nib.Nifti1Image(array, AFFINE)
    scaled.header.set_slope_inter(2.0, 1.0)
    nib.save(scaled, tmp_path / "b.nii")
    np.testing.assert_array_equal(read_scan(str(tmp_path / "a.nii.gz")).data, array)
    np.testing.assert_array_equal(read_scan(str(tmp_path / "a.mgz")).data, array)
    np.testing.assert_array_equal(
        read_scan(str(tmp_path / "b.nii")).data, nib.load(tmp_path / "b.nii").get_fdata().astype(np.float32)
    )


def test_trailing_axis_of_one_is_dropped(volume):
    assert read_scan(volume("a.nii", np.ones((3, 4, 5, 1), np.float32))).data.shape == (3, 4, 5)
    slice_ = volume("b.nii", np.ones((3, 4, 1), np.float32))
    assert read_scan(slice_).affine is None
    assert read_geometry(slice_) == ((3, 4), None)


def test_pictures(tmp_path, picture):
    eight = np.array([[0, 255], [51, 102]], dtype=np.uint8)
    np.testing.assert_allclose(read_scan(picture("8.png", eight)).data, eight / 255)
    sixteen = np.array([[0, 65535], [6553, 13107]], dtype=np.uint16)
    np.testing.assert_allclose(read_scan(picture("16.png", sixteen)).data, sixteen / 65535)
    colour = np.stack([eight, eight, eight], -1)
    np.testing.assert_allclose(read_scan(picture("rgb.png", colour)).data, eight / 255, atol=1 / 255)
    assert read_geometry(picture("wide.jpg", np.zeros((4, 9), np.uint8)))[0] == (4, 9)


def test_arrays(tmp_path):
    np.save(tmp_path / "two.npy", np.ones((3, 4)))
    np.save(tmp_path / "three.npy", np.ones((3, 4, 5)))
    assert [dimensions_of(str(tmp_path / name)) for name in ("two.npy", "three.npy")] == [2, 3]
    assert read_scan(str(tmp_path / "two.npy")).affine is None
    assert read_geometry(str(tmp_path / "three.npy"))[0] == (3, 4, 5)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.nii.gz", b"this is no image", "not a readable .nii.gz image"),
        ("a.nii", b"", "not a readable .nii image"),
        ("a.png", b"this is no image", "not a readable .png image"),
        ("a.npy", b"this is no image", "not a readable .npy image"),
        ("a.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4', ", "its header is damaged"),
        ("a.nii.gz", gzip.compress(b"this is no image", mtime=0), "not a readable .nii.gz image"),
        ("a.nii.gz", gzip.compress(b"x" * 5000, mtime=0)[:12], "truncated: the compressed data end too early"),
        ("a.nii.gz", b"\x1f\x8b\x08" + b"\xff" * 40, "damaged compressed data|truncated"),
        ("a.docx", b"", r"\.docx is not supported; use \.nii, \.nii\.gz"),
        ("a", b"", "a file without extension is not supported"),
    ],
)
def test_not_an_image(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_scan(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_truncated_volume(volume):
    path = Path(volume("a.nii", np.ones((5, 5, 5), np.float32)))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"not a readable \.nii image \(.*\)"):
        read_scan(str(path))
