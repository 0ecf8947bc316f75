"""Raw intensities, standardised inside the brain."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.representation import Shown

__all__ = ["IntensityRepresentation", "standardise"]


@register("representation", "intensity")
class IntensityRepresentation:
    """Each channel less its mean, over its standard deviation, both inside the foreground.

    Voxels outside the foreground that are exactly 0 (stripped) stay 0; others are scaled like the rest, because a
    network that is trained on unstripped images sees them too.
    """

    shows: ClassVar[Shown] = "image"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    caution: ClassVar[str] = ""

    def channels(self, image_channels: int) -> int:
        """Network input channels for a cohort with that many image channels."""
        return image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (channels, *shape)."""
        return np.stack([standardise(channel, volume.foreground) for channel in volume.image])


def standardise(channel: FloatArray, inside: np.ndarray) -> FloatArray:
    """Z-score one channel (*shape) by the voxels `inside`; a constant channel becomes 0."""
    values = channel[inside]
    spread = float(values.std()) if values.size else 0.0
    if spread < 1e-12:
        return np.zeros(channel.shape, dtype=np.float32)
    scaled = (channel - values.mean()) / spread
    scaled[~inside & (channel == 0)] = 0.0
    return np.asarray(scaled, dtype=np.float32)
