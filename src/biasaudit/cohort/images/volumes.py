"""Choose the common grid of a cohort, and load samples onto it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from biasaudit.cohort.images import foreground as rules
from biasaudit.cohort.images.formats import read_geometry, read_scan
from biasaudit.cohort.images.geometry import spacing_of, world_axes
from biasaudit.cohort.images.headers import sidecar_content
from biasaudit.cohort.images.resampling import (
    picture_transform,
    resample,
    resample_mask,
    resample_pathology,
    volume_transform,
)
from biasaudit.cohort.images.scan import Scan
from biasaudit.cohort.images.sizes import USUAL_SPACING
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import GridSettings
from biasaudit.records import BoolArray, Cohort, FloatArray, Grid, Sample, Volume

__all__ = ["choose_grid", "foreground_rule", "load_volume", "pathology_on_grid"]

TISSUES = ("GM", "WM", "CSF")

_VOXELS_ACROSS = 32
_LOOKED_AT = 5
_LARGEST_PICTURE = 256
_DEFAULT_PICTURE = 128
_SAME_AFFINE = 1e-3


def choose_grid(cohort: Cohort, settings: GridSettings) -> Grid:
    """Choose the common grid of an audit.

    A reference file gives its own grid (at `settings.spacing` where that is named too). Pictures take
    `settings.shape`; else their common shape up to 256 pixels; else the aspect of the first one with 128 pixels on the
    longer side. Volumes keep field of view and axes of their common grid; where their grids differ, the field of view
    is the median one, along the world axes. Voxels are `settings.spacing`, or as they are but at least 4 mm
    (less where the images are small, as of mice: see `_default_spacing`).

    Raises
    ------
    DataError
        If a header cannot be read, or the grid would have more than `settings.max_voxels`.
    """
    if settings.reference is not None:
        return _reference_grid(str(settings.reference), settings)
    geometries = _geometries([sample.images[0] for sample in cohort.samples])
    if cohort.dimensions == 2:
        shape = _picture_grid([shape for shape, _ in geometries], settings.shape)
        _require_few(shape, settings)
        return Grid(shape)
    volumes = [(shape[:3], affine) for shape, affine in geometries if affine is not None]
    if not volumes:
        raise DataError([Fault(cohort.samples[0].where, "no volume among the images", "correct the headers")])
    default = _default_spacing(cohort, volumes) if settings.spacing is None else settings.spacing
    shape, affine = volumes[0]
    if not all(s == shape and np.allclose(a, affine, atol=_SAME_AFFINE * min(1.0, default)) for s, a in volumes):
        shape, affine = _median_field(volumes, settings, default)
    wanted = np.full(3, default) if settings.spacing is not None else np.maximum(spacing_of(affine), default)
    return _regrid(shape, affine, wanted, settings)


def _default_spacing(cohort: Cohort, volumes: Sequence[tuple[tuple[int, ...], FloatArray]]) -> float:
    """Return the usual 4 mm, or less where fewer than 32 such voxels would span the foreground of small images.

    Heads have a field of view of more than 128 mm, and nothing is opened for them. Of smaller things the foreground of
    a few images is measured.
    """
    usual = max(float(np.max(np.asarray(shape) * spacing_of(affine))) for shape, affine in volumes)
    if usual >= _VOXELS_ACROSS * USUAL_SPACING:
        return USUAL_SPACING
    every = max(1, len(cohort.samples) // _LOOKED_AT)
    scans = [read_scan(sample.images[0]) for sample in cohort.samples[::every][:_LOOKED_AT]]
    extents = [max(rules.extent_of(s.volumes[0].data, s.affine)) for s in scans if s.affine is not None]
    fine = float(f"{np.median(extents) / _VOXELS_ACROSS:.2g}")
    return min(USUAL_SPACING, fine) if fine > 0 else USUAL_SPACING


def load_volume(sample: Sample, grid: Grid, foreground: str) -> Volume:
    """Read one sample and bring it onto the common grid.

    Images are interpolated linearly, smoothed before where an axis shrinks by more than 1.5, and stacked as channels,
    each volume of a file of four axes as one, and red, green and blue of a picture that the sample says to read in
    colour as three. Brain masks keep voxels that lie in them by more than half. Pathology masks (anything above 0) keep
    voxels of which more than a quarter is pathology, and every lesion keeps at least one, because small lesions would
    vanish at the usual half. Without a brain mask the first channel, or the luminance of a picture in colour, decides
    the foreground by the rule that `foreground_rule` names.

    Parameters
    ----------
    sample : Sample
    grid : Grid
    foreground : {"auto", "nonzero", "threshold", "centre"}

    Raises
    ------
    DataError
        If a file cannot be read or does not fit the grid.
    """
    scans = [read_scan(path) for path in sample.images]
    colours = sample.colour or (False,) * len(scans)
    channels = [_channels(scan, colour) for scan, colour in zip(scans, colours, strict=True)]
    starts = np.cumsum([0, *map(len, channels)]).tolist()
    stacks = zip(sample.images, channels, strict=True)
    volume = Volume(
        image=np.stack([_on_grid(channel, grid, path) for path, own in stacks for channel in own]),
        foreground=np.ones(grid.shape, dtype=np.bool_),
        mask=pathology_on_grid(sample, grid),
        tissue=_tissue(sample.tissue, grid) if sample.tissue else None,
        maps=_maps(sample.maps, grid) if sample.maps else None,
        colour=tuple(start for start, colour in zip(starts, colours, strict=False) if colour),
    )
    return replace(volume, foreground=_foreground(sample, scans[0].volumes[0], volume.grey, grid, foreground))


def _channels(scan: Scan, colour: bool) -> tuple[Scan, ...]:
    """Channels of one file: its volumes, or in colour red, green and blue, which are equal in a grey picture."""
    if not colour:
        return scan.volumes
    rgb = (scan.data,) * 3 if scan.rgb is None else scan.rgb
    return tuple(Scan(channel, None) for channel in rgb)


def foreground_rule(sample: Sample, foreground: str) -> str:
    """Name of the rule (a key of `foreground.RULES`) that gives this sample its foreground."""
    if sample.brain_mask is not None:
        return "file"
    return _rule(read_scan(sample.images[0]).volumes[0], foreground)


def _rule(scan: Scan, foreground: str) -> str:
    volume = scan.data.ndim == 3
    return rules.choose_rule(foreground, scan.data.ndim, volume and rules.has_empty_border(scan.data))


def _foreground(sample: Sample, scan: Scan, image: FloatArray, grid: Grid, foreground: str) -> BoolArray:
    if sample.brain_mask is not None:
        given = read_scan(sample.brain_mask)
        return resample_mask(given.marked, _transform(given, grid, sample.brain_mask), grid.shape)
    rule = _rule(scan, foreground)
    if rule == "centre":
        return rules.central_field(grid.shape)
    if rule == "threshold":
        return rules.threshold_foreground(image)
    filled = rules.filled(scan.data != 0)
    return resample_mask(filled, _transform(scan, grid, sample.images[0]), grid.shape)


def pathology_on_grid(sample: Sample, grid: Grid) -> BoolArray:
    """Read the pathology mask of a sample onto the grid, bool (*shape); all False where it has none."""
    if sample.mask is None:
        return np.zeros(grid.shape, dtype=np.bool_)
    scan = read_scan(sample.mask)
    return resample_pathology(scan.marked, _transform(scan, grid, sample.mask), grid.shape)


def _maps(paths: Sequence[str], grid: Grid) -> FloatArray:
    """Read maps onto the grid; 0 outside of what they cover."""
    scans = {path: read_scan(path) for path in paths}
    return np.stack([resample(s.data, _transform(s, grid, path), grid.shape, 0.0) for path, s in scans.items()])


def _tissue(paths: Sequence[str], grid: Grid) -> FloatArray:
    maps = [_on_grid(scan, grid, path) for path in paths for scan in _tissue_scans(path)]
    if len(maps) not in (len(TISSUES), len(TISSUES) + 1):
        expected = "expected 3 (GM, WM and CSF) or 4 (and lesions)"
        raise DataError([Fault(paths[0], f"{len(maps)} tissue maps, {expected}")])
    return np.clip(np.stack(maps), 0.0, 1.0)


def _tissue_scans(path: str) -> list[Scan]:
    volumes = read_scan(path).volumes
    return [volumes[0]] if len(volumes) == 1 else [volumes[index] for index in _tissue_order(path, len(volumes))]


def _tissue_order(path: str, count: int) -> list[int]:
    """Positions of GM, WM and CSF in a 4-D file: by the ``LabelMap`` of its sidecar, else the first three."""
    sidecar = Path(path.removesuffix(".gz").removesuffix(".nii") + ".json")
    try:
        names = [str(name).upper() for name in sidecar_content(str(sidecar)).get("LabelMap", [])]
    except (DataError, TypeError):
        names = []
    if all(tissue in names for tissue in TISSUES):
        return [names.index(tissue) for tissue in TISSUES]
    if count == len(TISSUES):
        return list(range(count))
    remedy = "give three files, or name the volumes in the `LabelMap` of its JSON sidecar"
    raise DataError([Fault(path, f"{count} volumes, of which it is unknown which are GM, WM and CSF", remedy)])


def _on_grid(scan: Scan, grid: Grid, path: str) -> FloatArray:
    return resample(scan.data, _transform(scan, grid, path), grid.shape)


def _transform(scan: Scan, grid: Grid, path: str) -> FloatArray:
    if scan.data.ndim != grid.dimensions:
        raise DataError([Fault(path, f"{scan.data.ndim} axes, expected {grid.dimensions} as in the common grid")])
    if scan.affine is None or grid.affine is None:
        return picture_transform(scan.data.shape, grid.shape)
    return volume_transform(scan.affine, np.asarray(grid.affine))


def _reference_grid(path: str, settings: GridSettings) -> Grid:
    shape, affine = read_geometry(path)
    if affine is None:
        raise DataError([Fault(path, "the reference of a grid must be a volume, not a picture", "use `grid.shape`")])
    wanted = spacing_of(affine) if settings.spacing is None else np.full(3, settings.spacing)
    return _regrid(shape[:3], affine, wanted, settings)


def _require_few(counts: Sequence[float] | FloatArray, settings: GridSettings) -> None:
    """Refuse a grid of more voxels than the protocol allows."""
    if not math.prod(map(float, counts)) <= settings.max_voxels:
        shown = " x ".join(f"{count:.6g}" for count in counts)
        message = f"the common grid would have {shown} voxels, expected at most {settings.max_voxels:.3g} in all"
        raise DataError([Fault("grid", message, "set a coarser `grid.spacing`, or raise `grid.max_voxels`")])


def _geometries(paths: Sequence[str]) -> list[tuple[tuple[int, ...], FloatArray | None]]:
    found: list[tuple[tuple[int, ...], FloatArray | None]] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            found.append(read_geometry(path))
        except DataError as error:
            faults.extend(error.faults)
    if faults:
        raise DataError(faults)
    return found


def _picture_grid(shapes: Sequence[tuple[int, ...]], wanted: Sequence[int] | None) -> tuple[int, ...]:
    if wanted is not None:
        return tuple(wanted)
    first = shapes[0]
    if max(first) <= _LARGEST_PICTURE and all(shape == first for shape in shapes):
        return first
    return tuple(max(1, round(size * _DEFAULT_PICTURE / max(first))) for size in first)


def _regrid(shape: Sequence[int], affine: FloatArray, spacing: FloatArray, settings: GridSettings) -> Grid:
    """Other voxel sizes, same axes, same centre, at least the same field of view."""
    native = spacing_of(affine)
    if not np.allclose(native, spacing, atol=_SAME_AFFINE * min(1.0, float(spacing.min()))):
        wanted = np.maximum(1, np.ceil(np.asarray(shape) * native / spacing - _SAME_AFFINE))
        _require_few(wanted, settings)
        counts = wanted.astype(int)
        centre = affine[:3, :3] @ ((np.asarray(shape) - 1) / 2) + affine[:3, 3]
        affine = affine.copy()
        affine[:3, :3] *= spacing / native
        affine[:3, 3] = centre - affine[:3, :3] @ ((counts - 1) / 2)
        shape = counts.tolist()
    _require_few(shape, settings)
    return Grid(tuple(int(size) for size in shape), tuple(tuple(float(value) for value in row) for row in affine))


def _median_field(
    volumes: Sequence[tuple[tuple[int, ...], FloatArray]], settings: GridSettings, coarsest: float
) -> tuple[tuple[int, ...], FloatArray]:
    """Grid along the world axes over the median field of view, at the median spacing."""
    boxes = np.median([_world_box(shape, affine) for shape, affine in volumes], axis=0)
    spacing = np.median([spacing_of(affine)[world_axes(affine)] for _, affine in volumes], axis=0)
    wanted = np.maximum(1, np.rint((boxes[1] - boxes[0]) / spacing))
    _require_few(wanted / np.maximum(1, coarsest / spacing), settings)
    counts = wanted.astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = boxes.mean(0) - spacing * (counts - 1) / 2
    return tuple(counts.tolist()), affine


def _world_box(shape: Sequence[int], affine: FloatArray) -> FloatArray:
    corners = np.stack(np.meshgrid(*[(-0.5, size - 0.5) for size in shape], indexing="ij"), -1).reshape(-1, 3)
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    return np.stack([world.min(0), world.max(0)])
