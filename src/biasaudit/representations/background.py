"""Only what lies outside the disease field, or else the foreground: a reduced input that cannot show the pathology."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.intensity import standardise
from biasaudit.representations.representation import Shown

__all__ = ["BackgroundRepresentation"]


@register("representation", "background")
class BackgroundRepresentation:
    """Voxels outside the declared disease field, or else the foreground, standardised by themselves; 0 inside."""

    shows: ClassVar[Shown] = "image"
    shows_pathology: ClassVar[bool] = False
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    caution: ClassVar[str] = ""

    def channels(self, image_channels: int) -> int:
        """Network input channels for a cohort with that many image channels."""
        return image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (channels, *shape)."""
        outside = ~(volume.foreground if volume.field is None else volume.field)
        return np.concatenate(
            [standardise(volume.image[picture], outside) * outside for picture in volume.pictures]
        ).astype(np.float32)
