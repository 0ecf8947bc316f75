"""Image files in, arrays out: the one place that knows file formats.

NIfTI and MGH through nibabel, pictures through Pillow, single DICOM pictures through `dicom`, ``.npy`` through NumPy (a
2-D array is a picture, height x width x 3 one in colour, any other 3-D array a volume of 1 mm voxels). The last of four
axes counts volumes.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.freesurfer.mghformat import MGHHeader
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from PIL import Image, ImageOps

from biasaudit.cohort.images import pictures
from biasaudit.cohort.images.colour import is_stored_in_colour, is_transparent, rgb_of, rgb_unless_grey
from biasaudit.cohort.images.declared import (
    MGH,
    expanded,
    expanded_start,
    npy_end,
    require_held,
    require_picture_held,
    require_voxels,
    volume_end,
    volume_header,
)
from biasaudit.cohort.images.dicom import dicom_pixels, dicom_shape
from biasaudit.errors import DataError, Fault
from biasaudit.records import FloatArray, luminance
from biasaudit.regular_files import read_regular, read_start, regular_status

__all__ = [
    "DICOM",
    "PICTURES",
    "SUPPORTED",
    "Scan",
    "decode",
    "dimensions_of",
    "orientation",
    "read_geometry",
    "read_scan",
    "volume_header_of",
]

PICTURES = tuple(pictures.PICTURES)
VOLUMES = (".nii", ".nii.gz", *MGH)
DICOM = (".dcm", ".dicom")
SUPPORTED = (*VOLUMES, *PICTURES, *DICOM, ".npy")

_IMAGES = {
    nib.Nifti1Header: nib.Nifti1Image,
    nib.Nifti2Header: nib.Nifti2Image,
    MGHHeader: nib.MGHImage,
}
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}
_MGH_TIME = "msec"
_EXIF_ORIENTATION, _EXIF_TURNED = 0x0112, (5, 6, 7, 8)
_DAMAGED = (ValueError, OSError, EOFError, KeyError, TypeError, OverflowError, SyntaxError, IndexError, zlib.error)
_UNREADABLE = (ImageFileError, HeaderDataError, WrapStructError, *_DAMAGED)


@dataclass(frozen=True)
class Scan:
    """One decoded image file.

    Attributes
    ----------
    data : float32 (*shape)
        Two axes for a picture (in [0, 1] for 8 and 16 bit; of DICOM in units of its modality), three for a volume,
        four for several volumes.
    affine : float (4, 4) or None
        Voxel to millimetre; None for pictures.
    interval : float
        Seconds from one volume to the next as the header states them; 0 or 1 where it says nothing.
    rgb : float32 (3, height, width) or None
        Red, green and blue of a picture in colour, in the units of `data`, which then is its luminance.
    stored_in_colour : bool
        A picture with red, green and blue, even if they are equal everywhere.
    transparent : bool
        A picture with pixels that are less than opaque; what is stored under them was read.
    """

    data: FloatArray
    affine: FloatArray | None
    interval: float = 0.0
    rgb: FloatArray | None = None
    stored_in_colour: bool = False
    transparent: bool = False

    @property
    def volumes(self) -> tuple[Scan, ...]:
        """Each volume of four axes by itself; a picture or a volume as it is."""
        if self.data.ndim < 4:
            return (self,)
        return tuple(Scan(self.data[..., index], self.affine) for index in range(self.data.shape[3]))


def dimensions_of(path: str) -> int:
    """Return 2 for a picture, 3 for a volume, judged by the name alone unless it is ``.npy``."""
    if _extension(path) == ".npy" and os.path.exists(path):
        return 2 if len(read_geometry(path)[0]) == 2 else 3
    return 2 if _extension(path) in (*PICTURES, *DICOM) else 3


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
    extension = _extension(path)
    if extension not in SUPPORTED:
        raise DataError([_unsupported(path)])
    try:
        return _decoded(path, content, most)
    except EOFError:
        message, remedy = "truncated: the compressed data end too early", "copy the file again from its source"
    except zlib.error as error:
        message, remedy = f"damaged compressed data ({error})", "copy the file again from its source"
    except MemoryError:
        message, remedy = "its voxels do not fit into the memory that is free", "replace it or drop the row"
    except _UNREADABLE as error:
        message, remedy = f"not a readable {extension} image ({_first_line(error)})", "replace it or drop the row"
    raise DataError([Fault(path, message, remedy)]) from None


def _decoded(path: str, content: bytes, most: int | None) -> Scan:
    extension = _extension(path)
    if extension in PICTURES:
        return _picture(path, content, most)
    if extension in DICOM:
        return _in_colour(dicom_pixels(path, content, most))
    if extension != ".npy":
        return _volume(path, content, most)
    shape, end = npy_end(content)
    require_voxels(path, shape, most)
    require_held(end, len(content))
    return _array(np.load(io.BytesIO(content), allow_pickle=False))


def read_geometry(path: str) -> tuple[tuple[int, ...], FloatArray | None]:
    """Shape and affine (None for pictures) from the header alone.

    Raises
    ------
    DataError
        If the header cannot be read.
    """
    extension = _extension(path)
    if extension not in SUPPORTED:
        raise DataError([_unsupported(path)])
    try:
        regular_status(path)
        if extension in PICTURES:
            return _picture_shape(path), None
        if extension in DICOM:
            return dicom_shape(path), None
        if extension == ".npy":
            shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
            return _geometry(shape[:2] if _is_colour_shape(shape) else shape, np.eye(4))
        header = volume_header_of(path)
        return _geometry(header.get_data_shape(), np.asarray(header.get_best_affine()))
    except (MemoryError, *_UNREADABLE) as error:
        raise DataError([Fault(path, f"the header cannot be read ({_first_line(error)})")]) from None


def volume_header_of(path: str) -> Any:
    """Header of a NIfTI or MGH file, as nibabel reads it.

    Raises
    ------
    OSError, ValueError, nibabel's errors
        If it cannot be read.
    """
    return volume_header(_extension(path), expanded_start(read_start(path, 1 << 16)))


def orientation(affine: FloatArray) -> str:
    """Anatomical directions of the voxel axes, such as ``RAS``."""
    return "".join(str(code) for code in nib.aff2axcodes(affine))


def _picture(path: str, content: bytes, most: int | None) -> Scan:
    stored = pictures.open_picture(_extension(path), io.BytesIO(content))
    require_voxels(path, stored.size[::-1], most)
    require_picture_held(stored, len(content))
    image = ImageOps.exif_transpose(stored)
    colour = is_stored_in_colour(image)
    return Scan(_grey(image), None, rgb=rgb_of(image), stored_in_colour=colour, transparent=is_transparent(image))


def _grey(image: Image.Image) -> FloatArray:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float32)
        return values / np.float32(65535) if image.mode.startswith("I") else values
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)


def _array(stored: np.ndarray) -> Scan:
    if not _is_colour_shape(stored.shape):
        return _scan(stored, np.eye(4))
    return _in_colour(np.moveaxis(stored, -1, 0))


def _in_colour(values: FloatArray) -> Scan:
    """Scan of an array that is a picture in grey (height, width) or in colour (3, height, width)."""
    values = np.asarray(values, dtype=np.float32)
    if values.ndim == 2:
        return Scan(values, None)
    return Scan(luminance(values), None, rgb=rgb_unless_grey(values, np.float32(1)), stored_in_colour=True)


def _is_colour_shape(shape: Sequence[int]) -> bool:
    """Whether an array without a header is a picture of red, green and blue: three such thin slices are no volume."""
    return len(shape) == 3 and shape[2] == 3 and min(shape[:2]) > 3


def _picture_shape(path: str) -> tuple[int, int]:
    with open(path, "rb") as file:
        image = pictures.open_picture(_extension(path), file)
        require_picture_held(image, os.stat(path).st_size)
        turned = image.getexif().get(_EXIF_ORIENTATION) in _EXIF_TURNED
        width, height = reversed(image.size) if turned else image.size
    return height, width


def _volume(path: str, content: bytes, most: int | None) -> Scan:
    header = volume_header(_extension(path), expanded_start(content))
    end = volume_end(header)
    require_voxels(path, header.get_data_shape(), most)
    image = _IMAGES[type(header)].from_bytes(expanded(content, end))
    scan = _scan(np.asarray(image.dataobj, dtype=np.float32), np.asarray(image.affine))
    return replace(scan, interval=_interval(image.header)) if scan.data.ndim == 4 else scan


def _interval(header: Any) -> float:
    """Seconds between volumes; what has no unit is taken for seconds, as older tools write it."""
    step = float(header.get_zooms()[3])
    unit = header.get_xyzt_units()[1] if hasattr(header, "get_xyzt_units") else _MGH_TIME
    return step * _SECONDS.get(unit, 0.0)


def _scan(data: FloatArray, affine: FloatArray) -> Scan:
    shape, kept = _geometry(data.shape, affine)
    if len(shape) not in (2, 3, 4) or 0 in shape:
        raise ValueError(f"shape {shape}, expected 2 to 4 axes")
    if kept is not None and not (np.isfinite(kept).all() and abs(np.linalg.det(kept)) > 0):
        raise ValueError("its affine is singular")
    return Scan(np.asarray(data, dtype=np.float32).reshape(shape), kept)


def _geometry(shape: Sequence[int], affine: FloatArray) -> tuple[tuple[int, ...], FloatArray | None]:
    """Drop trailing axes of length 1; what then has two axes is a picture."""
    sizes = [int(size) for size in shape]
    while len(sizes) > 2 and sizes[-1] == 1:
        sizes.pop()
    return tuple(sizes), (None if len(sizes) == 2 else affine.astype(np.float64))


def _extension(path: str) -> str:
    lowered = path.lower()
    compressed = lowered.endswith(".gz")
    suffix = Path(lowered.removesuffix(".gz")).suffix
    return f"{suffix}.gz" if compressed else suffix


def _unsupported(path: str) -> Fault:
    return Fault(
        path, f"{_extension(path) or 'a file without extension'} is not supported", f"use {', '.join(SUPPORTED)}"
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
