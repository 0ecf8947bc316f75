"""Where the voxels of a volume lie, in millimetres, and what about its header is odd.

A NIfTI header can state a place twice (sform and qform), voxel sizes a third time (pixdim), and the unit of all of
them. The rules are those of the format (https://nifti.nimh.nih.gov/nifti-1): the sform before the qform. What is
contradictory or missing is told; what would have to be invented is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.freesurfer.mghformat import MGHHeader
from nibabel.spatialimages import HeaderDataError

from biasaudit.records import FloatArray

__all__ = [
    "UNPLACED",
    "Geometry",
    "affine_of",
    "header_geometry",
    "is_singular",
    "orientation",
    "placed",
    "spacing_of",
    "unit_of",
    "world_axes",
]

UNPLACED = (
    "no transformation in the header: voxel sizes are known, but not where the image lies or which side is left "
    "(set a qform or sform, for instance by `fslorient` or `mri_convert`)"
)

_MILLIMETRES = {"meter": ("metres", 1000.0), "micron": ("micrometres", 0.001)}
_SMALLEST, _LARGEST = 0.005, 50.0
"""Voxels beyond these sizes (mm) are told: light microscopy, or a unit that is not what the header says."""
_SAME_SIZE = 0.01
_CORNER = 1.0  # voxels


@dataclass(frozen=True)
class Geometry:
    """Shape and place of one image.

    Attributes
    ----------
    shape : tuple of int
        Without axes of length 1; two axes for a picture or a single slice, three for a volume, four for several.
    affine : float (4, 4) or None
        Voxel to millimetre; None for a picture.
    remarks : tuple of str
        What is odd about the header, and what was done about it.
    """

    shape: tuple[int, ...]
    affine: FloatArray | None
    remarks: tuple[str, ...] = ()


def header_geometry(header: Any) -> Geometry:
    """Read the geometry of a NIfTI or MGH header whose voxel sizes are as they are stored.

    Raises
    ------
    ValueError
        No voxel size, no usable transformation, or a shape that is no image's.
    """
    return placed(header.get_data_shape(), *affine_of(header))


@np.errstate(all="ignore")
def affine_of(header: Any) -> tuple[FloatArray, list[str]]:
    """Return what a NIfTI or MGH header says about the place of its voxels, float (4, 4) in mm, and what is odd.

    Raises
    ------
    ValueError
        No voxel size, or no usable transformation.
    """
    return _mgh(header) if isinstance(header, MGHHeader) else _nifti(header)


@np.errstate(all="ignore")
def placed(shape: Sequence[int], affine: FloatArray, remarks: Sequence[str] = ()) -> Geometry:
    """Drop axes of length 1; a volume of one slice, in whatever direction, is a picture.

    Parameters
    ----------
    shape : sequence of int
        As stored.
    affine : float (4, 4)
        Voxel to millimetre.
    remarks : sequence of str

    Raises
    ------
    ValueError
        Several volumes of one slice each, a line of voxels, or a transformation that is singular.
    """
    sizes = [int(size) for size in shape]
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes.pop()
    if len(sizes) == 4 and 1 in sizes[:3]:
        raise ValueError(f"{sizes[3]} volumes of one slice each ({_by(sizes)}), expected one picture, or volumes")
    flat = [size for size in sizes if size != 1] if len(sizes) == 3 else sizes
    if len(flat) not in (2, 3, 4) or 0 in flat:
        raise ValueError(f"shape {tuple(sizes)}, expected 2 to 4 axes")
    if len(flat) == 2:
        slices = ("a volume of one slice, read as a picture",) if len(sizes) == 3 else ()
        return Geometry(tuple(flat), None, (*remarks, *slices))
    if is_singular(affine):
        raise ValueError("its affine is singular")
    return Geometry(tuple(flat), affine.astype(np.float64), (*remarks, *_size_remarks(affine)))


def spacing_of(affine: FloatArray) -> FloatArray:
    """Millimetres per voxel axis, float (3,)."""
    return np.asarray(np.sqrt((affine[:3, :3] ** 2).sum(0)))


def world_axes(affine: FloatArray) -> list[int]:
    """Say which voxel axis runs along each world axis (x, y, z)."""
    return [int(axis) for axis in np.argsort(nib.io_orientation(affine)[:, 0])]


def orientation(affine: FloatArray) -> str:
    """Anatomical directions of the voxel axes, such as ``RAS``."""
    return "".join(str(code) for code in nib.aff2axcodes(affine))


def is_singular(affine: FloatArray) -> bool:
    """Whether a transformation is none: values that are not finite, or a direction without extent."""
    if not np.isfinite(affine).all():
        return True
    sizes = spacing_of(affine)
    return bool(not np.isfinite(sizes).all() or (sizes == 0).any() or abs(np.linalg.det(affine[:3, :3] / sizes)) < 1e-6)


def unit_of(header: Any) -> tuple[str, float]:
    """Name of the unit of a NIfTI header and its millimetres; ``("", 1)`` where it is millimetres or not said."""
    code = int(header["xyzt_units"]) % 8
    return {1: _MILLIMETRES["meter"], 3: _MILLIMETRES["micron"]}.get(code, ("", 1.0))


def _mgh(header: Any) -> tuple[FloatArray, list[str]]:
    told = [] if int(header["goodRASFlag"]) > 0 else [UNPLACED]
    return np.asarray(header.get_affine(), dtype=np.float64), told


def _nifti(header: Any) -> tuple[FloatArray, list[str]]:
    """Take the first of sform, qform and voxel sizes that is there, in millimetres."""
    unit, factor = unit_of(header)
    scale = np.diag([factor, factor, factor, 1.0])
    affine, remarks = _stated(header)
    told = [f"sizes in {unit} in the header, converted to millimetres"] if unit else []
    return scale @ affine, [*told, *remarks]


def _stated(header: Any) -> tuple[FloatArray, list[str]]:
    sizes = np.asarray(header["pixdim"][1:4], dtype=np.float64)
    sform, qform = _sform(header), _qform(header, sizes)
    if sform is not None and not is_singular(sform):
        return sform, [*_pixdim_remarks(sform, sizes), *_disagreement(header, sform, qform)]
    _require_sizes(sizes)
    odd = ["negative voxel sizes (pixdim) in the header, taken as positive"] if (sizes < 0).any() else []
    if qform is not None and not is_singular(qform):
        return qform, [
            *odd,
            *(["the sform of the header is singular: the qform is taken"] if sform is not None else []),
        ]
    if sform is not None or int(header["qform_code"]) > 0:
        raise ValueError("its affine is singular")
    return _by_sizes(header, np.abs(sizes)), [*odd, UNPLACED]


def _sform(header: Any) -> FloatArray | None:
    if int(header["sform_code"]) <= 0:
        return None
    rows = [np.asarray(header[name], dtype=np.float64) for name in ("srow_x", "srow_y", "srow_z")]
    return np.vstack([*rows, [0.0, 0.0, 0.0, 1.0]])


def _qform(header: Any, sizes: FloatArray) -> FloatArray | None:
    """Return what the qform says; None where there is none, something singular where its numbers make none."""
    if int(header["qform_code"]) <= 0:
        return None
    if not np.isfinite(sizes).all():
        return np.zeros((4, 4))
    positive = header.copy()
    positive["pixdim"][1:4] = np.abs(sizes)
    try:
        return np.asarray(positive.get_qform(), dtype=np.float64)
    except (ValueError, HeaderDataError):
        return np.zeros((4, 4))


def _by_sizes(header: Any, sizes: FloatArray) -> FloatArray:
    positive = header.copy()
    positive["pixdim"][1:4] = sizes
    return np.asarray(positive.get_base_affine(), dtype=np.float64)


def _require_sizes(sizes: FloatArray) -> None:
    if not (np.isfinite(sizes).all() and (sizes != 0).all()):
        shown = _by(sizes)
        raise ValueError(f"its header has no voxel size (pixdim {shown}) and no usable transformation (sform)")


def _pixdim_remarks(affine: FloatArray, sizes: FloatArray) -> list[str]:
    if np.allclose(spacing_of(affine), np.abs(sizes), rtol=_SAME_SIZE):
        return []
    return ["voxel sizes (pixdim) that differ from those of the sform, which is taken"]


def _disagreement(header: Any, sform: FloatArray, qform: FloatArray | None) -> list[str]:
    """Compare sform and qform: directions always, positions where both claim to be in one space."""
    if qform is None or is_singular(qform):
        return []
    if orientation(sform) != orientation(qform):
        what = f"about directions ({orientation(sform)} and {orientation(qform)})"
        sides = np.linalg.det(sform) * np.linalg.det(qform) < 0
        what += ", so about which side is left" if sides else ""
        return [f"sform and qform of the header disagree {what}: the sform is taken"]
    if int(header["sform_code"]) == int(header["qform_code"]) and _apart(header, sform, qform) > _CORNER:
        return ["sform and qform of the header disagree about the place by more than a voxel: the sform is taken"]
    return []


def _apart(header: Any, sform: FloatArray, qform: FloatArray) -> float:
    """Largest distance of a corner from itself, in voxels."""
    last = [max(0, int(size) - 1) for size in header.get_data_shape()[:3]] + [0, 0, 0]
    corners = np.stack(np.meshgrid(*[(0.0, float(size)) for size in last[:3]], indexing="ij"), -1).reshape(-1, 3)
    moved = corners @ (sform - qform)[:3, :3].T + (sform - qform)[:3, 3]
    return float(np.sqrt((moved**2).sum(1)).max() / spacing_of(sform).min())


def _size_remarks(affine: FloatArray) -> list[str]:
    sizes = spacing_of(affine)
    if sizes.min() >= _SMALLEST and sizes.max() <= _LARGEST:
        return []
    return [f"voxels of {_by(sizes)} mm: is the unit of the header right?"]


def _by(numbers: Sequence[float] | FloatArray) -> str:
    return " x ".join(f"{number:.4g}" for number in numbers)
