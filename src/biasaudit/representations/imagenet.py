"""Pictures as networks expect them that were trained on photographs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.representation import Shown

__all__ = ["ImagenetRepresentation"]

_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
_FULL = (1.0, 255.0, 65535.0)
"""Values of full intensity: of a picture, and of what is stored in 8 and in 16 bits."""

_OVERSHOOT = 2.0
"""How far an edited picture may exceed the full intensity that it had before."""


@register("representation", "imagenet")
class ImagenetRepresentation:
    """Red, green and blue from 0 to 1, less the mean of ImageNet's photographs, over their standard deviation.

    The constants are those that the networks of torchvision were trained with (Russakovsky et al. 2015,
    doi:10.1007/s11263-015-0816-y, for the photographs). Unlike `intensity` nothing is taken from the image itself, so
    that brightness, contrast and hue stay as the file has them. A grey picture becomes three equal channels; of more
    channels than three the constants go round. Arrays and DICOM pictures that are stored as whole numbers go over the
    largest number of 8 or of 16 bits.
    """

    shows: ClassVar[Shown] = "image"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    caution: ClassVar[str] = ""

    def channels(self, image_channels: int) -> int:
        """Count three where there is one, else as many as there are."""
        return 3 if image_channels == 1 else image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (channels, *shape)."""
        largest = float(volume.image.max())
        full = next((value for value in _FULL if largest <= _OVERSHOOT * value), largest)
        image = np.repeat(volume.image, 3, axis=0) if len(volume.image) == 1 else volume.image
        places = np.arange(len(image)) % 3
        axes = (slice(None), *[None] * len(grid.shape))
        return np.asarray((image / full - _MEAN[places][axes]) / _SPREAD[places][axes], dtype=np.float32)
