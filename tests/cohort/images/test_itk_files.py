"""NRRD and MetaImage, written by hand; places against voxels whose position is worked out by the standards."""

from __future__ import annotations

import gzip
import zlib

import numpy as np
import pytest

from biasaudit.cohort.images import itk_files
from biasaudit.cohort.images.formats import decode, dimensions_of, read_geometry, read_scan
from biasaudit.cohort.images.headers import header_fields
from biasaudit.errors import DataError, UsageError

pytest.importorskip("nrrd")

DATA = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
DIRECTIONS = np.array([[1.0, 0.2, 0.0], [-0.1, 2.0, 0.3], [0.0, 0.1, 3.0]])
"""One row per axis of the file, in the space of its header."""
ORIGIN = (5.0, -6.0, 7.0)
LPS = np.diag([-1.0, -1.0, 1.0])


def row(numbers) -> str:
    return "(" + ",".join(f"{number:g}" for number in numbers) + ")"


def nrrd(data=DATA, held=None, **changed) -> bytes:
    """An NRRD file; a field that is None is left out."""
    fields = {
        "type": "float",
        "dimension": data.ndim,
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, data.shape)),
        "space directions": " ".join(map(row, DIRECTIONS)),
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
        "space origin": row(ORIGIN),
    } | {name.replace("_", " "): value for name, value in changed.items()}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)
    return b"NRRD0004\n# made by hand\n" + head.encode() + b"\n" + (data.tobytes(order="F") if held is None else held)


def meta(data=DATA, held=None, **changed) -> bytes:
    """A MetaImage file; a field that is None is left out."""
    count = data.ndim
    fields = {
        "ObjectType": "Image",
        "NDims": count,
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "0 1 0 1 0 0 0 0 -1",
        "Offset": "5 -6 7",
        "ElementSpacing": "1 2 3",
        "DimSize": " ".join(map(str, data.shape)),
        "ElementType": "MET_FLOAT",
    } | changed
    fields["ElementDataFile"] = changed.get("ElementDataFile", "LOCAL")
    head = "".join(f"{name} = {value}\n" for name, value in fields.items() if value is not None)
    return head.encode() + (data.tobytes(order="F") if held is None else held)


@pytest.mark.parametrize(
    ("space", "to_ras"),
    [
        ("left-posterior-superior", LPS),
        ("LPS", LPS),
        ("right-anterior-superior", np.eye(3)),
        ("RAS", np.eye(3)),
        ("left-anterior-superior", np.diag([-1.0, 1, 1])),
    ],
)
def test_every_voxel_of_an_nrrd_lies_where_its_header_says(space, to_ras):
    scan = decode("a.nrrd", nrrd(space=space))
    np.testing.assert_array_equal(scan.data, DATA)
    for voxel in np.ndindex(DATA.shape):
        wanted = to_ras @ (np.array(voxel) @ DIRECTIONS + ORIGIN)
        np.testing.assert_allclose(scan.affine[:3, :3] @ voxel + scan.affine[:3, 3], wanted)
    assert scan.remarks == ()


def test_every_voxel_of_a_metaimage_lies_where_its_header_says():
    """Each row of TransformMatrix is the direction of one axis, in LPS."""
    scan = decode("a.mha", meta())
    np.testing.assert_array_equal(scan.data, DATA)
    rows = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])
    for voxel in np.ndindex(DATA.shape):
        wanted = LPS @ ((np.array(voxel) * (1, 2, 3)) @ rows + ORIGIN)
        np.testing.assert_allclose(scan.affine[:3, :3] @ voxel + scan.affine[:3, 3], wanted)
    assert scan.remarks == ()


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "A.NRRD"])
def test_shape_place_and_fields_come_from_the_header_alone(tmp_path, name):
    (tmp_path / name).write_bytes(nrrd() if name.lower().endswith("nrrd") else meta())
    shape, affine = read_geometry(str(tmp_path / name))
    assert shape == (3, 4, 5)
    np.testing.assert_array_equal(affine, read_scan(str(tmp_path / name)).affine)
    assert dimensions_of(str(tmp_path / name)) == 3
    assert header_fields(str(tmp_path / name))["spacing z"] == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(("kind", "written"), [("int16", "short"), ("uint8", "unsigned char"), ("float64", "double")])
@pytest.mark.parametrize("order", ["little", "big"])
def test_types_orders_and_compression(kind, written, order):
    data = DATA.astype(kind)
    stored = data.astype(data.dtype.newbyteorder("<" if order == "little" else ">"))
    raw = stored.tobytes(order="F")
    element = {"short": "MET_SHORT", "unsigned char": "MET_UCHAR", "double": "MET_DOUBLE"}[written]
    msb = str(order == "big")
    for content, name in (
        (nrrd(stored, type=written, endian=order), "a.nrrd"),
        (nrrd(stored, gzip.compress(raw), type=written, endian=order, encoding="gzip"), "a.nrrd"),
        (meta(stored, ElementType=element, BinaryDataByteOrderMSB=msb), "a.mha"),
        (
            meta(stored, zlib.compress(raw), ElementType=element, BinaryDataByteOrderMSB=msb, CompressedData="True"),
            "a.mha",
        ),
    ):
        np.testing.assert_array_equal(decode(name, content).data, DATA)


def test_volumes_beside_each_other_first_or_last():
    data = np.arange(120, dtype=np.float32).reshape(3, 4, 5, 2)
    directions = " ".join(map(row, DIRECTIONS))
    last = nrrd(data, kinds="domain domain domain list", space_directions=f"{directions} none")
    first = nrrd(np.moveaxis(data, -1, 0), kinds="list domain domain domain", space_directions=f"none {directions}")
    four = meta(data, TransformMatrix="1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", Offset="0 0 0 0", ElementSpacing="1 2 3 1")
    for name, content in (("a.nrrd", last), ("a.nrrd", first), ("a.mha", four)):
        np.testing.assert_array_equal(decode(name, content).data, data)
    series = meta(data, TransformMatrix=None, Offset="0 0 0 0", ElementSpacing="1 2 3 2.5")
    assert decode("a.mha", series).interval == 2.5


def test_pictures_are_upright():
    picture = np.arange(12, dtype=np.float32).reshape(3, 4)  # width 3, height 4
    flat = nrrd(picture, space=None, space_directions=None, space_origin=None, kinds=None)
    for name, content in (
        ("a.nrrd", flat),
        ("a.mha", meta(picture, TransformMatrix=None, Offset=None, ElementSpacing="1 1")),
    ):
        scan = decode(name, content)
        np.testing.assert_array_equal(scan.data, picture.T)
        assert scan.affine is None


def test_what_a_header_leaves_open_is_told():
    assert "which side is left" in decode("a.nrrd", nrrd(space=None, space_origin=None)).remarks[0]
    assert "which side is left" in decode("a.mha", meta(TransformMatrix=None)).remarks[0]
    assert decode("a.nrrd", nrrd(space_units='"um" "um" "um"')).affine[2, 2] == pytest.approx(0.003)
    assert "sizes in um" in decode("a.nrrd", nrrd(space_units='"um" "um" "um"')).remarks[0]


REFUSED = {
    "no voxel size": ("a.nrrd", nrrd(space_directions=None), "no voxel size"),
    "no spacing": ("a.mha", meta(ElementSpacing=None), r"no voxel size \(ElementSpacing\)"),
    "zero spacing": ("a.mha", meta(ElementSpacing="1 0 1"), r"no voxel size \(ElementSpacing\)"),
    "colour": ("a.nrrd", nrrd(kinds="RGB-color domain domain"), r"in colour \(RGB-color, domain, domain\)"),
    "vectors": ("a.nrrd", nrrd(kinds="vector domain domain"), "vectors or complex"),
    "channels": ("a.mha", meta(ElementNumberOfChannels=3), "hold 3 numbers, expected one"),
    "another file": ("a.nrrd", nrrd(data_file="/etc/passwd"), "lie in another file"),
    "another file, mha": ("a.mha", meta(ElementDataFile="/etc/passwd"), "lie in another file"),
    "more than is held": ("a.nrrd", nrrd(sizes="3 4 50"), "declares 2.4 kB, whereas the file holds at most 240 bytes"),
    "more than is held, mha": ("a.mha", meta(DimSize="3 4 50"), "whereas the file holds at most 240 bytes"),
    "truncated": ("a.nrrd", nrrd(held=gzip.compress(DATA.tobytes()[:99]), encoding="gzip"), "truncated"),
    "bzip2": ("a.nrrd", nrrd(encoding="bzip2"), "encoded as bzip2, expected raw or gzip"),
    "text": ("a.mha", meta(BinaryData="False"), "written as text"),
    "an odd type": ("a.nrrd", nrrd(type="block"), "of type block"),
    "an odd element": ("a.mha", meta(ElementType="MET_OTHER"), "of type MET_OTHER"),
    "no order of bytes": ("a.nrrd", nrrd(endian=None), "order the bytes"),
    "a skip": ("a.nrrd", nrrd(byte_skip=8), "byte skip"),
    "no end of header": ("a.mha", b"NDims = 3\n", "no MetaImage header"),
    "no header": ("a.mha", b"\x00\x01" * 400, "no MetaImage header"),
    "another format": ("a.nrrd", meta(), "not a readable .nrrd image"),
    "no sizes": ("a.nrrd", nrrd(sizes=None), "no sizes"),
    "a negative size": ("a.mha", meta(DimSize="3 -4 5"), "not a readable .mha image"),
    "five axes": ("a.mha", meta(NDims=5, DimSize="3 4 5 1 1"), "expected 2 to 4"),
    "a matrix of another size": ("a.mha", meta(TransformMatrix="1 0 0 1"), "4 numbers of TransformMatrix"),
    "a surplus": ("a.mha", meta(held=b"1234" + DATA.tobytes(order="F")), "4 bytes beside the voxels that its header"),
    "a surplus, nrrd": ("a.nrrd", nrrd(held=DATA.tobytes(order="F") + b"1"), "1 bytes beside the voxels"),
    "a surplus, packed": ("a.nrrd", nrrd(held=gzip.compress(DATA.tobytes() * 2), encoding="gzip"), "further bytes"),
    "voxels in the header": ("a.mha", meta(HeaderSize=9), "HeaderSize is 9, expected the number of bytes"),
    "an odd header": ("a.mha", meta(HeaderSize=-2), "HeaderSize is -2, expected"),
    "packed at an unknown place": ("a.mha", meta(HeaderSize=-1, CompressedData="True"), "HeaderSize is -1, expected"),
    "two files": ("a.nhdr", nrrd(), "header and voxels lie in two files, expected one; convert it to .nii.gz"),
    "two files, mhd": ("a.mhd", meta(), "header and voxels lie in two files"),
}


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line(name, content, message, capfd):
    with pytest.raises(DataError, match=message) as caught:
        decode(name, content, 10_000)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_more_voxels_than_allowed(name):
    content = nrrd(sizes="3000 4000 5000") if name == "a.nrrd" else meta(DimSize="3000 4000 5000")
    with pytest.raises(DataError, match="its header declares 3000 x 4000 x 5000 voxels"):
        decode(name, content, 500_000_000)


@pytest.mark.parametrize("size", [-1, 400])
def test_bytes_before_the_voxels_are_passed_over(size):
    """ITK counts `HeaderSize` from the start of the file; -1 says that the voxels end it."""
    head = meta(held=b"", HeaderSize=size)
    content = head + b"x" * (400 - len(head)) + DATA.tobytes(order="F")
    np.testing.assert_array_equal(decode("a.mha", content).data, decode("a.mha", meta()).data)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nrrd", None)
    with pytest.raises(UsageError, match=r"pip install 'biasaudit\[itk\]'"):
        decode("a.nrrd", nrrd())
    assert decode("a.mha", meta()).data.shape == (3, 4, 5)
    assert itk_files.ITK == (".nrrd", ".mha")
