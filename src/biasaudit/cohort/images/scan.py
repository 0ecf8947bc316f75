"""One decoded image file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.records import BoolArray, FloatArray

__all__ = ["DARK_WHITE", "Scan"]

DARK_WHITE = "stored with white as the smallest value, and turned: large values are bright"
"""Remark on pictures of this coding; that of another origin may be the other one."""


@dataclass(frozen=True)
class Scan:
    """One decoded image file.

    Attributes
    ----------
    data : float32 (*shape)
        Two axes for a picture (in [0, 1] for 8 and 16 bit; of DICOM in units of its modality), three for a volume,
        four for several volumes.
    affine : float (4, 4) or None
        Voxel to millimetre; None for pictures.
    interval : float
        Seconds from one volume to the next as the header states them; 0 or 1 where it says nothing.
    rgb : float32 (3, height, width) or None
        Red, green and blue of a picture in colour, in the units of `data`, which then is its luminance.
    stored_in_colour : bool
        A picture with red, green and blue, even if they are equal everywhere.
    transparent : bool
        A picture with pixels that are less than opaque; what is stored under them was read.
    bits : int
        Per channel of a picture as stored; 0 where that is not known.
    lossy : bool
        Compressed such that values differ from what was drawn, as in JPEG.
    remarks : tuple of str
        What is odd about the file, and what was done about it.
    """

    data: FloatArray
    affine: FloatArray | None
    interval: float = 0.0
    rgb: FloatArray | None = None
    stored_in_colour: bool = False
    transparent: bool = False
    bits: int = 0
    lossy: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def volumes(self) -> tuple[Scan, ...]:
        """Each volume of four axes by itself; a picture or a volume as it is."""
        if self.data.ndim < 4:
            return (self,)
        return tuple(Scan(self.data[..., index], self.affine) for index in range(self.data.shape[3]))

    @property
    def marked(self) -> BoolArray:
        """Voxels that the file marks as a mask, bool (*shape): above 0, in a lossy file above half of the largest.

        Compression leaves ripples around every edge, so that a mask in JPEG is above 0 in whole blocks of pixels.
        """
        if self.lossy and self.data.size:
            return np.asarray(self.data > max(0.0, 0.5 * float(self.data.max())))
        return np.asarray(self.data > 0)
