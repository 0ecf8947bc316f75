"""What is printed or blocked at the rim of an image: collimation, letters and rulers."""

from __future__ import annotations

import numpy as np

from biasaudit.edits.planting.chance import Chance
from biasaudit.edits.planting.scale import on_unit_range
from biasaudit.records import BoolArray, FloatArray

__all__ = ["border", "glyph", "ruler"]

_RIM = 0.06
_LETTER = (5, 3)


def border(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Darken the rim, as collimation or padding does.

    Parameters
    ----------
    image : float (channels, *space)
    strength : float
        In twentieths of each side, roughly; fractions of a pixel darken by a fraction. 0 changes nothing.
    chance : Chance
        Every image is a little different.

    Returns
    -------
    float32 (channels, *space)
    """
    width = strength * _RIM * chance.image.uniform(0.7, 1.3)
    open_share = np.ones(image.shape[1:])
    for axis, size in enumerate(image.shape[1:]):
        place = np.arange(size)
        inside = np.clip(np.minimum(place, size - 1 - place) + 1 - width * size, 0.0, 1.0)
        open_share = np.minimum(open_share, inside.reshape([-1 if k == axis else 1 for k in range(open_share.ndim)]))
    return on_unit_range(image, lambda unit: unit * open_share)


def glyph(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Print two letters in a corner: made-up ones, the same at all of a site, and not quite at the same place.

    Parameters
    ----------
    image : float (channels, *space)
        A volume gets them in every slice along the last axis.
    strength : float
        Opacity, at most 1; 0 changes nothing.
    chance : Chance

    Returns
    -------
    float32 (channels, *space)
    """
    height, width = image.shape[1:3]
    letters = _letters(chance.site, max(1, min(height, width) // 40))
    corner = [
        (size - own - 2) * chance.site.integers(2) for size, own in zip((height, width), letters.shape, strict=True)
    ]
    place = [int(np.clip(start + chance.image.integers(0, 3), 0, None)) for start in corner]
    mark = np.zeros((height, width), dtype=np.bool_)
    mark[place[0] : place[0] + letters.shape[0], place[1] : place[1] + letters.shape[1]] = letters
    return _printed(image, mark, strength)


def _letters(site: np.random.Generator, size: int) -> BoolArray:
    """Two random bitmaps of five by three dots, with a gap."""
    dots = np.zeros((_LETTER[0], 2 * _LETTER[1] + 1), dtype=np.bool_)
    for start in (0, _LETTER[1] + 1):
        dots[:, start : start + _LETTER[1]] = site.random(_LETTER) < 0.65
    return np.kron(dots, np.ones((size, size), dtype=np.bool_))


def ruler(image: FloatArray, strength: float, chance: Chance) -> FloatArray:
    """Print the ticks of a ruler along one edge of the image; arguments as of `glyph`."""
    height, width = image.shape[1:3]
    step, start = int(chance.site.integers(4, 8)), int(chance.image.integers(0, 4))
    length = max(2, width // 16)
    mark = np.zeros((height, width), dtype=np.bool_)
    mark[start::step, :length] = True
    return _printed(image, mark if chance.site.random() < 0.5 else mark[:, ::-1], strength)


def _printed(image: FloatArray, mark: BoolArray, strength: float) -> FloatArray:
    opacity = min(1.0, strength) * mark.reshape(*mark.shape, *(1,) * (image.ndim - 3))
    return on_unit_range(image, lambda unit: unit * (1 - opacity) + opacity)
