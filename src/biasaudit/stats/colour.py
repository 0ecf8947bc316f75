"""Colour of a picture in four numbers that know nothing of what it shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biasaudit.stats.strata import Floats

__all__ = ["COLOUR_MEASURES", "colour_measures"]

COLOUR_MEASURES = ("red_green", "blue_green", "saturation", "colourfulness")


def colour_measures(rgb: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Measure white balance, saturation and colourfulness; all are 0 for a grey picture, and only for one.

    Parameters
    ----------
    rgb : float (3, height, width)
        Red, green and blue, none negative, in any unit.

    Returns
    -------
    red_green, blue_green : float
        Natural logarithm of mean red over mean green, and of mean blue over mean green: the cast that a camera, its
        light and its white balance leave (the grey-world assumption of Buchsbaum 1980,
        doi:10.1016/0016-0032(80)90058-7). A channel without any light counts as a thousandth of the brightest.
    saturation : float
        Mean over pixels of 1 - min / max of the three, 0 to 1 (the hexcone of Smith 1978, doi:10.1145/965139.807361).
    colourfulness : float
        Spread of the two opponent colours plus .3 of their mean distance from grey, as a share of the mean intensity
        (M3 of Hasler & Süsstrunk 2003, doi:10.1117/12.477378, made free of the unit).
    """
    values = np.asarray(rgb, dtype=np.float64)
    means = values.mean(axis=(1, 2))
    red, green, blue = np.log(np.maximum(means, 1e-3 * max(float(means.max()), 1e-12)))
    largest = values.max(axis=0)
    chroma = np.divide(largest - values.min(axis=0), largest, out=np.zeros_like(largest), where=largest > 0)
    return float(red - green), float(blue - green), float(chroma.mean()), _colourfulness(values)


def _colourfulness(rgb: Floats) -> float:
    opponents = np.stack([rgb[0] - rgb[1], (rgb[0] + rgb[1]) / 2 - rgb[2]]).reshape(2, -1)
    spread = float(np.sqrt(opponents.var(axis=1).sum()))
    distance = float(np.sqrt((opponents.mean(axis=1) ** 2).sum()))
    mean = float(rgb.mean())
    return (spread + 0.3 * distance) / mean if mean > 0 else 0.0
