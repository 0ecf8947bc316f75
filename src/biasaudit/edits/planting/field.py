"""Weights that end inside a field, so that nothing planted by them touches anything outside."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from biasaudit.records import BoolArray, FloatArray

__all__ = ["inner_weight", "spread_inside"]

_RIM = 2.0


def inner_weight(field: BoolArray) -> FloatArray:
    """Weigh pixels by how far inside the field they lie.

    Parameters
    ----------
    field : bool (*space)

    Returns
    -------
    float (*space)
        0 outside, rising to 1 within two pixels of the rim; the edge of the image is no rim.
    """
    if field.all():
        return np.ones(field.shape)
    return np.asarray(np.clip(ndimage.distance_transform_edt(field) / (_RIM + 1), 0.0, 1.0) * field)


def spread_inside(image: FloatArray, field: BoolArray) -> FloatArray:
    """Measure the standard deviation of every channel inside the field, float (channels, 1, ...); 1 where it is 0."""
    spread = image[:, field].std(axis=1) if field.any() else np.zeros(len(image))
    return np.where(spread > 0, spread, 1.0).reshape(-1, *(1,) * field.ndim)
