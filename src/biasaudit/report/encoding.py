"""Pixels -> bytes, the same bytes every time, and bytes -> what a page without a network can show."""

from __future__ import annotations

import base64
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image

__all__ = ["data_uri", "png_bytes", "uncollected"]

_DPI = 144
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp"}


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave cycles to later: matplotlib makes them by the thousand, and looking for them takes a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def png_bytes(picture: Image.Image) -> bytes:
    """Encode pixels as PNG."""
    stream = BytesIO()
    picture.save(stream, "png", dpi=(_DPI, _DPI))
    return stream.getvalue()


def data_uri(content: bytes, kind: str) -> str:
    """Wrap encoded bytes (``svg``, ``png`` or ``webp``) for the source of an image."""
    return f"data:{_TYPES[kind]};base64,{base64.b64encode(content).decode('ascii')}"
