"""Where a header places a volume, against what is written into it by hand."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from biasaudit.cohort.images.declared import volume_header
from biasaudit.cohort.images.formats import decode, read_geometry
from biasaudit.cohort.images.geometry import header_geometry, is_singular, placed
from biasaudit.errors import DataError

SHAPE = (6, 5, 4)
AFFINE = np.array([[2.0, 0, 0, -10], [0, 3, 0, 5], [0, 0, 4, 7], [0, 0, 0, 1]])
MIRRORED = np.diag([-1.0, 1, 1, 1]) @ AFFINE


def header(sform=AFFINE, qform=None, sform_code=2, qform_code=1, sizes=None, units=None, shape=SHAPE):
    """A NIfTI header with just these transformations, voxel sizes and units."""
    made = nib.Nifti1Image(np.zeros(shape, np.float32), AFFINE).header
    made.set_qform(AFFINE if qform is None else qform, qform_code)
    made.set_sform(sform, sform_code)
    if sform is None:
        made["sform_code"] = 0
    if qform is None:
        made["qform_code"] = 0
    if sizes is not None:
        made["pixdim"][1:4] = sizes
    made["xyzt_units"] = {None: 0, "mm": 2, "m": 1, "um": 3, "mm s": 10, "odd": 7}[units]
    made["vox_offset"], made["magic"] = 352, b"n+1"
    return made


def geometry(**fields):
    return header_geometry(volume_header(".nii", header(**fields).binaryblock + bytes(4)))


def said(**fields):
    return " | ".join(geometry(**fields).remarks)


@pytest.mark.parametrize("units", [None, "mm", "mm s", "odd"])
def test_what_is_in_millimetres_is_taken_as_it_is(units):
    found = geometry(units=units)
    np.testing.assert_array_equal(found.affine, AFFINE)
    assert (found.shape, found.remarks) == (SHAPE, ())


@pytest.mark.parametrize(("units", "factor", "name"), [("um", 1000.0, "micrometres"), ("m", 0.001, "metres")])
@pytest.mark.parametrize("kind", ["sform", "qform", "none"])
def test_other_units_are_converted(units, factor, name, kind):
    scaled = np.diag([factor, factor, factor, 1]) @ AFFINE
    sform, qform = (scaled if kind == "sform" else None), (scaled if kind == "qform" else None)
    found = geometry(sform=sform, qform=qform, sizes=np.array([2, 3, 4]) * factor, units=units)
    np.testing.assert_allclose(np.abs(found.affine[:3, :3]), np.abs(AFFINE[:3, :3]), rtol=1e-6, atol=1e-6)
    assert f"sizes in {name} in the header, converted to millimetres" in found.remarks


def test_sizes_that_can_hardly_be_true_are_told():
    assert "voxels of 2000 x 3000 x 4000 mm: is the unit" in said(sform=np.diag([1000, 1000, 1000, 1]) @ AFFINE)
    assert "voxels of 0.002 x 0.003 x 0.004 mm: is the unit" in said(sform=np.diag([1e-3, 1e-3, 1e-3, 1]) @ AFFINE)
    assert said() == ""


@pytest.mark.parametrize("sizes", [(0, 3, 4), (2, np.nan, 4), (2, 3, np.inf)])
@pytest.mark.parametrize("qform", [None, AFFINE], ids=["no qform", "qform"])
def test_no_voxel_size_and_no_sform_is_refused(sizes, qform):
    with pytest.raises(ValueError, match=r"no voxel size \(pixdim .*\) and no usable transformation"):
        geometry(sform=None, qform=qform, sizes=sizes)


def test_voxel_sizes_beside_an_sform_are_compared_with_it():
    found = geometry(sizes=(0, 3, 4))
    np.testing.assert_array_equal(found.affine, AFFINE)
    assert found.remarks == ("voxel sizes (pixdim) that differ from those of the sform, which is taken",)
    assert said(sizes=(-2, 3, 4)) == ""


def test_negative_voxel_sizes_are_taken_as_positive():
    found = geometry(sform=None, qform=AFFINE, sizes=(-2, 3, 4))
    np.testing.assert_allclose(found.affine, AFFINE, atol=1e-5)
    assert "negative voxel sizes" in found.remarks[0]


def test_without_any_transformation_sizes_are_taken_and_sides_are_not_known():
    found = geometry(sform=None)
    assert sorted(np.sqrt((found.affine[:3, :3] ** 2).sum(0))) == [2, 3, 4]
    assert "not where the image lies or which side is left" in found.remarks[0]


@pytest.mark.parametrize(
    ("sform", "told"),
    [
        (MIRRORED, "disagree about directions (LAS and RAS), so about which side is left: the sform is taken"),
        (np.diag([1.0, -1, 1, 1]) @ AFFINE, "directions (RPS and RAS), so about which side"),
        (np.diag([-1.0, -1, 1, 1]) @ AFFINE, "directions (LPS and RAS): the sform is taken"),
        (AFFINE + np.array([[0, 0, 0, 9.0], [0] * 4, [0] * 4, [0] * 4]), "disagree about the place by more than a"),
        (AFFINE + np.array([[0, 0, 0, 0.1], [0] * 4, [0] * 4, [0] * 4]), ""),
    ],
)
def test_sform_and_qform_that_disagree(sform, told):
    remarks = said(sform=sform, qform=AFFINE, sform_code=1)
    assert told in remarks if told else remarks == ""
    np.testing.assert_allclose(geometry(sform=sform, qform=AFFINE, sform_code=1).affine, sform, atol=1e-5)


def test_two_spaces_may_differ_in_place_but_not_in_sides():
    moved = AFFINE.copy()
    moved[:3, 3] += 30
    assert said(sform=moved, qform=AFFINE, sform_code=4) == ""
    assert "which side is left" in said(sform=MIRRORED, qform=AFFINE, sform_code=4)


def test_a_singular_sform_gives_way_to_the_qform():
    found = geometry(sform=np.zeros((4, 4)), qform=AFFINE)
    np.testing.assert_allclose(found.affine, AFFINE, atol=1e-5)
    assert found.remarks == ("the sform of the header is singular: the qform is taken",)
    for sform in (np.zeros((4, 4)), np.full((4, 4), np.nan)):
        with pytest.raises(ValueError, match="its affine is singular"):
            geometry(sform=sform)


def test_a_qform_of_no_rotation_is_left_aside():
    odd = header(qform=AFFINE)
    odd["quatern_b"], odd["quatern_c"] = 3, 3
    assert header_geometry(odd).remarks == ()
    odd["sform_code"] = 0
    with pytest.raises(ValueError, match="singular"):
        header_geometry(odd)


def test_mgh_headers_without_a_transformation():
    made = nib.MGHImage(np.zeros(SHAPE, np.float32), AFFINE).header
    assert header_geometry(made).remarks == ()
    made["goodRASFlag"] = 0
    assert "which side is left" in header_geometry(made).remarks[0]


@pytest.mark.parametrize("shape", [(6, 5, 1), (6, 1, 5), (1, 6, 5), (6, 5, 1, 1)])
def test_one_slice_in_whatever_direction_is_a_picture(tmp_path, shape):
    data = np.arange(30, dtype=np.float32).reshape(shape)
    nib.save(nib.Nifti1Image(data, AFFINE), tmp_path / "a.nii")
    scan = decode("a.nii", (tmp_path / "a.nii").read_bytes())
    np.testing.assert_array_equal(scan.data, data.reshape(6, 5))
    assert (scan.affine, scan.remarks) == (None, ("a volume of one slice, read as a picture",))
    assert read_geometry(str(tmp_path / "a.nii")) == ((6, 5), None)


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ((6, 5, 1, 3), "3 volumes of one slice each"),
        ((1, 5, 4, 3), "3 volumes of one slice each"),
        ((6, 1, 1), "expected 2 to 4 axes"),
        ((6, 5, 4, 1, 3), "expected 2 to 4 axes"),
        ((6,), "expected 2 to 4 axes"),
    ],
)
def test_shapes_that_are_no_image(tmp_path, shape, why):
    nib.save(nib.Nifti1Image(np.ones(shape, np.float32), AFFINE), tmp_path / "a.nii")
    for read in (lambda path: decode(path, (tmp_path / "a.nii").read_bytes()), read_geometry):
        with pytest.raises(DataError, match=why):
            read(str(tmp_path / "a.nii"))


def test_one_frame_of_four_axes_is_a_volume():
    assert placed((6, 5, 4, 1), AFFINE).shape == (6, 5, 4)
    assert placed((6, 5, 4, 2), AFFINE).shape == (6, 5, 4, 2)


def test_singular():
    assert is_singular(np.diag([1.0, 1, 0, 1]))
    assert is_singular(np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    assert not is_singular(np.diag([1e-6, 1e-6, 1e-6, 1]))
    with np.errstate(all="ignore"):
        assert is_singular(np.diag([1e300, 1, 1, 1]))


def test_no_line_of_a_library(tmp_path, capfd):
    made = header(sizes=(0, -3, 4))
    content = made.binaryblock + bytes(4) + np.zeros(SHAPE, np.float32).tobytes()
    decode("a.nii", content)
    assert capfd.readouterr() == ("", "")
