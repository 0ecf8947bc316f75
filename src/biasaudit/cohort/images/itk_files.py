"""Volumes of ITK, 3D Slicer and ImageJ in one file: NRRD, whose header pynrrd reads (an extra), and MetaImage.

Both state places in millimetres, most often towards left, posterior and superior (LPS); here x grows to the right, y to
anterior, z to superior (RAS), as in NIfTI. Headers whose voxels lie in another file are refused: the hash of a file is
to say that its image is what it was.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from biasaudit.cohort.images.declared import MOST_DENSE, require_held, require_voxels
from biasaudit.cohort.images.geometry import UNPLACED, Geometry, placed
from biasaudit.cohort.images.scan import Scan
from biasaudit.errors import UsageError
from biasaudit.records import FloatArray

__all__ = ["DETACHED", "ITK", "itk_geometry", "read_itk"]

ITK = (".nrrd", ".mha")
DETACHED = (".nhdr", ".mhd")
"""Headers whose voxels lie in another file."""

_LPS = (-1, -1, 1)
_SPACES = (
    (("right-anterior-superior", "ras", "right-anterior-superior-time", "rast"), (1, 1, 1)),
    (("left-anterior-superior", "las", "left-anterior-superior-time", "last"), (-1, 1, 1)),
    (("left-posterior-superior", "lps", "left-posterior-superior-time", "lpst"), _LPS),
)
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(
        ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"), "i8"
    ),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_MILLIMETRES = {"mm": 1.0, "um": 1e-3, "µm": 1e-3, "microns": 1e-3, "micron": 1e-3, "cm": 10.0, "m": 1000.0}
_ELEMENTS = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_LONGEST_LINE = 1 << 16
_COLOURS = ("RGB-color", "RGBA-color", "3-color", "4-color", "HSV-color", "XYZ-color")
_VECTORS = ("vector", "covariant-vector", "normal", "complex", "quaternion", "point")


@dataclass(frozen=True)
class _Header:
    """What the header of a file declares; axes in the order of the file, the fastest first.

    Voxels begin at `start` and fill the rest of the file, or end it where `at_end`, whatever lies before them.
    """

    sizes: tuple[int, ...]
    kind: np.dtype[Any]
    start: int
    encoding: str
    affine: FloatArray
    remarks: tuple[str, ...]
    beside: int | None = None
    interval: float = 0.0
    at_end: bool = False


def read_itk(path: str, extension: str, content: bytes, most: int | None) -> Scan:
    """Decode a volume; memory is taken for it only after its header fits the file.

    Parameters
    ----------
    path : str
        For messages.
    extension : str
        One of `ITK`.
    content : bytes
        The whole file.
    most : int or None
        Largest number of voxels.

    Raises
    ------
    UsageError
        pynrrd is not installed.
    DataError
        More voxels than are allowed.
    ValueError, EOFError, zlib.error
        Damaged, or no image of one number per voxel in one file.
    """
    header = _header(content, extension)
    require_voxels(path, header.sizes, most)
    stored = _decoded(content[header.start :], header)
    with np.errstate(all="ignore"):  # what does not fit 32 bits becomes infinite, which is told later
        data = stored.reshape(header.sizes, order="F").astype(np.float32)
    if data.ndim == 2:
        return Scan(np.ascontiguousarray(data.T), None, remarks=header.remarks)
    data = data if header.beside is None else np.moveaxis(data, header.beside, -1)
    found = placed(data.shape, header.affine, header.remarks)
    interval = header.interval if len(found.shape) == 4 else 0.0
    return Scan(data.reshape(found.shape), found.affine, interval=interval, remarks=found.remarks)


def itk_geometry(start: bytes, extension: str) -> Geometry:
    """Read shape and place from the start of a file.

    Raises
    ------
    UsageError, ValueError
        As `read_itk`.
    """
    header = _header(start, extension)
    if len(header.sizes) == 2:
        return Geometry(header.sizes[::-1], None, header.remarks)
    sizes = [size for axis, size in enumerate(header.sizes) if axis != header.beside]
    sizes += [] if header.beside is None else [header.sizes[header.beside]]
    return placed(sizes, header.affine, header.remarks)


def _header(content: bytes, extension: str) -> _Header:
    header = _READERS[extension](content)
    if min(header.sizes) < 1:
        raise ValueError(f"shape {header.sizes}, expected 2 to 4 axes")
    return header


def _decoded(held: bytes, header: _Header) -> np.ndarray[Any, Any]:
    declared = math.prod(header.sizes) * header.kind.itemsize
    if header.encoding == "raw":
        require_held(declared, len(held))
        surplus = 0 if header.at_end else len(held) - declared
        expanded = held[len(held) - declared :]
    else:
        require_held(declared, len(held) * MOST_DENSE)
        expanded = zlib.decompressobj(wbits=47).decompress(held, declared + 1)
        surplus = len(expanded) - declared
    if surplus < 0:
        raise EOFError
    if surplus:
        more = surplus if header.encoding == "raw" else "further"
        raise ValueError(
            f"{more} bytes beside the voxels that its header declares: it cannot be known where they begin"
        )
    return np.frombuffer(expanded, header.kind, math.prod(header.sizes))


def _nrrd(content: bytes) -> _Header:
    fields, start = _nrrd_fields(content)
    _require_plain(fields)
    sizes = tuple(int(size) for size in fields["sizes"])
    if len(sizes) != int(fields["dimension"]):
        raise ValueError(f"{len(sizes)} sizes of {fields['dimension']} axes")
    encoding = {"raw": "raw", "gzip": "zlib", "gz": "zlib"}.get(str(fields["encoding"]).lower(), "")
    if not encoding:
        raise ValueError(f"its voxels are encoded as {fields['encoding']}, expected raw or gzip")
    spatial, directions = _nrrd_directions(fields, len(sizes))
    beside = next((axis for axis in range(len(sizes)) if axis not in spatial), None)
    steps = np.asarray(fields.get("spacings", np.full(len(sizes), np.nan)), dtype=np.float64)
    interval = 0.0 if beside is None or not np.isfinite(steps[beside]) else float(steps[beside])
    affine, remarks = (np.eye(4), []) if len(sizes) == 2 else _nrrd_affine(fields, directions)
    return _Header(sizes, _nrrd_kind(fields), start, encoding, affine, tuple(remarks), beside, interval)


def _nrrd_fields(content: bytes) -> tuple[Mapping[str, Any], int]:
    """Fields of the header, and where the voxels begin."""
    stream, library = io.BytesIO(content), _pynrrd()
    try:
        fields = library.read_header(stream)
    except (library.NRRDError, StopIteration) as error:
        raise ValueError(str(error) or "it has no NRRD header") from None
    missing = [name for name in ("type", "dimension", "sizes", "encoding") if name not in fields]
    if missing:
        raise ValueError(f"its header has no {', '.join(missing)}")
    return fields, stream.tell()


def _require_plain(fields: Mapping[str, Any]) -> None:
    if "data file" in fields or "datafile" in fields:
        raise ValueError("its voxels lie in another file, expected header and voxels in one file")
    for name in ("line skip", "lineskip", "byte skip", "byteskip"):
        if int(fields.get(name, 0)):
            raise ValueError(f"it has a {name!r}, expected voxels right behind the header")
    kinds = [str(kind) for kind in fields.get("kinds", ())]
    for names, what in ((_COLOURS, "in colour"), (_VECTORS, "vectors or complex numbers")):
        if any(kind in names for kind in kinds):
            raise ValueError(f"its voxels are {what} ({', '.join(kinds)}), expected one number per voxel")


def _nrrd_kind(fields: Mapping[str, Any]) -> np.dtype[Any]:
    name = _TYPES.get(" ".join(str(fields["type"]).split()))
    if name is None:
        raise ValueError(f"its voxels are of type {fields['type']}, expected real numbers")
    kind, order = np.dtype(name), str(fields.get("endian", "")).lower()
    if kind.itemsize > 1 and order not in ("little", "big"):
        raise ValueError("its header does not say in which order the bytes of a voxel are (endian)")
    return kind.newbyteorder(">" if order == "big" else "<")


def _nrrd_directions(fields: Mapping[str, Any], count: int) -> tuple[list[int], FloatArray]:
    """Axes in space, and the step along each of them; of axes without any direction by their spacings."""
    if "space directions" in fields:
        given = [
            np.full(1, np.nan) if row is None else np.asarray(row, dtype=float) for row in fields["space directions"]
        ]
        spatial = [axis for axis, row in enumerate(given) if row.size > 1 and np.isfinite(row).all()]
        return spatial, np.array([given[axis] for axis in spatial])
    kinds = [str(kind) for kind in fields.get("kinds", ["domain"] * count)]
    spatial = [axis for axis in range(min(count, len(kinds))) if kinds[axis] in ("domain", "space", "???", "none")]
    spatial = spatial[:3] if len(spatial) > 2 else list(range(min(3, count)))
    steps = np.asarray(fields.get("spacings", np.full(count, np.nan)), dtype=np.float64)[spatial]
    return spatial, np.diag(steps)


def _nrrd_affine(fields: Mapping[str, Any], directions: FloatArray) -> tuple[FloatArray, list[str]]:
    if directions.shape != (3, 3) or not np.isfinite(directions).all() or not directions.any(1).all():
        raise ValueError("its header has no voxel size (space directions or spacings) for each of three axes")
    space = str(fields.get("space", "")).lower()
    signs = next((signs for names, signs in _SPACES if space in names), None)
    unit = str((fields.get("space units") or ["mm"])[0]).strip('"').lower()
    factor = _MILLIMETRES.get(unit, 1.0)
    origin = np.asarray(fields.get("space origin", np.zeros(3)), dtype=np.float64)
    if origin.shape != (3,) or not np.isfinite(origin).all():
        origin = np.zeros(3)
    told = [] if signs else [UNPLACED]
    told += [f"sizes in {unit} in the header, converted to millimetres"] if factor != 1 else []
    return _from_lps(factor * directions.T, factor * origin, signs or _LPS), told


def _from_lps(directions: FloatArray, origin: FloatArray, signs: Sequence[int] = _LPS) -> FloatArray:
    """Voxel to millimetre in RAS, from columns of steps and an origin in a space whose axes have these signs."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions, origin
    return np.asarray(np.diag([*signs, 1.0]) @ affine)


def _meta(content: bytes) -> _Header:
    fields, start = _meta_fields(content)
    count = int(fields["NDims"])
    sizes = tuple(int(size) for size in fields["DimSize"].split())
    if len(sizes) != count or count not in (2, 3, 4):
        raise ValueError(f"{len(sizes)} sizes of {count} axes, expected 2 to 4")
    if int(fields.get("ElementNumberOfChannels", 1)) != 1:
        raise ValueError(f"its voxels hold {fields['ElementNumberOfChannels']} numbers, expected one number per voxel")
    if fields["ElementType"] not in _ELEMENTS:
        raise ValueError(f"its voxels are of type {fields['ElementType']}, expected real numbers")
    steps = _numbers(fields, ("ElementSpacing", "ElementSize"), count)
    affine, remarks = (np.eye(4), []) if count == 2 else _meta_affine(fields, count, steps)
    big = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")).lower() == "true"
    kind = np.dtype(_ELEMENTS[fields["ElementType"]]).newbyteorder(">" if big else "<")
    encoding = "zlib" if fields.get("CompressedData", "False").lower() == "true" else "raw"
    beside, interval = (3, float(steps[3]) if steps is not None else 0.0) if count == 4 else (None, 0.0)
    start, at_end = _meta_start(fields, start, encoding)
    return _Header(sizes, kind, start, encoding, affine, tuple(remarks), beside, interval, at_end)


def _meta_start(fields: Mapping[str, str], behind: int, encoding: str) -> tuple[int, bool]:
    """Where the voxels begin by `HeaderSize`, counted from the start of the file; -1 where they end it."""
    size = int(fields.get("HeaderSize", 0))
    if size == -1 and encoding == "raw":
        return behind, True
    if size < 0 or 0 < size < behind:
        raise ValueError(f"HeaderSize is {size}, expected the number of bytes before its voxels")
    return size or behind, False


def _meta_fields(content: bytes) -> tuple[Mapping[str, str], int]:
    """Fields of the header, and where the voxels begin."""
    fields: dict[str, str] = {}
    place = 0
    while "ElementDataFile" not in fields:
        end = content.find(b"\n", place, place + _LONGEST_LINE)
        name, equals, value = content[place:end].decode("ascii", "replace").partition("=")
        if end < 0 or not equals:
            raise ValueError("it has no MetaImage header")
        fields[name.strip()], place = value.strip(), end + 1
    missing = [name for name in ("NDims", "DimSize", "ElementType") if name not in fields]
    if missing:
        raise ValueError(f"its header has no {', '.join(missing)}")
    if fields["ElementDataFile"].upper() != "LOCAL":
        raise ValueError("its voxels lie in another file, expected header and voxels in one file")
    if fields.get("BinaryData", "True").lower() != "true":
        raise ValueError("its voxels are written as text, expected binary data")
    return fields, place


def _meta_affine(fields: Mapping[str, str], count: int, steps: FloatArray | None) -> tuple[FloatArray, list[str]]:
    if steps is None or not np.isfinite(steps).all() or not (steps[:3] > 0).all():
        raise ValueError("its header has no voxel size (ElementSpacing)")
    matrix = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), count * count)
    origin = _numbers(fields, ("Offset", "Position", "Origin"), count)
    turned = np.eye(3) if matrix is None else matrix.reshape(count, count)[:3, :3].T
    affine = _from_lps(turned * steps[:3], np.zeros(3) if origin is None else origin[:3])
    return affine, [UNPLACED] if matrix is None else []


def _numbers(fields: Mapping[str, str], names: Sequence[str], count: int) -> FloatArray | None:
    found = next((fields[name].split() for name in names if name in fields), None)
    if found is None:
        return None
    if len(found) != count:
        raise ValueError(f"{len(found)} numbers of {' or '.join(names)}, expected {count}")
    return np.array([float(number) for number in found])


def _pynrrd() -> ModuleType:
    try:
        # An optional extra, which only cohorts of NRRD files need.
        import nrrd
    except ImportError:
        raise UsageError("NRRD files need pynrrd, which is not installed; pip install 'biasaudit[itk]'") from None
    return nrrd  # type: ignore[no-any-return]


_READERS: Mapping[str, Callable[[bytes], _Header]] = {".nrrd": _nrrd, ".mha": _meta}
