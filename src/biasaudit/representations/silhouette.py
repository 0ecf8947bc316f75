"""Only the outline of the brain: a reduced input that shows extraction edges, size and shape (also atrophy)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.representation import Shown

__all__ = ["SilhouetteRepresentation"]


@register("representation", "silhouette")
class SilhouetteRepresentation:
    """The foreground mask as 0 and 1."""

    shows: ClassVar[Shown] = "image"
    shows_pathology: ClassVar[bool] = False
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    caution: ClassVar[str] = ""

    def channels(self, image_channels: int) -> int:
        """Return 1."""
        return 1

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (1, *shape)."""
        return volume.foreground[None].astype(np.float32)
