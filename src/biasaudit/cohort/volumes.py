"""Image files in, arrays on the common grid out; the only place that knows file formats.

NIfTI and MGH through nibabel, pictures through Pillow, ``.npy`` through NumPy (a 2-D array is a picture, a 3-D array a
volume of 1 mm voxels).
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from PIL import Image, ImageOps

from biasaudit.cohort import foreground as rules
from biasaudit.cohort.resampling import (
    picture_transform,
    resample,
    resample_mask,
    resample_pathology,
    volume_transform,
)
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import GridSettings
from biasaudit.records import BoolArray, Cohort, FloatArray, Grid, Sample, Volume

__all__ = [
    "Scan",
    "choose_grid",
    "decode",
    "dimensions_of",
    "foreground_rule",
    "load_volume",
    "orientation",
    "read_geometry",
    "read_scan",
]

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
VOLUMES = (".nii", ".nii.gz", ".mgh", ".mgz")
SUPPORTED = (*VOLUMES, *PICTURES, ".npy")
TISSUES = ("GM", "WM", "CSF")

_COARSEST_DEFAULT = 4.0
_LARGEST_PICTURE = 256
_DEFAULT_PICTURE = 128
_SAME_AFFINE = 1e-3
_GZIP = b"\x1f\x8b"
_EXIF_ORIENTATION, _EXIF_TURNED = 0x0112, (5, 6, 7, 8)
_UNREADABLE = (ValueError, OSError, EOFError, KeyError, TypeError, OverflowError, SyntaxError, zlib.error)


@dataclass(frozen=True)
class Scan:
    """One decoded image file.

    Attributes
    ----------
    data : float32 (*shape)
        Two axes for a picture (in [0, 1] for 8 and 16 bit), three for a volume, four for several volumes.
    affine : float (4, 4) or None
        Voxel to millimetre; None for pictures.
    """

    data: FloatArray
    affine: FloatArray | None


def dimensions_of(path: str) -> int:
    """Return 2 for a picture, 3 for a volume, judged by the name alone unless it is ``.npy``."""
    if _extension(path) == ".npy" and Path(path).exists():
        return 2 if len(read_geometry(path)[0]) == 2 else 3
    return 2 if _extension(path) in PICTURES else 3


def read_scan(path: str) -> Scan:
    """Read one image file.

    Raises
    ------
    DataError
        If there is no such file or it is no image.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError([Fault(path, f"cannot be read ({error.strerror or error})")]) from None
    return decode(path, content)


def decode(path: str, content: bytes) -> Scan:
    """Turn the content of an image file into an array.

    Parameters
    ----------
    path : str
        Its name says the format.
    content : bytes
        The whole file.

    Raises
    ------
    DataError
        Unsupported format, truncated or damaged file, no image at all.
    """
    extension = _extension(path)
    if extension not in SUPPORTED:
        raise DataError([_unsupported(path)])
    try:
        if extension in PICTURES:
            return Scan(_picture(content), None)
        if extension == ".npy":
            return _scan(np.load(io.BytesIO(content), allow_pickle=False), np.eye(4))
        return _volume(extension, content)
    except EOFError:
        message, remedy = "truncated: the compressed data end too early", "copy the file again from its source"
    except (gzip.BadGzipFile, zlib.error) as error:
        message, remedy = f"damaged compressed data ({error})", "copy the file again from its source"
    except (ImageFileError, HeaderDataError, WrapStructError, *_UNREADABLE) as error:
        message, remedy = f"not a readable {extension} image ({_first_line(error)})", "replace it or drop the row"
    raise DataError([Fault(path, message, remedy)]) from None


def read_geometry(path: str) -> tuple[tuple[int, ...], FloatArray | None]:
    """Shape and affine (None for pictures) from the header alone.

    Raises
    ------
    DataError
        If the header cannot be read.
    """
    extension = _extension(path)
    if extension not in SUPPORTED:
        raise DataError([_unsupported(path)])
    try:
        if extension in PICTURES:
            return _picture_shape(path), None
        if extension == ".npy":
            return _geometry(np.load(path, mmap_mode="r", allow_pickle=False).shape, np.eye(4))
        image = nib.load(path)
        return _geometry(image.shape, np.asarray(image.affine))
    except (ImageFileError, HeaderDataError, WrapStructError, *_UNREADABLE) as error:
        raise DataError([Fault(path, f"the header cannot be read ({_first_line(error)})")]) from None


def orientation(affine: FloatArray) -> str:
    """Anatomical directions of the voxel axes, such as ``RAS``."""
    return "".join(str(code) for code in nib.aff2axcodes(affine))


def choose_grid(cohort: Cohort, settings: GridSettings) -> Grid:
    """Choose the common grid of an audit.

    A reference file gives its own grid (at `settings.spacing` where that is named too). Pictures take
    `settings.shape`; else their common shape up to 256 pixels; else the aspect of the first one with 128 pixels on the
    longer side. Volumes keep field of view and axes of their common grid; where their grids differ, the field of view
    is the median one, along the world axes. Voxels are `settings.spacing`, or as they are but at least 4 mm.

    Raises
    ------
    DataError
        If a header cannot be read.
    """
    if settings.reference is not None:
        return _reference_grid(str(settings.reference), settings.spacing)
    geometries = _geometries([sample.images[0] for sample in cohort.samples])
    if cohort.dimensions == 2:
        return Grid(_picture_grid([shape for shape, _ in geometries], settings.shape))
    volumes = [(shape[:3], affine) for shape, affine in geometries if affine is not None]
    shape, affine = volumes[0]
    if not all(s == shape and np.allclose(a, affine, atol=_SAME_AFFINE) for s, a in volumes):
        shape, affine = _median_field(volumes)
    native = _spacing(affine)
    wanted = np.maximum(native, _COARSEST_DEFAULT) if settings.spacing is None else np.full(3, settings.spacing)
    return _regrid(shape, affine, wanted)


def load_volume(sample: Sample, grid: Grid, foreground: str) -> Volume:
    """Read one sample and bring it onto the common grid.

    Images are interpolated linearly, smoothed before where an axis shrinks by more than 1.5, and stacked as channels.
    Brain masks keep voxels that lie in them by more than half. Pathology masks (anything above 0) keep voxels of which
    more than a quarter is pathology, and every lesion keeps at least one, because small lesions would vanish at the
    usual half. Without a brain mask the first channel decides the foreground by the rule that `foreground_rule` names.

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
    image = np.stack([_on_grid(scan, grid, path) for scan, path in zip(scans, sample.images, strict=True)])
    return Volume(
        image=image,
        foreground=_foreground(sample, scans[0], image[0], grid, foreground),
        mask=_pathology(sample, grid),
        tissue=_tissue(sample.tissue, grid) if sample.tissue else None,
    )


def foreground_rule(sample: Sample, foreground: str) -> str:
    """Name of the rule (a key of `foreground.RULES`) that gives this sample its foreground."""
    if sample.brain_mask is not None:
        return "file"
    return _rule(read_scan(sample.images[0]), foreground)


def _rule(scan: Scan, foreground: str) -> str:
    volume = scan.data.ndim == 3
    return rules.choose_rule(foreground, scan.data.ndim, volume and rules.has_empty_border(scan.data))


def _foreground(sample: Sample, scan: Scan, image: FloatArray, grid: Grid, foreground: str) -> BoolArray:
    if sample.brain_mask is not None:
        given = read_scan(sample.brain_mask)
        return resample_mask(given.data > 0, _transform(given, grid, sample.brain_mask), grid.shape)
    rule = _rule(scan, foreground)
    if rule == "centre":
        return rules.central_field(grid.shape)
    if rule == "threshold":
        return rules.threshold_foreground(image)
    filled = rules.filled(scan.data != 0)
    return resample_mask(filled, _transform(scan, grid, sample.images[0]), grid.shape)


def _pathology(sample: Sample, grid: Grid) -> BoolArray:
    if sample.mask is None:
        return np.zeros(grid.shape, dtype=np.bool_)
    scan = read_scan(sample.mask)
    return resample_pathology(scan.data > 0, _transform(scan, grid, sample.mask), grid.shape)


def _tissue(paths: Sequence[str], grid: Grid) -> FloatArray:
    maps = [_on_grid(scan, grid, path) for path in paths for scan in _tissue_scans(path)]
    if len(maps) != len(TISSUES):
        raise DataError([Fault(paths[0], f"{len(maps)} tissue maps, expected 3: GM, WM and CSF")])
    return np.clip(np.stack(maps), 0.0, 1.0)


def _tissue_scans(path: str) -> list[Scan]:
    scan = read_scan(path)
    if scan.data.ndim == 3:
        return [scan]
    return [Scan(scan.data[..., index], scan.affine) for index in _tissue_order(path, scan.data.shape[3])]


def _tissue_order(path: str, count: int) -> list[int]:
    """Where GM, WM and CSF lie in a 4-D file: by the ``LabelMap`` of its sidecar, else the three in this order."""
    sidecar = Path(path.removesuffix(".gz").removesuffix(".nii") + ".json")
    try:
        names = [str(name).upper() for name in json.loads(sidecar.read_text(encoding="utf-8")).get("LabelMap", [])]
    except (OSError, ValueError, AttributeError, TypeError):
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


def _picture(content: bytes) -> FloatArray:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float32)
        return values / np.float32(65535) if image.mode.startswith("I") else values
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)


def _picture_shape(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        turned = image.getexif().get(_EXIF_ORIENTATION) in _EXIF_TURNED
        width, height = reversed(image.size) if turned else image.size
    return height, width


def _volume(extension: str, content: bytes) -> Scan:
    if content[:2] == _GZIP:
        content = gzip.decompress(content)
    if extension in (".mgh", ".mgz"):
        image = nib.MGHImage.from_bytes(content)
    else:
        image = _nifti_class(content).from_bytes(content)
    return _scan(np.asarray(image.dataobj, dtype=np.float32), np.asarray(image.affine))


def _nifti_class(content: bytes) -> Any:
    """Tell NIfTI-1 from NIfTI-2: a header starts with its own size, in either byte order."""
    for size, kind in ((348, nib.Nifti1Image), (540, nib.Nifti2Image)):
        if content[:4] in (size.to_bytes(4, "little"), size.to_bytes(4, "big")) and len(content) >= size:
            return kind
    raise ValueError("it has no NIfTI header")


def _scan(data: FloatArray, affine: FloatArray) -> Scan:
    shape, kept = _geometry(data.shape, affine)
    if len(shape) not in (2, 3, 4) or 0 in shape:
        raise ValueError(f"shape {shape}, expected 2 or 3 axes")
    if kept is not None and not abs(np.linalg.det(kept)) > 0:
        raise ValueError("its affine is singular")
    return Scan(np.asarray(data, dtype=np.float32).reshape(shape), kept)


def _geometry(shape: Sequence[int], affine: FloatArray) -> tuple[tuple[int, ...], FloatArray | None]:
    """Drop trailing axes of length 1; what then has two axes is a picture."""
    kept = [int(size) for size in shape]
    while len(kept) > 2 and kept[-1] == 1:
        kept.pop()
    return tuple(kept), (None if len(kept) == 2 else affine.astype(np.float64))


def _reference_grid(path: str, spacing: float | None) -> Grid:
    shape, affine = read_geometry(path)
    if affine is None:
        raise DataError([Fault(path, "the reference of a grid must be a volume, not a picture", "use `grid.shape`")])
    return _regrid(shape[:3], affine, _spacing(affine) if spacing is None else np.full(3, spacing))


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


def _spacing(affine: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt((affine[:3, :3] ** 2).sum(0)))


def _regrid(shape: Sequence[int], affine: FloatArray, spacing: FloatArray) -> Grid:
    """Other voxel sizes, same axes, same centre, at least the same field of view."""
    native = _spacing(affine)
    if not np.allclose(native, spacing, atol=_SAME_AFFINE):
        counts = np.maximum(1, np.ceil(np.asarray(shape) * native / spacing - _SAME_AFFINE)).astype(int)
        centre = affine[:3, :3] @ ((np.asarray(shape) - 1) / 2) + affine[:3, 3]
        affine = affine.copy()
        affine[:3, :3] *= spacing / native
        affine[:3, 3] = centre - affine[:3, :3] @ ((counts - 1) / 2)
        shape = counts.tolist()
    return Grid(tuple(int(size) for size in shape), tuple(tuple(float(value) for value in row) for row in affine))


def _median_field(volumes: Sequence[tuple[tuple[int, ...], FloatArray]]) -> tuple[tuple[int, ...], FloatArray]:
    """Grid along the world axes over the median field of view, at the median spacing."""
    boxes = np.median([_world_box(shape, affine) for shape, affine in volumes], axis=0)
    spacing = np.median([_spacing(affine)[_world_axes(affine)] for _, affine in volumes], axis=0)
    counts = np.maximum(1, np.rint((boxes[1] - boxes[0]) / spacing)).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = boxes.mean(0) - spacing * (counts - 1) / 2
    return tuple(counts.tolist()), affine


def _world_box(shape: Sequence[int], affine: FloatArray) -> FloatArray:
    corners = np.stack(np.meshgrid(*[(-0.5, size - 0.5) for size in shape], indexing="ij"), -1).reshape(-1, 3)
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    return np.stack([world.min(0), world.max(0)])


def _world_axes(affine: FloatArray) -> list[int]:
    """Which voxel axis runs along each world axis."""
    return [int(axis) for axis in np.argsort(nib.io_orientation(affine)[:, 0])]


def _extension(path: str) -> str:
    lowered = path.lower()
    compressed = lowered.endswith(".gz")
    suffix = Path(lowered.removesuffix(".gz")).suffix
    return f"{suffix}.gz" if compressed else suffix


def _unsupported(path: str) -> Fault:
    return Fault(
        path, f"{_extension(path) or 'a file without extension'} is not supported", f"use {', '.join(SUPPORTED)}"
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
