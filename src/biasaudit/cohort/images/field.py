"""The disease field: where the disease can be, on the common grid."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from biasaudit.cohort.images.atlas import nearest_on_grid, read_atlas
from biasaudit.cohort.images.foreground import central_field, has_empty_border
from biasaudit.cohort.images.formats import read_scan
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import FieldSettings
from biasaudit.records import BoolArray, Grid, Volume

__all__ = ["FieldOf", "field_reader", "mask_field", "support_of"]

FieldOf = Callable[[str | None, BoolArray], BoolArray]
"""Takes the file of an image's own field, if it has one, and its foreground; returns the field, bool (*shape)."""

_SAME_ASPECT = 0.02


def field_reader(settings: FieldSettings, grid: Grid) -> FieldOf:
    """Return the function that gives the field of every image; what all images share is read once.

    Parameters
    ----------
    settings : FieldSettings
    grid : Grid

    Raises
    ------
    DataError
        By the function: if a file cannot be read, does not fit the grid, or lacks a region.
    """
    if settings.column is not None:
        return lambda own, foreground: mask_field(own or "", grid)
    if settings.rule == "foreground":
        return lambda own, foreground: foreground

    @cache
    def shared() -> BoolArray:
        if settings.atlas is not None:
            return _regions(str(settings.atlas), settings.labels, grid)
        return central_field(grid.shape) if settings.mask is None else mask_field(str(settings.mask), grid)

    return lambda own, foreground: shared()


def mask_field(path: str, grid: Grid) -> BoolArray:
    """Read a field from a mask, above 0 inside; volumes by their place in space, pictures edge to edge.

    Raises
    ------
    DataError
        If it cannot be read, has other axes than the grid or, a picture, another aspect.
    """
    scan = read_scan(path)
    shape = scan.data.shape
    if len(shape) != grid.dimensions:
        remedy = "give a mask of the same kind as the images"
        raise DataError([Fault(path, f"a field of {len(shape)} axes, expected {grid.dimensions}", remedy)])
    if grid.affine is None and abs(np.log(shape[0] / shape[1] * grid.shape[1] / grid.shape[0])) > _SAME_ASPECT:
        found, wanted = (" x ".join(map(str, size)) for size in (shape, grid.shape))
        message = f"a field of {found} pixels, which has another aspect than the grid of {wanted}"
        raise DataError([Fault(path, message, "crop or pad it as the images")])
    return nearest_on_grid(scan.marked.astype(np.uint8), scan.affine, grid) > 0


def _regions(path: str, labels: list[int], grid: Grid) -> BoolArray:
    found: npt.NDArray[np.int64] = read_atlas(path, grid)
    missing = sorted(set(labels) - set(np.unique(found).tolist()))
    if missing:
        named, known = (", ".join(map(str, values)) for values in (missing, np.unique(found[found > 0])[:20].tolist()))
        message = f"no region {named} on the common grid"
        raise DataError([Fault(path, message, f"it has {known}: correct `cohort.field.labels`")])
    return np.isin(found, labels)


def support_of(volume: Volume) -> BoolArray:
    """Voxels that an image shows, bool (*shape): the foreground of a stripped volume, else everything."""
    shape = volume.foreground.shape
    if len(shape) == 3 and has_empty_border(volume.image[0]):
        return volume.foreground
    return np.ones(shape, dtype=np.bool_)
