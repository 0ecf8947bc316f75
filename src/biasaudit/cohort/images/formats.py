"""Image files in, arrays out: the one place that knows file formats.

NIfTI and MGH through nibabel (`volume_files`), pictures through Pillow (`pictures`), single DICOM pictures through
pydicom (`dicom`), ``.npy`` through NumPy (`array_files`). The last of four axes counts volumes.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from biasaudit.cohort.images import pictures
from biasaudit.cohort.images.array_files import array_geometry, read_array
from biasaudit.cohort.images.declared import MGH
from biasaudit.cohort.images.dicom import dicom_shape, read_dicom
from biasaudit.cohort.images.geometry import Geometry
from biasaudit.cohort.images.itk_files import DETACHED, ITK, itk_geometry, read_itk
from biasaudit.cohort.images.mistaken import mistaken
from biasaudit.cohort.images.quiet import without_lines_of_libraries
from biasaudit.cohort.images.scan import Scan
from biasaudit.cohort.images.volume_files import read_volume, volume_geometry
from biasaudit.errors import DataError, Fault
from biasaudit.records import FloatArray
from biasaudit.regular_files import read_regular, read_start, regular_status

__all__ = [
    "DICOM",
    "PICTURES",
    "SUPPORTED",
    "decode",
    "dimensions_of",
    "extension_of",
    "read_geometry",
    "read_scan",
]

PICTURES = tuple(pictures.PICTURES)
VOLUMES = (".nii", ".nii.gz", *MGH, *ITK)
DICOM = (".dcm", ".dicom")
SUPPORTED = (*VOLUMES, *PICTURES, *DICOM, ".npy")

_DAMAGED = (ValueError, OSError, EOFError, KeyError, TypeError, OverflowError, SyntaxError, IndexError, zlib.error)
_UNREADABLE = (ImageFileError, HeaderDataError, WrapStructError, *_DAMAGED)
_START, _LONGEST_HEADER = 4096, 1 << 18


def dimensions_of(path: str) -> int:
    """Return 2 for a picture and a volume of one slice, 3 for a volume; by the name where the file says nothing."""
    extension = extension_of(path)
    if extension in (*PICTURES, *DICOM):
        return 2
    try:
        return min(3, len(read_geometry(path)[0]))
    except DataError:
        return 3


def read_scan(path: str) -> Scan:
    """Read one image file.

    Raises
    ------
    DataError
        If there is no such file or it is no image.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise DataError([Fault(path, f"cannot be read ({error.strerror or error})")]) from None
    return decode(path, content)


def decode(path: str, content: bytes, most: int | None = None) -> Scan:
    """Turn the content of an image file into an array; memory is taken for it only after its header fits the file.

    Parameters
    ----------
    path : str
        Its name says the format.
    content : bytes
        The whole file.
    most : int, optional
        Largest number of voxels.

    Raises
    ------
    DataError
        Unsupported format, truncated or damaged file, no image at all, more voxels than are allowed.
    """
    extension = extension_of(path)
    if extension not in SUPPORTED:
        raise DataError([_unsupported(path)])
    without_lines_of_libraries()
    try:
        return _decoded(path, extension, content, most)
    except EOFError:
        message, remedy = "truncated: the compressed data end too early", "copy the file again from its source"
    except zlib.error as error:
        message, remedy = f"damaged compressed data ({error})", "copy the file again from its source"
    except MemoryError:
        message, remedy = "its voxels do not fit into the memory that is free", "replace it or drop the row"
    except _UNREADABLE as error:
        message, remedy = f"not a readable {extension} image ({_first_line(error)})", "replace it or drop the row"
    raise DataError([_named(path, extension, content, Fault(path, message, remedy))]) from None


def _decoded(path: str, extension: str, content: bytes, most: int | None) -> Scan:
    if extension in PICTURES:
        return pictures.read_picture(path, extension, content, most)
    if extension in DICOM:
        return read_dicom(path, content, most)
    if extension == ".npy":
        return read_array(path, content, most)
    if extension in ITK:
        return read_itk(path, extension, content, most)
    return read_volume(path, extension, content, most)


def read_geometry(path: str) -> tuple[tuple[int, ...], FloatArray | None]:
    """Shape and affine (None for pictures) from the header alone.

    Raises
    ------
    DataError
        If the header cannot be read.
    """
    extension = extension_of(path)
    if extension not in SUPPORTED:
        raise DataError([_unsupported(path)])
    without_lines_of_libraries()
    try:
        regular_status(path)
        if extension in PICTURES:
            return pictures.picture_shape(path, extension), None
        if extension in DICOM:
            return dicom_shape(path), None
        geometry = _geometry(path, extension)
        return geometry.shape, geometry.affine
    except (MemoryError, *_UNREADABLE) as error:
        fault = Fault(path, f"the header cannot be read ({_first_line(error)})")
        start = read_start(path, _START) if os.path.isfile(path) else b"?"
        raise DataError([_named(path, extension, start, fault)]) from None


def _geometry(path: str, extension: str) -> Geometry:
    if extension == ".npy":
        return array_geometry(path)
    if extension in ITK:
        return itk_geometry(read_start(path, _LONGEST_HEADER), extension)
    return volume_geometry(path, extension)


def extension_of(path: str) -> str:
    """Extension in small letters, such as ``.png`` or ``.nii.gz``."""
    lowered = path.lower()
    compressed = lowered.endswith(".gz")
    suffix = Path(lowered.removesuffix(".gz")).suffix
    return f"{suffix}.gz" if compressed else suffix


def _named(path: str, extension: str, content: bytes, fault: Fault) -> Fault:
    """Say what a file is that could not be read, where that is known."""
    found = mistaken(content, extension)
    if found is None:
        return fault
    return Fault(path, f"not a readable {extension} image (it is {found[0]})", found[1])


def _unsupported(path: str) -> Fault:
    extension = extension_of(path)
    if extension in (*DETACHED, ".hdr", ".img", ".hdr.gz", ".img.gz"):
        message = f"{extension}: header and voxels lie in two files, expected one"
        return Fault(path, message, "convert it to .nii.gz, .nrrd or .mha, so that one hash says what was audited")
    return Fault(path, f"{extension or 'a file without extension'} is not supported", f"use {', '.join(SUPPORTED)}")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
