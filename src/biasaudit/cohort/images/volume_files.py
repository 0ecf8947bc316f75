"""NIfTI and MGH files, through nibabel."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from nibabel.arrayproxy import ArrayProxy

from biasaudit.cohort.images.declared import (
    expanded,
    expanded_start,
    require_voxels,
    volume_end,
    volume_header,
)
from biasaudit.cohort.images.geometry import Geometry, header_geometry
from biasaudit.cohort.images.scan import Scan
from biasaudit.regular_files import read_start

__all__ = ["read_volume", "volume_geometry", "volume_header_of"]

_START = 1 << 16
_SECONDS = {0: 1.0, 8: 1.0, 16: 1e-3, 24: 1e-6}
"""Code of the unit of time in a NIfTI header -> seconds; what has no unit is seconds, as older tools write it."""
_MGH_SECONDS = 1e-3


def read_volume(path: str, extension: str, content: bytes, most: int | None) -> Scan:
    """Decode a volume; memory is taken for it only after its header fits the file.

    Parameters
    ----------
    path : str
        For messages.
    extension : str
        Such as ``.nii.gz``; whether the content is compressed is told by itself.
    content : bytes
        The whole file.
    most : int or None
        Largest number of voxels.

    Raises
    ------
    DataError
        More voxels than are allowed.
    ValueError, EOFError, nibabel's errors
        Damaged.
    """
    header = volume_header(extension, expanded_start(content))
    end = volume_end(header)
    require_voxels(path, header.get_data_shape(), most)
    geometry = header_geometry(header)
    proxy = ArrayProxy(io.BytesIO(expanded(content, end)), header)
    with np.errstate(all="ignore"):  # what does not fit 32 bits becomes infinite, which is told later
        data = np.asarray(np.asarray(proxy, dtype=np.float32), dtype=np.float32)
    interval = _interval(header) if len(geometry.shape) == 4 else 0.0
    return Scan(data.reshape(geometry.shape), geometry.affine, interval=interval, remarks=geometry.remarks)


def volume_geometry(path: str, extension: str) -> Geometry:
    """Read shape and place of a volume from its header alone.

    Raises
    ------
    OSError, ValueError, EOFError, nibabel's errors
        If it cannot be read.
    """
    return header_geometry(volume_header_of(path, extension))


def volume_header_of(path: str, extension: str) -> Any:
    """Header of a NIfTI or MGH file, as nibabel reads it; voxel sizes as they are stored.

    Raises
    ------
    OSError, ValueError, EOFError, nibabel's errors
        If it cannot be read.
    """
    return volume_header(extension, expanded_start(read_start(path, _START)))


def _interval(header: Any) -> float:
    step = float(header.get_zooms()[3])
    if "xyzt_units" not in header.keys():  # noqa: SIM118 - headers are no mappings
        return step * _MGH_SECONDS
    return step * _SECONDS.get(int(header["xyzt_units"]) & 0x38, 0.0)
