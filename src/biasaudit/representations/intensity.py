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

    Red, green and blue of a picture share one mean and one standard deviation, so that its hue stays.
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
        made = [standardise(volume.image[picture], volume.foreground) for picture in volume.pictures]
        return np.concatenate(made)


def standardise(channels: FloatArray, inside: np.ndarray) -> FloatArray:
    """Z-score channels (*shape) or (channels, *shape) together by the voxels `inside`; constant ones become 0."""
    values = channels[..., inside]
    spread = float(values.std()) if values.size else 0.0
    if spread < 1e-12:
        return np.zeros(channels.shape, dtype=np.float32)
    scaled = (channels - values.mean()) / spread
    scaled[~inside & (channels == 0)] = 0.0
    return np.asarray(scaled, dtype=np.float32)
