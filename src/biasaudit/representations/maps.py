"""Maps that the user made of every image, such as log-Jacobians, as they are."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from biasaudit.errors import UsageError
from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.representation import Shown

__all__ = ["MapsRepresentation"]


@register("representation", "maps")
class MapsRepresentation:
    """The user's maps (`cohort.maps`), one channel each, on the common grid and otherwise unchanged."""

    shows: ClassVar[Shown] = "maps"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    caution: ClassVar[str] = (
        "Maps given as files cannot be made again from an edited image: erasure (U4, A2) filled the masks in the maps, "
        "and what the pathology did to them beyond the masks was left."
    )

    def channels(self, image_channels: int) -> int:
        """Network input channels for a cohort with that many maps."""
        return image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (maps, *shape).

        Raises
        ------
        UsageError
            If there are no maps.
        """
        if volume.maps is None:
            raise UsageError("maps need files of your own; name them by `cohort.maps`")
        return np.array(volume.maps, dtype=np.float32)
