"""Soft shapes that are drawn into volumes of fractions."""

from __future__ import annotations

import numpy as np

from biasaudit.records import FloatArray

__all__ = ["add_ellipsoid"]


def add_ellipsoid(fraction: FloatArray, centre: FloatArray, radii: FloatArray) -> None:
    """Raise a fraction in place to a soft ellipsoid: 1 inside, falling to 0 over one voxel at the surface.

    Parameters
    ----------
    fraction : float (x, y, z)
        Changed.
    centre, radii : float (3,)
        Voxels.
    """
    low = np.maximum(0, np.floor(centre - radii - 2)).astype(int)
    high = np.minimum(fraction.shape, np.ceil(centre + radii + 3)).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    steps = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij")
    relative = [(step - c) / r for step, c, r in zip(steps, centre, radii, strict=True)]
    distance = np.sqrt(sum(component**2 for component in relative))
    soft = np.clip((1 - distance) * radii.mean() + 0.5, 0.0, 1.0)
    fraction[box] = np.maximum(fraction[box], soft)
