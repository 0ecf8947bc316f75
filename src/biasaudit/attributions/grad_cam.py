"""Grad-CAM, for display."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from biasaudit.attributions.explained import Margin, gradient
from biasaudit.attributions.method import Effort, References
from biasaudit.errors import UsageError
from biasaudit.registry import register

__all__ = ["GradCam"]

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)


@register("attribution", "grad_cam")
class GradCam:
    """Channels of the last convolution, weighed by their mean gradient; for display only.

    Selvaraju et al. 2017 (arXiv:1610.02391), without its rectifier so that the map keeps its sign, and interpolated to
    the image. As coarse as the layer, compared with nothing, and its scale is not that of the margin.
    """

    faithful: ClassVar[bool] = False
    complete: ClassVar[bool] = False
    adaptive: ClassVar[bool] = False
    needs: ClassVar[str] = "nothing"

    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape), shared alike by the channels."""
        kept: list[torch.Tensor] = []
        handle = _last_convolution(margin).register_forward_hook(lambda layer, given, made: kept.append(made))
        try:
            margins = margin(images.detach().clone().requires_grad_(True))
        finally:
            handle.remove()
        activation = kept[-1]
        weights = gradient(margins, activation).flatten(2).mean(2)
        coarse = torch.einsum("nc,nc...->n...", weights, activation.detach())[:, None]
        mode = "trilinear" if images.ndim == 5 else "bilinear"
        fine = functional.interpolate(coarse, images.shape[2:], mode=mode, align_corners=False)
        return fine.expand_as(images) / images.shape[1]


def _last_convolution(margin: Margin) -> nn.Module:
    layers = [layer for layer in margin.explained.network.modules() if isinstance(layer, _CONVOLUTIONS)]
    if not layers:
        raise UsageError("grad_cam needs a convolution, and the network has none")
    return layers[-1]
