"""The built-in network: small enough to train on a laptop's CPU, in two and three dimensions."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from biasaudit.registry import register

__all__ = ["Cnn", "cnn"]

_CONVOLUTION = {2: nn.Conv2d, 3: nn.Conv3d}
_NORMALISATION = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class Cnn(nn.Module):
    """Strided convolution blocks, then mean and maximum over space, then one linear layer.

    The maximum keeps small bright lesions visible that a mean over the whole brain would dilute. In three dimensions
    two blocks are the default: on simulated lesions at 4 mm (160 subjects, nothing planted, three folds) two blocks
    reach a held-out AUC of .91 to 1.0 and three blocks, which halve the resolution once more, .4 to .9.

    Parameters
    ----------
    spatial_dims : int
        2 or 3.
    in_channels, out_channels : int
    widths : sequence of int
        Channels of each block; every block halves the resolution.
    """

    def __init__(
        self, spatial_dims: int, in_channels: int, out_channels: int, widths: tuple[int, ...] = (8, 16)
    ) -> None:
        super().__init__()
        channels = (in_channels, *widths)
        self.blocks = nn.Sequential(
            OrderedDict(
                (f"block{depth + 1}", _block(spatial_dims, channels[depth], channels[depth + 1]))
                for depth in range(len(widths))
            )
        )
        self.head = nn.Linear(2 * widths[-1], out_channels)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits (batch, out_channels) of images (batch, in_channels, *shape)."""
        hidden = self.blocks(image).flatten(2)
        return self.head(torch.cat([hidden.mean(2), hidden.amax(2)], dim=1))  # type: ignore[no-any-return]


@register("network", "cnn")
def cnn(spatial_dims: int, in_channels: int, out_channels: int, widths: tuple[int, ...] | None = None) -> nn.Module:
    """Build the network; pictures get more blocks, since they have more pixels per side."""
    default = (8, 16) if spatial_dims == 3 else (16, 32, 64, 64)
    return Cnn(spatial_dims, in_channels, out_channels, tuple(widths or default))


def _block(spatial_dims: int, in_channels: int, out_channels: int) -> nn.Sequential:
    convolution = _CONVOLUTION[spatial_dims](in_channels, out_channels, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, _NORMALISATION[spatial_dims](out_channels), nn.ReLU())
