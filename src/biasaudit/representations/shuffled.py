"""Only the intensities and how often each occurs: a reduced input without shape, place, texture and outline."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import numpy as np

from biasaudit import seeds
from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.intensity import standardise
from biasaudit.representations.representation import Shown

__all__ = ["ShuffledRepresentation"]


@register("representation", "shuffled")
class ShuffledRepresentation:
    """Voxels of the foreground, standardised as in `intensity`, in an order by chance over the whole grid.

    The histogram of the foreground is all that is left: the values are repeated as often as the grid has room, so that
    the foreground's size and outline are gone too. All channels of a voxel move together, and colours stay. The order
    is drawn anew for every image, by its content: one order for all images would leave every place recognisable.
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
        """Return the network input, float32 (channels, *shape); all 0 where the foreground is empty."""
        inside = volume.foreground
        values = np.concatenate([standardise(volume.image[own], inside)[:, inside] for own in volume.pictures])
        if not values.shape[1]:
            return np.zeros(volume.image.shape, dtype=np.float32)
        content = hashlib.sha256(values.astype(np.float16).tobytes()).hexdigest()
        order = _filling(values.shape[1], inside.size, seeds.generator(0, "shuffled", content))
        return np.ascontiguousarray(values[:, order].reshape(volume.image.shape), dtype=np.float32)


def _filling(count: int, size: int, chance: np.random.Generator) -> np.ndarray:
    """Draw `size` of `count` places in an order by chance; none is used a second time before all were used once."""
    rounds = [chance.permutation(count) for _ in range(-(-size // count))]
    return chance.permutation(np.concatenate(rounds)[:size])
