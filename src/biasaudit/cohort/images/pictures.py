"""Pictures opened by a fixed list of decoders: never by whatever the content asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

__all__ = ["PICTURES", "open_picture"]

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
