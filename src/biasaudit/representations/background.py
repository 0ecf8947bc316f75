"""Only what lies outside the brain or the centre of the picture: a reduced input that cannot show the pathology."""

from __future__ import annotations

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.intensity import standardise

__all__ = ["BackgroundRepresentation"]


@register("representation", "background")
class BackgroundRepresentation:
    """Voxels outside the foreground, standardised by themselves; 0 inside."""

    needs_priors = False

    def channels(self, image_channels: int) -> int:
        """Network input channels for a cohort with that many image channels."""
        return image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (channels, *shape)."""
        outside = ~volume.foreground
        return np.stack([standardise(channel, outside) * outside for channel in volume.image]).astype(np.float32)
