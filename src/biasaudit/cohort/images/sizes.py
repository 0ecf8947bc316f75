"""Whether the sizes of images can be true, and whether the common grid shows enough of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.geometry import world_axes
from biasaudit.errors import Fault
from biasaudit.records import Cohort, Grid, Sample

__all__ = ["USUAL_SPACING", "grid_notes", "size_faults"]

USUAL_SPACING = 4.0
"""Millimetres: no finer by default, so that an audit takes minutes."""

_FEWEST = 16
_TIMES = 10.0
_TOLERANCE = 1e-3


def size_faults(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[Fault]:
    """Refuse volumes whose field of view is ten times as large as most, or a tenth: their unit is another one.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
    """
    fields = {id(sample): field for sample in cohort.samples if (field := _field(sample, facts))}
    if not fields:
        return []
    usual = float(np.median(list(fields.values())))
    odd = [s for s in cohort.samples if not usual / _TIMES <= fields.get(id(s), usual) <= usual * _TIMES]
    if not odd:
        return []
    first, more = odd[0], f" ({len(odd)} images like it)" if len(odd) > 1 else ""
    size = fields[id(first)]
    message = f"{first.images[0]}: a field of view of {size:.4g} mm, whereas most have {usual:.4g} mm{more}"
    return [Fault(first.where, message, "correct the voxel size or the unit in the header")]


def _field(sample: Sample, facts: Mapping[str, FileFacts]) -> float:
    """Largest extent of the field of view in mm; 0 of pictures and of what could not be read."""
    fact = facts.get(sample.images[0]) if sample.images else None
    if fact is None or not fact.spacing:
        return 0.0
    return max(size * count for size, count in zip(fact.spacing, fact.shape, strict=False))


def grid_notes(cohort: Cohort, facts: Mapping[str, FileFacts], grid: Grid, *, by_default: bool) -> list[str]:
    """Say where the grid is finer than usual because the images are small, and where it shows little of them.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
        Of all first channels.
    grid : Grid
    by_default : bool
        Whether neither a voxel size nor a reference was asked for.
    """
    own = [facts[sample.images[0]] for sample in cohort.samples if sample.images]
    if grid.affine is None:
        small = own and len(grid.shape) == 2 and min(grid.shape) < _FEWEST and all(fact.bits for fact in own)
        return [f"the common grid has {_by(grid.shape)} pixels only"] if small else []
    extents = [fact.extent for fact in own if fact.extent]
    if not extents:
        return []
    extent = np.median(extents, axis=0)
    return [*(_fine_note(grid, extent) if by_default else []), *_few_note(grid, extent)]


def _fine_note(grid: Grid, extent: np.ndarray) -> list[str]:
    if min(grid.spacing) >= USUAL_SPACING - _TOLERANCE:
        return []
    return [
        f"the common grid has voxels of {_by(grid.spacing)} mm, finer than the usual {USUAL_SPACING:g} mm, because "
        f"the images are small: their foreground spans {_by(extent)} mm"
    ]


def _few_note(grid: Grid, extent: np.ndarray) -> list[str]:
    spacing = np.asarray(grid.spacing)[world_axes(np.asarray(grid.affine))]
    voxels = np.maximum(1, np.rint(extent / spacing))
    if voxels.min() >= _FEWEST:
        return []
    return [
        f"the foreground spans {_by(voxels)} voxels of the common grid; fewer than {_FEWEST} along an axis show little "
        "of a disease: set a finer `grid.spacing` if the images are finer"
    ]


def _by(numbers: np.ndarray | tuple[float, ...] | tuple[int, ...]) -> str:
    return " x ".join(f"{number:.3g}" for number in numbers)
