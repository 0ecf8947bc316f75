"""Headers that declare what the file does not hold, and files that hold more than anybody wants."""

from __future__ import annotations

import gzip
import io
import struct
import zlib

import nibabel as nib
import numpy as np
import pytest

from biasaudit.cohort.images.declared import expanded, require_held
from biasaudit.cohort.images.formats import decode, read_geometry
from biasaudit.errors import DataError

MOST = 500_000_000


def nifti(side: int, held: int, kind: type = nib.Nifti1Header, offset: float = 352) -> bytes:
    header = kind()
    header.set_data_dtype(np.float32)
    header["dim"][:] = [3, side, side, side, 1, 1, 1, 1]
    header["vox_offset"] = offset
    header["magic"] = b"n+1" if kind is nib.Nifti1Header else b"n+2"
    header["sform_code"] = 1
    header["srow_x"], header["srow_y"], header["srow_z"] = [4, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]
    return header.binaryblock + bytes(held)


def mgh(side: int, held: int) -> bytes:
    image = nib.MGHImage(np.ones((2, 2, 2), np.float32), np.eye(4))
    content = bytearray(image.to_bytes())
    content[4:16] = struct.pack(">iii", side, side, side)
    return bytes(content) + bytes(held)


def npy(shape: tuple[int, ...], held: int, kind: str = "<f4") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue() + bytes(held)


def png(side: int, held: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(held))) + chunk(b"IEND", b"")


def bmp(side: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, *[0] * 6)


def tiff(side: int) -> bytes:
    tags = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, side)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in [*tags, (279, 4, 4)])
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 8) + entries + bytes(4)


def jpeg(side: int) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "JPEG")
    content = bytearray(stream.getvalue())
    place = content.index(b"\xff\xc0")
    content[place + 5 : place + 9] = struct.pack(">HH", side, side)
    return bytes(content)


def bomb(content: bytes, megabytes: int) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [stream.compress(content), *(stream.compress(bytes(1 << 20)) for _ in range(megabytes)), stream.flush()]
    return b"".join(parts)


HOSTILE = {
    "huge.nii": nifti(30_000, 1000),
    "huge two.nii": nifti(30_000, 1000, nib.Nifti2Header, 544),
    "huge.nii.gz": gzip.compress(nifti(30_000, 1000)),
    "bomb.nii.gz": bomb(nifti(30_000, 0), 40),
    "huge.mgh": mgh(30_000, 1000),
    "huge.mgz": gzip.compress(mgh(30_000, 1000)),
    "huge.npy": npy((30_000,) * 3, 100),
    "huge.png": png(50_000, 100_000),
    "huge.bmp": bmp(40_000),
    "huge.tif": tiff(1_000_000),
    "huge.jpg": jpeg(65_000),
}
LYING = {
    "short.nii": nifti(600, 1000),
    "short.nii.gz": gzip.compress(nifti(600, 1000)),
    "short.mgh": mgh(600, 1000),
    "short.npy": npy((600,) * 3, 100),
    "short.png": png(20_000, 1000),
    "long.nii.gz": bomb(nifti(4, 0), 40),
    "offset.nii": nifti(4, 1000, offset=1e30),
    "before.nii": nifti(4, 1000, offset=-5.0),
    "nan.nii": nifti(4, 1000, offset=float("nan")),
    "negative.npy": npy((-3, 4, 5), 100),
    "dates.npy": npy((4, 4, 4), 512, "<M8[s]"),
    "complex.npy": npy((4, 4, 4), 512, "<c8"),
    "objects.npy": npy((4, 4, 4), 512, "|O"),
    "records.npy": npy((4, 4, 4), 512, "|V8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_more_voxels_than_allowed(name):
    with pytest.raises(DataError, match=f"^{name}: its header declares .* voxels, .* expected at most 5e.08"):
        decode(name, HOSTILE[name], MOST)


@pytest.mark.parametrize("name", LYING)
def test_a_header_that_lies_is_refused_before_memory_is_taken(name):
    with pytest.raises(DataError, match=f"^{name}: not a readable .* image .*; replace it") as caught:
        decode(name, LYING[name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["huge.nii", "huge.nii.gz", "bomb.nii.gz", "huge.mgh", "huge.tif"])
def test_only_the_header_is_looked_at_for_the_geometry(tmp_path, name):
    (tmp_path / name).write_bytes(HOSTILE[name])
    assert min(read_geometry(str(tmp_path / name))[0]) >= 30_000


def test_a_picture_whose_metadata_lie_behind_the_pixels_is_held_against_its_file_first(tmp_path):
    (tmp_path / "huge.png").write_bytes(HOSTILE["huge.png"])
    with pytest.raises(DataError, match="its header declares 312 MB, whereas the file holds at most"):
        read_geometry(str(tmp_path / "huge.png"))


def test_complex_volumes(tmp_path):
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.complex64), np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(DataError, match="its voxels are complex numbers, expected real numbers"):
        decode("a.nii", (tmp_path / "a.nii").read_bytes())


def test_memory_that_is_not_there(monkeypatch):
    def none(*_, **__):
        raise MemoryError

    monkeypatch.setattr(np, "load", none)
    with pytest.raises(DataError, match="do not fit into the memory"):
        decode("a.npy", npy((4, 4, 4), 256))


def test_several_members_and_padding_of_a_gzip_file():
    content = gzip.compress(b"abc") + gzip.compress(b"def") + bytes(8)
    assert expanded(content, 6) == b"abcdef"
    with pytest.raises(EOFError):
        expanded(content[:-20], 6)


def test_what_a_file_can_hold():
    require_held(10, 10)
    with pytest.raises(ValueError, match="declares 11 bytes, whereas the file holds at most 10 bytes"):
        require_held(11, 10)


def test_what_nibabel_says_of_a_header_is_no_line_of_its_own(capfd):
    with pytest.raises(DataError, match="Unknown MGH format version"):
        decode("a.mgh", bytes(range(256)) * 40)
    assert capfd.readouterr() == ("", "")
