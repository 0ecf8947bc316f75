"""Only the outline of the brain: a reduced input that shows extraction edges, size and shape (also atrophy)."""

from __future__ import annotations

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register

__all__ = ["SilhouetteRepresentation"]


@register("representation", "silhouette")
class SilhouetteRepresentation:
    """The foreground mask as 0 and 1."""

    needs_priors = False

    def channels(self, image_channels: int) -> int:
        """Return 1."""
        return 1

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (1, *shape)."""
        return volume.foreground[None].astype(np.float32)
