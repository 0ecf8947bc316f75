"""Columns of a table, as they are: the network standardises them by its training rows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.representation import Shown

__all__ = ["FeaturesRepresentation"]


@register("representation", "features")
class FeaturesRepresentation:
    """The values that were read, unchanged; for tables of features."""

    shows: ClassVar[Shown] = "features"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    caution: ClassVar[str] = ""

    def channels(self, image_channels: int) -> int:
        """Network input channels for a cohort with that many image channels."""
        return image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (channels, *shape)."""
        return np.array(volume.image, dtype=np.float32)
