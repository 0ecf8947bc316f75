"""``.npy`` arrays: pictures, pictures in colour, and volumes of 1 mm voxels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from biasaudit.cohort.images.colour import rgb_unless_grey
from biasaudit.cohort.images.declared import PARSING, npy_end, require_held, require_voxels
from biasaudit.cohort.images.geometry import Geometry, placed
from biasaudit.cohort.images.scan import Scan
from biasaudit.records import FloatArray, luminance
from biasaudit.regular_files import read_start

__all__ = ["array_geometry", "read_array", "scan_in_colour"]

_COLOURS = 3
_UNCLEAR = (2, 4)
_LONGEST_HEADER = 1 << 17
_WIDE = 16


def read_array(path: str, content: bytes, most: int | None) -> Scan:
    """Decode a ``.npy`` file: two axes are a picture, three channels, first or last, one in colour.

    Parameters
    ----------
    path : str
        For messages.
    content : bytes
        The whole file.
    most : int or None
        Largest number of values.

    Raises
    ------
    DataError, ValueError
        As of `read_volume`.
    """
    shape, end = npy_end(content)
    require_voxels(path, shape, most)
    require_held(end, len(content))
    with PARSING:
        stored = np.load(io.BytesIO(content), allow_pickle=False)
    axis = _colour_axis(stored.shape)
    with np.errstate(all="ignore"):  # what does not fit 32 bits becomes infinite, which is told later
        data = np.asarray(stored, dtype=np.float32)
    if axis is None:
        geometry = placed(data.shape, np.eye(4))
        return Scan(data.reshape(geometry.shape), geometry.affine, remarks=geometry.remarks)
    return _in_colour(np.moveaxis(data, axis, 0), axis)


def array_geometry(path: str) -> Geometry:
    """Read shape and place of a ``.npy`` file from its header alone.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    shape, _ = npy_end(read_start(path, _LONGEST_HEADER))
    axis = _colour_axis(shape)
    return placed(shape if axis is None else [size for at, size in enumerate(shape) if at != axis], np.eye(4))


def scan_in_colour(values: FloatArray) -> Scan:
    """Scan of an array that is a picture in grey (height, width) or in colour (3, height, width)."""
    values = np.asarray(values, dtype=np.float32)
    if values.ndim == 2:
        return Scan(values, None)
    return Scan(luminance(values), None, rgb=rgb_unless_grey(values, np.float32(1)), stored_in_colour=True)


def _in_colour(channels: FloatArray, axis: int) -> Scan:
    scan = scan_in_colour(np.ascontiguousarray(channels))
    first = ("arrays of 3 x height x width, read as pictures in colour",) if axis == 0 else ()
    return replace(scan, remarks=first)


def _colour_axis(shape: Sequence[int]) -> int | None:
    """Axis of red, green and blue of an array: three such thin slices are no volume."""
    if len(shape) != 3:
        return None
    if shape[2] == _COLOURS and min(shape[:2]) > _COLOURS:
        return 2
    if shape[0] == _COLOURS and min(shape[1:]) >= _WIDE:
        return 0
    if sum(size >= _WIDE for size in shape) == 2 and (shape[0] in _UNCLEAR or shape[2] in _UNCLEAR):
        shown = " x ".join(map(str, shape))
        raise ValueError(
            f"{shown} values: no picture, none in colour (3 channels) and no volume; write one per channel"
        )
    return None
