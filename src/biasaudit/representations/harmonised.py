"""Intensities on one standard scale: the histogram landmarks of every image moved to where the scale has them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.intensity import standardise
from biasaudit.representations.representation import Shown

__all__ = ["HarmonisedRepresentation", "match_landmarks"]

_SHARES = np.array([0.01, *np.arange(0.1, 0.95, 0.1), 0.99])
_SCALE = ndtri(_SHARES)


@register("representation", "harmonised")
class HarmonisedRepresentation:
    """Each channel with its deciles and tails moved to those of a normal distribution, inside the foreground.

    Removes differences of contrast and gamma, which are monotonic in the intensity; it cannot remove noise, blur or a
    bias field, which are not.
    """

    shows: ClassVar[Shown] = "image"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = "intensities on one standard scale"
    caution: ClassVar[str] = ""

    def channels(self, image_channels: int) -> int:
        """Network input channels for a cohort with that many image channels."""
        return image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (channels, *shape)."""
        return np.stack([match_landmarks(channel, volume.foreground) for channel in volume.image])


def match_landmarks(channel: FloatArray, inside: np.ndarray) -> FloatArray:
    """Move the landmarks of one channel to a fixed scale, linearly in between and beyond.

    The landmarks are those of Nyúl, Udupa & Zhang (2000, doi:10.1109/42.836373): the 1st and 99th percentile and the
    deciles. The scale is not learnt from a cohort as theirs but fixed, so that nothing is fitted that could pass from
    a held-out subject to a training fold.

    Parameters
    ----------
    channel : float (*shape)
    inside : bool (*shape)
        Voxels whose histogram counts.

    Returns
    -------
    float32 (*shape)
        About standard normal inside; voxels outside that are exactly 0 stay 0. With fewer than two distinct landmarks
        the channel is standardised only.
    """
    values = channel[inside]
    landmarks, kept = np.unique(np.quantile(values, _SHARES) if values.size else np.empty(0), return_index=True)
    if len(landmarks) < 2:
        return standardise(channel, inside)
    scale = _SCALE[kept]
    slopes = np.diff(scale) / np.diff(landmarks)
    moved = np.interp(channel, landmarks, scale)
    moved += slopes[0] * np.minimum(channel - landmarks[0], 0) + slopes[-1] * np.maximum(channel - landmarks[-1], 0)
    moved[~inside & (channel == 0)] = 0.0
    return np.asarray(moved, dtype=np.float32)
