"""Facts of one image file, read once: the record that all checks of files, channels and masks look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from biasaudit.cohort.images.file_state import FileState

__all__ = ["Affine", "FileFacts"]


Affine = tuple[tuple[float, ...], ...]
"""Voxel to millimetre, 4 x 4, as rows."""


@dataclass(frozen=True)
class FileFacts:
    """State, checksum, geometry and range of values of one image file.

    Attributes
    ----------
    path : str
    state : FileState
        By which it is told whether the file is still the same.
    sha256 : str
        Of the content as stored.
    shape : tuple of int
        Without trailing axes of length 1.
    spacing : tuple of float
        Millimetres per axis; empty for pictures.
    affine : tuple of tuples of float, or None
    orientation : str
        Such as ``RAS``; empty for pictures.
    finite : bool
        No NaN and no infinity.
    minimum, maximum : float
        Of the finite values.
    occupied : float or None
        Share of values other than 0; None in a record from before this was measured.
    binary : bool
        At most one value other than 0.
    empty_border : bool
        A volume whose border is mostly exactly 0: skull-stripped.
    interval : float
        Seconds between the volumes of four axes; 0 or 1 where the header says nothing.
    colour : tuple of float or None
        Of a picture the `colour_measures`, all 0 if it is grey; empty for volumes; None in a record from before this
        was measured.
    stored_in_colour : bool
        A picture with red, green and blue, even if they are equal everywhere.
    transparent : bool
        A picture with pixels that are less than opaque.
    bits : int
        Per channel of a picture as stored; 0 where that is not known.
    lossy : bool
        Compressed such that values differ from what was drawn, as in JPEG; `occupied` then is the share of values above
        half of the largest one.
    faint : float
        Share of values above 0 and below a twentieth of the largest one: ripples of compression, in a mask.
    extent : tuple of float or None
        Size of the foreground of a volume, mm along the axes of the world (x, y, z); empty for pictures; None in a
        record from before this and the remarks were measured.
    remarks : tuple of str
        What is odd about the file, and what was done about it.
    """

    path: str
    state: FileState
    sha256: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    affine: Affine | None
    orientation: str
    finite: bool
    minimum: float
    maximum: float
    occupied: float | None
    binary: bool
    empty_border: bool
    interval: float = 0.0
    colour: tuple[float, ...] | None = None
    stored_in_colour: bool = False
    transparent: bool = False
    bits: int = 0
    lossy: bool = False
    faint: float = 0.0
    extent: tuple[float, ...] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def coloured(self) -> bool:
        """Whether it is a picture whose red, green and blue differ anywhere."""
        return any(self.colour or ())

    @property
    def pixels(self) -> str:
        """``colour`` or ``grey`` of a picture; empty for volumes, and where it is not known."""
        return ("colour" if self.coloured else "grey") if self.colour else ""

    def untrusted(self) -> FileFacts:
        """Return what counts only after the whole content has been hashed again."""
        return replace(self, state=replace(self.state, read_ns=0))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> FileFacts:
        """Inverse of `to_dict`."""
        affine = record["affine"]
        rows = affine and tuple(tuple(float(value) for value in row) for row in affine)
        colour = record.get("colour")
        measured = None if colour is None else tuple(float(value) for value in colour)
        extent = record.get("extent")
        tuples = {
            "shape": tuple(record["shape"]),
            "spacing": tuple(record["spacing"]),
            "affine": rows,
            "colour": measured,
            "extent": None if extent is None else tuple(float(value) for value in extent),
            "remarks": tuple(map(str, record.get("remarks", ()))),
        }
        return cls(**{"occupied": None, **record, **tuples, "state": FileState(**record["state"])})
