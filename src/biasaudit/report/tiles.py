"""Arrays -> small pictures: anatomy with a signed map over it, and the outline of a mask as a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from contourpy import contour_generator
from PIL import Image

from biasaudit.records import FloatArray, full_tone, grey_ends
from biasaudit.report.encoding import data_uri

__all__ = ["PLANES", "Tile", "as_seen", "beside", "grey", "overlay", "thumb_uri", "tile_uri", "tint"]

PLANES = ("axial", "coronal", "sagittal", "picture")
"""Order of the slices of one volume; a picture has the one."""

_SUPPORTS, _OPPOSES = (1.0, 0.20, 0.16), (0.16, 0.50, 1.0)
_LEAST, _MOST = 120, 260  # pixels of the shorter side of a cut in the page, as far as scaling can reach it
_QUALITY = 78


@dataclass(frozen=True)
class Tile:
    """One picture of a grid.

    Attributes
    ----------
    pixels : uint8 (height, width, 3)
        Upright.
    lines : tuple of float (points, 2)
        Lines around a mask: places to the right and down from the upper left corner, in pixels.
    """

    pixels: np.ndarray
    lines: tuple[np.ndarray, ...] = ()

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels.shape[1])

    @property
    def path(self) -> str:
        """The lines as data of an SVG path in half pixels, where those around a mask have whole numbers."""
        return "".join(_steps(np.round(2 * line).astype(int)) for line in self.lines)


def grey(picture: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """Red, green and blue (height, width, 3) from 0 to 1 of a grey picture, or of one in colour on one scale."""
    scaled = np.clip((np.nan_to_num(picture) - ends[0]) / (ends[1] - ends[0]), 0, 1)
    return np.asarray(scaled if scaled.ndim == 3 else np.repeat(scaled[..., None], 3, axis=-1))


def as_seen(picture: FloatArray) -> FloatArray:
    """Red, green and blue (height, width, 3) from 0 to 1: stored so, or over the largest number of 8 or 16 bits."""
    return np.asarray(np.clip(np.nan_to_num(picture) / full_tone(picture), 0, 1))


def tint(relevance: FloatArray, limit: float) -> FloatArray:
    """Red or blue whose opacity grows with the absolute relevance, so that anatomy shows where there is little."""
    strength = np.clip(np.abs(np.nan_to_num(relevance)) / max(limit, 1e-12), 0, 1)
    colours = np.where((np.nan_to_num(relevance) > 0)[..., None], _SUPPORTS, _OPPOSES)
    opacity = np.where(strength > 0.04, 0.92 * strength**0.75, 0)
    return np.concatenate([colours, opacity[..., None]], axis=-1)


def overlay(
    anatomy: FloatArray, signed: FloatArray | None = None, mask: FloatArray | None = None, limit: float = 1.0
) -> Tile:
    """Draw signed values on anatomy, and the lines around a mask.

    Parameters
    ----------
    anatomy : float (height, width), or (height, width, 3) of a picture in colour
        Like the other two with its first row at the bottom, as slices are stored.
    signed : float (height, width), optional
    mask : float (height, width), optional
        Marked above one half.
    limit : float
        Absolute value that has full colour.

    Returns
    -------
    Tile
    """
    shown = as_seen(anatomy) if anatomy.ndim == 3 else grey(anatomy, grey_ends(anatomy))
    if signed is not None:
        coloured = tint(signed, limit)
        opacity = coloured[..., 3:]
        shown = shown * (1 - opacity) + coloured[..., :3] * opacity
    return Tile(_bytes(shown[::-1]), () if mask is None else _around(mask[::-1] > 0.5))


def beside(tiles: Sequence[Tile]) -> Tile:
    """Put tiles next to each other on black, each in the middle of the height."""
    height = max(tile.height for tile in tiles)
    sheet = np.zeros((height, sum(tile.width for tile in tiles), 3), dtype=np.uint8)
    lines: list[np.ndarray] = []
    left = 0
    for tile in tiles:
        top = (height - tile.height) // 2
        sheet[top : top + tile.height, left : left + tile.width] = tile.pixels
        lines += [line + np.array([left, top]) for line in tile.lines]
        left += tile.width
    return Tile(sheet, tuple(lines))


def tile_uri(tile: Tile) -> str:
    """Encode a tile for the source of an image; small ones are enlarged, since WebP halves what colours resolve."""
    shorter = min(tile.height, tile.width)
    scale = max(1, -(-_LEAST // shorter)) if shorter < _LEAST else min(1.0, _MOST / shorter)
    size = (round(tile.width * scale), round(tile.height * scale))
    picture = Image.fromarray(tile.pixels)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX)
    return _webp(picture, _QUALITY)


def thumb_uri(pixels: np.ndarray) -> str:
    """Encode a thumbnail, uint8 (height, width) or (height, width, 3), for the source of an image."""
    return _webp(Image.fromarray(pixels).convert("RGB"), _QUALITY)


def _webp(picture: Image.Image, quality: int) -> str:
    stream = BytesIO()
    picture.save(stream, "webp", quality=quality, method=3)
    return data_uri(stream.getvalue(), "webp")


def _bytes(colours: FloatArray) -> np.ndarray:
    return np.asarray(np.round(255 * np.clip(colours, 0, 1)), dtype=np.uint8)


def _around(inside: np.ndarray) -> tuple[np.ndarray, ...]:
    """Lines half-way between what is inside and what is outside; none around everything."""
    if not inside.any() or inside.all():
        return ()
    # Pixels have their values in their middle, and a mask that touches the border closes there.
    lines = contour_generator(z=np.pad(inside, 1).astype(float)).lines(0.5)
    return tuple(np.asarray(line) - 0.5 for line in lines)


def _steps(line: np.ndarray) -> str:
    """Write data of an SVG path: the first place, and how far each next one is from the last."""
    steps = "".join(f"l{right} {down}" for right, down in np.diff(line, axis=0).tolist())
    return f"M{line[0][0]} {line[0][1]}{steps}"
