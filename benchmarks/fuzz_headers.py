"""Volumes whose headers are odd, damaged or lie: NIfTI, MGH, NRRD, MetaImage and arrays."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import cohort_around
import nibabel as nib
import numpy as np

Chance = np.random.Generator
SHAPE = (8, 9, 7)
NUMBERS = (0, -1, 1, 2, 3, 4, 7, 16, 255, 256, 512, 1024, 32767, -32768, 65535)
REALS = (0.0, -0.0, 1.0, -1.0, 4.0, 1e-30, 1e30, 1e-3, 1e3, -4.0, float("nan"), float("inf"), float("-inf"))


def make(chance: Chance, folder: Path) -> Sequence[str]:
    """Write a cohort of small volumes, all of one format, and spoil one, one site's, or all."""
    kinds = (_nifti, _nifti, _nifti, _nifti2, _mgh, _nrrd, _meta, _npy)
    kind = kinds[chance.integers(len(kinds))]
    content, name = kind(chance)
    spoilt, told = _spoiler(chance, name)(content, chance)
    which = chance.integers(3)
    rows = cohort_around.rows(8)
    for number, row in enumerate(rows):
        odd = (number == 2, number % 4 < 2, True)[which]
        row["image"] = f"{number}{name}"
        (folder / row["image"]).write_bytes(_varied(spoilt if odd else content, number, odd))
    cohort_around.must_be_told(folder, told)
    return cohort_around.written(folder, rows, chance)


def wrong(folder: Path, code: int, text: str) -> str | None:
    """Say whether something that must be told was not, or a library spoke."""
    return cohort_around.untold(folder, text) or cohort_around.line_of_a_library(text)


def _varied(content: bytes, number: int, odd: bool) -> bytes:
    """Change the last voxel, so that no two files are the same."""
    return content if odd or content[:2] == b"\x1f\x8b" else content[:-1] + bytes([number + 1])


def _volume(chance: Chance) -> np.ndarray:
    data = np.zeros(SHAPE, np.float32)
    data[1:-1, 1:-1, 1:-1] = 1 + chance.random((6, 7, 5))
    return data


def _nifti(chance: Chance, image: type = nib.Nifti1Image) -> tuple[bytes, str]:
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    made = image(_volume(chance), affine)
    made.set_qform(affine, int(chance.integers(3)))
    made.set_sform(affine, int(chance.integers(1, 5)))
    return made.to_bytes(), ".nii"


def _nifti2(chance: Chance) -> tuple[bytes, str]:
    return _nifti(chance, nib.Nifti2Image)


def _mgh(chance: Chance) -> tuple[bytes, str]:
    return nib.MGHImage(_volume(chance), np.diag([4.0, 4.0, 4.0, 1.0])).to_bytes(), ".mgh"


def _npy(chance: Chance) -> tuple[bytes, str]:
    shapes = (
        SHAPE,
        (24, 30),
        (24, 30, 3),
        (3, 24, 30),
        (24, 30, 4),
        (1, 24, 30),
        (24, 30, 1),
        (2, 3),
        (24,),
        (*SHAPE, 2),
    )
    kinds = ("f4", "f8", "u1", "i2", "b", "f2", "c8", ">f4", "U3", "u8")
    stream = io.BytesIO()
    shape = shapes[chance.integers(len(shapes))]
    data = 100 * chance.random(shape)
    np.save(stream, data.astype(kinds[chance.integers(len(kinds))] if chance.random() < 0.5 else "f4"))
    return stream.getvalue(), ".npy"


def _nrrd(chance: Chance) -> tuple[bytes, str]:
    head = (
        "NRRD0004\ntype: float\ndimension: 3\nspace: left-posterior-superior\nsizes: 8 9 7\n"
        "space directions: (4,0,0) (0,4,0) (0,0,4)\nkinds: domain domain domain\nendian: little\nencoding: raw\n"
        "space origin: (0,0,0)\n\n"
    )
    return head.encode() + _volume(chance).tobytes(order="F"), ".nrrd"


def _meta(chance: Chance) -> tuple[bytes, str]:
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 4 4 4\nDimSize = 8 9 7\n"
        "ElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
    )
    return head.encode() + _volume(chance).tobytes(order="F"), ".mha"


Spoiler = Callable[[bytes, Chance], tuple[bytes, str]]


def _spoiler(chance: Chance, name: str) -> Spoiler:
    general: list[Spoiler] = [_flipped, _cut, _zipped, _replaced, _longer]
    own: dict[str, list[Spoiler]] = {
        ".nii": [_field, _field, _field, _field, _fields, _units, _mirrored, _no_size, _one_slice],
        ".nrrd": [_words, _words, _words],
        ".mha": [_words, _words, _words],
    }
    choices = [*general, *own.get(name, [])]
    return choices[chance.integers(len(choices))]


def _flipped(content: bytes, chance: Chance) -> tuple[bytes, str]:
    spoilt = bytearray(content)
    for _ in range(chance.integers(1, 6)):
        spoilt[chance.integers(min(len(spoilt), 600))] = chance.integers(256)
    return bytes(spoilt), ""


def _cut(content: bytes, chance: Chance) -> tuple[bytes, str]:
    return content[: chance.integers(len(content))], ""


def _longer(content: bytes, chance: Chance) -> tuple[bytes, str]:
    return content + bytes(int(chance.integers(1, 5000))), ""


def _zipped(content: bytes, chance: Chance) -> tuple[bytes, str]:
    packed = gzip.compress(content, mtime=0)
    return (packed if chance.random() < 0.5 else packed[: chance.integers(len(packed))]), ""


def _replaced(content: bytes, chance: Chance) -> tuple[bytes, str]:
    others = (b"", b"<html>404</html>", bytes(2000), b"version https://git-lfs.github.com/spec/v1\n", chance.bytes(900))
    return others[chance.integers(len(others))], ""


def _header(content: bytes) -> tuple[nib.Nifti1Header, bytes]:
    kind = nib.Nifti1Header if content[:4] == (348).to_bytes(4, "little") else nib.Nifti2Header
    size = kind.sizeof_hdr
    return kind.from_fileobj(io.BytesIO(content[:size]), check=False), content[size:]


def _set(header: nib.Nifti1Header, chance: Chance) -> None:
    names = [name for name in header.keys() if name != "sizeof_hdr"]  # noqa: SIM118 - headers are no mappings
    name = names[chance.integers(len(names))]
    value = np.array(header[name])
    place = tuple(chance.integers(size) for size in value.shape)
    if value.dtype.kind == "S":
        value[place] = chance.bytes(int(chance.integers(1, 5)))
    elif value.dtype.kind == "f":
        value[place] = REALS[chance.integers(len(REALS))]
    else:
        limits = np.iinfo(value.dtype)
        value[place] = min(max(NUMBERS[chance.integers(len(NUMBERS))], limits.min), limits.max)
    header[name] = value


def _field(content: bytes, chance: Chance, count: int = 1) -> tuple[bytes, str]:
    header, rest = _header(content)
    for _ in range(count):
        _set(header, chance)
    return header.binaryblock + rest, ""


def _fields(content: bytes, chance: Chance) -> tuple[bytes, str]:
    return _field(content, chance, int(chance.integers(2, 9)))


def _units(content: bytes, chance: Chance) -> tuple[bytes, str]:
    header, rest = _header(content)
    code, factor, name = ((1, 0.001, "metres"), (3, 1000.0, "micrometres"))[chance.integers(2)]
    header["xyzt_units"] = code
    header["pixdim"][1:4] *= factor
    for row in ("srow_x", "srow_y", "srow_z"):
        header[row] = header[row] * factor
    return header.binaryblock + rest, f"sizes in {name}"


def _mirrored(content: bytes, chance: Chance) -> tuple[bytes, str]:
    header, rest = _header(content)
    header["qform_code"] = header["sform_code"] = 1
    header["srow_x"] = -header["srow_x"]
    return header.binaryblock + rest, "which side is left"


def _no_size(content: bytes, chance: Chance) -> tuple[bytes, str]:
    header, rest = _header(content)
    header["pixdim"][1 + chance.integers(3)] = (0, np.nan, np.inf)[chance.integers(3)]
    header["sform_code"] = 0
    return header.binaryblock + rest, "no voxel size"


def _one_slice(content: bytes, chance: Chance) -> tuple[bytes, str]:
    header, rest = _header(content)
    sizes = [8 * 7, 9, 7 * 8]
    sizes[chance.integers(3)] = 1
    header["dim"][1:4] = sizes
    return header.binaryblock + rest, "one slice"


def _words(content: bytes, chance: Chance) -> tuple[bytes, str]:
    """Change, drop or double one line of a header of text, or a number in it."""
    end = content.index(b"\n\n") + 1 if content.startswith(b"NRRD") else content.index(b"LOCAL\n") + 6
    lines = content[:end].splitlines(keepends=True)
    place = int(chance.integers(len(lines)))
    values = (
        b"",
        b"0",
        b"-1",
        b"nan",
        b"none",
        b"1e400",
        b"999999999",
        b"a b c",
        b"(1,0,0)",
        b"\xff\xfe",
        b"block",
        b"8 9",
    )
    value = values[chance.integers(len(values))]
    name, mark, _ = lines[place].partition(b": " if content.startswith(b"NRRD") else b" = ")
    ways = (lambda: [], lambda: [lines[place]] * 2, lambda: [name + mark + value + b"\n"], lambda: [value + b"\n"])
    lines[place : place + 1] = ways[chance.integers(len(ways))]()
    return b"".join(lines) + content[end:], ""
