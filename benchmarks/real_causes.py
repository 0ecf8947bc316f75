"""What differs outside the declared field between the classes of one real source, by simple measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from real_natural import FIELDS, LABELS, ORIGINS
from real_pictures import Picture, field_of, pictures
from scipy import ndimage

from biasaudit.stats.effects import auc


def _frame(picture: Picture) -> np.ndarray:
    return ~field_of(picture, FIELDS["ham" if picture.mask is not None else "cxr"])


def _brightness(picture: Picture) -> float:
    """Mean outside the field less mean of the image, in its standard deviations."""
    levels = picture.levels.mean(0)
    return float((levels[_frame(picture)].mean() - levels.mean()) / levels.std())


def _contrast(picture: Picture) -> float:
    levels = picture.levels.mean(0)
    return float(levels[_frame(picture)].std() / levels.std())


def _sharpness(picture: Picture) -> float:
    levels = picture.levels.mean(0)
    fine = levels - ndimage.gaussian_filter(levels, 1.0)
    return float(fine[_frame(picture)].std() / levels.std())


def _black(picture: Picture) -> float:
    """Share of pixels outside the field that are nearly black: collimation, turned or vignetted images."""
    return float((picture.levels.mean(0)[_frame(picture)] < 16).mean())


def _upper(picture: Picture) -> float:
    """Upper less lower edge: where the body lies in the image."""
    levels = picture.levels.mean(0)
    return float((levels[:8].mean() - levels[-8:].mean()) / levels.std())


def _field_size(picture: Picture) -> float:
    return float((~_frame(picture)).mean())


MEASURES: Mapping[str, Callable[[Picture], float]] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "sharpness": _sharpness,
    "black": _black,
    "upper less lower edge": _upper,
    "size of the field": _field_size,
}


def outside() -> pd.DataFrame:
    """AUC of the class (positive: diseased) by each measure, for every source."""
    rows = []
    for collection, origins in ORIGINS.items():
        for origin in origins:
            own = pictures(f"{collection}/{origin}")
            sick = np.array([picture.label == LABELS[collection][1] for picture in own])
            found = {name: np.array([measure(picture) for picture in own]) for name, measure in MEASURES.items()}
            areas = {name: "-" if values.std() < 1e-9 else f"{auc(values, sick):.2f}" for name, values in found.items()}
            rows.append({"source": f"{collection}/{origin}", "images": len(own), **areas})
    return pd.DataFrame(rows)
