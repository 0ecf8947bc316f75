"""Figure -> bytes, the same bytes every time, and bytes -> what a page without a network can show."""

from __future__ import annotations

import base64
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["data_uri", "drawing", "png_bytes", "svg_bytes"]

_DPI = 144
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp"}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "biasaudit",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # travels with matplotlib, so every machine draws the same
    "font.size": 9.0,
    "text.parse_math": False,  # a dollar sign in a subject or site name is a dollar sign
    "text.color": "#1f2933",
    "axes.labelcolor": "#1f2933",
    "axes.edgecolor": "#8a94a0",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.unicode_minus": True,
    "xtick.color": "#3e4c59",
    "ytick.color": "#3e4c59",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
}


@contextmanager
def drawing() -> Iterator[None]:
    """House style of the figures; draw and encode inside."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings(), _uncollected():
        # A name in a script that DejaVu lacks is drawn as boxes; the page around the figure shows it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave cycles to later: matplotlib makes them by the thousand, and looking for them takes a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def svg_bytes(figure: Figure) -> bytes:
    """Encode a figure as SVG, without a date."""
    stream = BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def png_bytes(picture: Image.Image) -> bytes:
    """Encode pixels as PNG."""
    stream = BytesIO()
    picture.save(stream, "png", dpi=(_DPI, _DPI))
    return stream.getvalue()


def data_uri(content: bytes, kind: str) -> str:
    """Wrap encoded bytes (``svg``, ``png`` or ``webp``) for the source of an image."""
    return f"data:{_TYPES[kind]};base64,{base64.b64encode(content).decode('ascii')}"
