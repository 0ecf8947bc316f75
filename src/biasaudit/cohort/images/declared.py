"""What the header of an image declares, held against the file before memory is taken for its voxels.

A header of a few hundred bytes can declare any size, and a small compressed file can hold any number of zeros. So the
number of voxels is compared with what is allowed, and with what the file can hold, and compressed data are expanded
only as far as the header says.
"""

from __future__ import annotations

import io
import logging
import math
import threading
import zlib
from collections.abc import Sequence
from tokenize import TokenError
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.freesurfer.mghformat import MGHHeader

from biasaudit.errors import DataError, Fault
from biasaudit.regular_files import in_bytes

__all__ = [
    "PARSING",
    "expanded",
    "expanded_start",
    "npy_end",
    "npy_header",
    "require_held",
    "require_picture_held",
    "require_voxels",
    "volume_end",
    "volume_header",
]

MGH = (".mgh", ".mgz")
GZIP = b"\x1f\x8b"
MOST_DENSE = 1032
"""Largest ratio by which deflate (gzip, PNG) can shrink data."""

PARSING = threading.Lock()
"""Held while numpy parses the header of an array as Python text: several threads at once now and then end in
``SystemError: AST constructor recursion depth mismatch`` (https://github.com/python/cpython/issues/106905)."""

_MGH_DATA, _MGH_HEADER = 284, 90
_START = 1024
_QUIET = logging.Logger("quiet", level=logging.CRITICAL)
_TRAILING = 1 << 20
"""Bytes after the last voxel that are put up with; some tools pad their files."""


def require_voxels(path: str, shape: Sequence[int], most: int | None) -> None:
    """Refuse more voxels than are allowed.

    Parameters
    ----------
    path : str
        For messages.
    shape : sequence of int
        As the header declares it.
    most : int or None
        None allows any number.

    Raises
    ------
    DataError
    """
    count = math.prod(map(int, shape))
    if most is not None and count > most:
        message = f"its header declares {_by(shape)} voxels, {count:.3g} in all, expected at most {most:.3g}"
        remedy = "replace it, or raise `cohort.limits.voxels` if that is true"
        raise DataError([Fault(path, message, remedy)])


def require_held(declared: int, held: int) -> None:
    """Refuse a header that declares more bytes than the file can hold.

    Raises
    ------
    ValueError
    """
    if declared > held:
        raise ValueError(f"its header declares {in_bytes(declared)}, whereas the file holds at most {in_bytes(held)}")


def require_picture_held(picture: Any, held: int) -> None:
    """Refuse a PNG of more pixels than its file can hold, at one bit each.

    Parameters
    ----------
    picture : PIL.Image.Image
        Of which the header was read.
    held : int
        Bytes of its file.

    Raises
    ------
    ValueError
    """
    if picture.format == "PNG":
        require_held(picture.size[0] * picture.size[1] // 8, held * MOST_DENSE)


def volume_header(extension: str, start: bytes) -> Any:
    """Read the header of a NIfTI or MGH volume, nothing behind it.

    Parameters
    ----------
    extension : str
        Such as ``.nii.gz``.
    start : bytes
        Start of the file, not compressed.

    Raises
    ------
    ValueError, nibabel's errors
        If there is none.
    """
    if extension in MGH:
        if len(start) < _MGH_HEADER:
            raise ValueError("it has no MGH header")
        return _checked(MGHHeader(start[:_MGH_HEADER].ljust(MGHHeader.template_dtype.itemsize, b"\0"), check=False))
    for size, kind in ((348, nib.Nifti1Header), (540, nib.Nifti2Header)):
        if start[:4] in (size.to_bytes(4, "little"), size.to_bytes(4, "big")) and len(start) >= size:
            return _checked(kind.from_fileobj(io.BytesIO(start[:size]), check=False))
    raise ValueError("it has no NIfTI header")


def _checked(header: Any) -> Any:
    """Let nibabel check and mend a header, without lines of its own on the terminal, but invent no voxel sizes."""
    stored = None if isinstance(header, MGHHeader) else header["pixdim"][1:4].copy()
    header.check_fix(logger=_QUIET)
    if stored is not None:
        header["pixdim"][1:4] = stored
    return header


def volume_end(header: Any) -> int:
    """Bytes of a file, not compressed, up to the end of its last voxel.

    Raises
    ------
    ValueError
        A size below 1, or voxels that are no real numbers.
    """
    _require_in_one_file(header)
    shape, kind = header.get_data_shape(), header.get_data_dtype()
    if not shape or min(shape) < 1:
        raise ValueError(f"shape {tuple(map(int, shape))}, expected 2 to 4 axes")
    _require_numbers(kind)
    start = _MGH_DATA if isinstance(header, MGHHeader) else float(header["vox_offset"])
    if not 0 <= start < 2**63:
        raise ValueError(f"its voxels begin at byte {start:g}")
    return int(start) + math.prod(map(int, shape)) * int(kind.itemsize)


def _require_in_one_file(header: Any) -> None:
    if not isinstance(header, MGHHeader) and bytes(header["magic"].item())[:2] == b"ni":
        raise ValueError("the header of a pair of files (.hdr, .img), expected header and voxels in one file")


def npy_end(content: bytes) -> tuple[tuple[int, ...], int]:
    """Shape of a ``.npy`` array of real numbers, and bytes of its file.

    Raises
    ------
    ValueError
        If the header cannot be read, or its values are no real numbers.
    """
    shape, kind, end = npy_header(content)
    _require_numbers(kind)
    return shape, end


def npy_header(content: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape and type of a ``.npy`` array of any values, and bytes of its file.

    Parameters
    ----------
    content : bytes
        Of the file, at least its header.

    Raises
    ------
    ValueError
        If the header cannot be read.
    """
    stream = io.BytesIO(content)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise ValueError(f"version {version} of the format, expected 1.0 or 2.0")
    try:
        with PARSING:
            shape, _, kind = readers[version](stream)
    except (TokenError, SyntaxError, RecursionError):
        raise ValueError("its header is damaged") from None
    return shape, kind, stream.tell() + math.prod(shape) * kind.itemsize


def expanded_start(content: bytes) -> bytes:
    """Start of a volume, long enough for its header, expanded if it is compressed."""
    if content[:2] != GZIP:
        return content[:_START]
    start = zlib.decompressobj(wbits=31).decompress(content[: 1 << 16], _START)
    if not start:
        raise EOFError
    return start


def expanded(content: bytes, declared: int) -> bytes:
    """Expand the content of a volume as far as its header declares.

    Parameters
    ----------
    content : bytes
        Of the file; what is not compressed is returned as it is.
    declared : int
        Bytes up to the last voxel.

    Raises
    ------
    EOFError
        The compressed data end too early.
    ValueError
        The file holds fewer bytes, or a megabyte more, than are declared.
    """
    compressed = content[:2] == GZIP
    require_held(declared, len(content) * MOST_DENSE if compressed else len(content))
    if not compressed:
        return content
    found = _inflated(content, declared + _TRAILING)
    if len(found) > declared + _TRAILING:
        raise ValueError(f"its compressed data go on behind the {in_bytes(declared)} that its header declares")
    require_held(declared, len(found))
    return found


def _inflated(content: bytes, most: int) -> bytes:
    """Decompress the members of a gzip file, at most `most` bytes and one."""
    parts, size = [], 0
    while content and size <= most:
        stream = zlib.decompressobj(wbits=31)
        parts.append(stream.decompress(content, most + 1 - size))
        size += len(parts[-1])
        if not stream.eof and size <= most:
            raise EOFError
        content = stream.unused_data.lstrip(b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _require_numbers(kind: np.dtype[Any]) -> None:
    if kind.names:
        colours = "".join(kind.names)
        raise ValueError(f"its voxels are in colour ({colours}{8 * kind.itemsize}), expected one number per voxel")
    if kind.kind not in "biuf":
        what = {"c": "complex numbers", "M": "dates", "m": "durations", "O": "objects", "V": "records"}
        raise ValueError(f"its voxels are {what.get(kind.kind, str(kind))}, expected real numbers")


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
