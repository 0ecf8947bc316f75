"""Pictures opened by a fixed list of decoders: never by whatever the content asks for."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import IO, Any

import numpy as np
from PIL import BmpImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from biasaudit.cohort.images.colour import is_stored_in_colour, is_transparent, rgb_of
from biasaudit.cohort.images.declared import require_picture_held, require_voxels
from biasaudit.cohort.images.scan import DARK_WHITE, Scan
from biasaudit.records import FloatArray

__all__ = ["PICTURES", "open_picture", "picture_shape", "read_picture"]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_BMP, _TIFF = (b"BM",), (b"II*\0", b"MM\0*")

Decoder = tuple[tuple[bytes, ...], Callable[..., Image.Image]]
_DECODERS: dict[str, Decoder] = {
    "PNG": ((_PNG,), PngImagePlugin.PngImageFile),
    "JPEG": ((_JPEG,), JpegImagePlugin.jpeg_factory),
    "BMP": (_BMP, BmpImagePlugin.BmpImageFile),
    "TIFF": (_TIFF, TiffImagePlugin.TiffImageFile),
}

PICTURES: dict[str, tuple[str, ...]] = {
    ".png": ("PNG", "JPEG"),
    ".jpg": ("JPEG", "PNG"),
    ".jpeg": ("JPEG", "PNG"),
    ".tif": ("TIFF",),
    ".tiff": ("TIFF",),
    ".bmp": ("BMP",),
}
"""Extension -> formats that a file of that name may hold. PNG and JPEG are often named for each other."""

_ORIENTATION, _UPRIGHT, _TURNED = 0x0112, 1, (5, 6, 7, 8)
_PHOTOMETRIC, _WHITE_IS_ZERO, _COMPRESSION = 262, 0, 259
_BITS, _SUBFILE, _REDUCED = 258, 254, 1
_JPEG_IN_TIFF = (6, 7, 34892)
_MOST_PAGES = 1000
_FULL_16, _FULL_12 = np.float32(65535), np.float32(4095)


def open_picture(extension: str, stream: IO[bytes]) -> Any:
    """Read the header of a picture; its pixels are read when they are asked for.

    Parameters
    ----------
    extension : str
        A key of `PICTURES`.
    stream : binary file
        At its start.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ValueError
        It holds another format than a file of that name may.
    """
    start = stream.read(16)
    stream.seek(0)
    for name in PICTURES[extension]:
        marks, decoder = _DECODERS[name]
        if start.startswith(marks):
            return decoder(stream, "")
    found = next((name for name, (marks, _) in _DECODERS.items() if start.startswith(marks)), "")
    named = " or ".join(PICTURES[extension])
    raise ValueError(f"it holds a {found} picture, expected {named}: rename it" if found else f"it is no {named}")


def read_picture(path: str, extension: str, content: bytes, most: int | None) -> Scan:
    """Decode a picture as people see it: turned upright, bright where it is bright.

    Parameters
    ----------
    path : str
        For messages.
    extension : str
        A key of `PICTURES`.
    content : bytes
        The whole file.
    most : int or None
        Largest number of pixels.

    Raises
    ------
    DataError
        More pixels than are allowed.
    ValueError, OSError, Pillow's errors
        Damaged, or several pictures in one file.
    """
    stored = open_picture(extension, io.BytesIO(content))
    require_voxels(path, stored.size[::-1], most)
    require_picture_held(stored, len(content))
    _require_one(stored)
    remarks, bits, lossy, dark = _remarks(stored), _bits(stored), _is_lossy(stored), _is_dark_white(stored)
    image = ImageOps.exif_transpose(stored)
    grey = _grey(image, bits)
    return Scan(
        np.float32(1) - grey if dark else grey,
        None,
        rgb=rgb_of(image),
        stored_in_colour=is_stored_in_colour(image),
        transparent=is_transparent(image),
        bits=bits,
        lossy=lossy,
        remarks=remarks,
    )


def picture_shape(path: str, extension: str) -> tuple[int, int]:
    """Height and width of a picture that is turned upright, from its header alone.

    Raises
    ------
    ValueError, OSError, Pillow's errors
        If it cannot be read.
    """
    with open(path, "rb") as file:
        image = open_picture(extension, file)
        require_picture_held(image, os.stat(path).st_size)
        turned = _orientation(image) in _TURNED and image.format != "TIFF"  # of which Pillow tells the size upright
        width, height = reversed(image.size) if turned else image.size
    return height, width


def _require_one(image: Any) -> None:
    """Refuse several pages or frames; smaller copies of the first, and a phone's second picture (MPO), are none."""
    if image.format == "MPO":
        return
    count = _count(image)
    if count > 1:
        what = "pages" if image.format == "TIFF" else "frames"
        many = f"more than {_MOST_PAGES}" if count > _MOST_PAGES else str(count)
        raise ValueError(f"{many} {what} in one file, expected one picture: write each to a file of its own")


def _count(image: Any) -> int:
    """Pictures in one file, at most `_MOST_PAGES` and one; the first is current again afterwards."""
    if not getattr(image, "is_animated", False):
        return 1
    if image.format != "TIFF":
        return int(image.n_frames)
    count = 1
    for page in range(1, _MOST_PAGES + 1):
        try:
            image.seek(page)
        except EOFError:
            break
        except (ValueError, OSError, SyntaxError, KeyError, TypeError):  # a page that cannot be read is one as well
            count += 1
            break
        count += not image.tag_v2.get(_SUBFILE, 0) & _REDUCED
    image.seek(0)
    return count


def _remarks(image: Any) -> tuple[str, ...]:
    told = []
    if image.format == "MPO":
        told.append("several pictures in one JPEG file (MPO), of which the first is read")
    if _orientation(image) not in (None, _UPRIGHT):
        told.append("stored turned or mirrored (EXIF orientation), and turned upright")
    if image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        told.append(DARK_WHITE)
    return tuple(told)


def _orientation(image: Any) -> int | None:
    found = image.getexif().get(_ORIENTATION)
    return found if found in range(1, 9) else None


def _is_lossy(image: Any) -> bool:
    if image.format == "TIFF":
        return image.tag_v2.get(_COMPRESSION) in _JPEG_IN_TIFF
    return image.format in ("JPEG", "MPO")


def _bits(image: Any) -> int:
    """Bits per channel as stored; Pillow reads 16 bits in colour as 8."""
    if image.format == "TIFF":
        stored = image.tag_v2.get(_BITS, (1,))
        return int(max(stored)) if isinstance(stored, tuple) else int(stored)
    if image.mode.startswith(("I", "F")):
        return 16 if image.mode.startswith("I") else 32
    return 1 if image.mode == "1" else 8


def _is_dark_white(image: Any) -> bool:
    """Whether white is the smallest value of an opened picture: Pillow turns those of 8 bits and fewer by itself."""
    if image.format != "TIFF" or not image.mode.startswith(("I", "F")):
        return False
    return bool(image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _grey(image: Image.Image, bits: int) -> FloatArray:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float32)
        full = _FULL_12 if bits == 12 else _FULL_16
        return values / full if image.mode.startswith("I") else values
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)
