"""A network for tables of features: standardisation, one hidden layer, one linear layer."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

from biasaudit.registry import register

__all__ = ["Mlp", "mlp"]


class Mlp(nn.Module):
    """Perceptron whose first layer standardises every feature by the training rows alone.

    The mean and variance that it uses for held-out rows are averages over the batches of training, so that no held-out
    subject has a part in them.

    Parameters
    ----------
    features : int
        Values per subject; inputs of another size are averaged to as many.
    out_channels : int
    width : int
        Hidden units.
    dropout : float
        Share of hidden units that are left out at each training step.
    """

    def __init__(self, features: int, out_channels: int, width: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.standardise = nn.BatchNorm1d(features, affine=False, momentum=None)
        self.hidden = nn.Sequential(
            OrderedDict(linear=nn.Linear(features, width), active=nn.ReLU(), dropout=nn.Dropout(dropout))
        )
        self.head = nn.Linear(width, out_channels)

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        """Logits (batch, out_channels) of features (batch, 1, features, 1)."""
        values = table.flatten(1)
        if values.shape[1] != self.features:
            values = functional.adaptive_avg_pool1d(values[:, None], self.features)[:, 0]
        return self.head(self.hidden(self.standardise(values)))  # type: ignore[no-any-return]


@register("network", "mlp")
def mlp(
    spatial_dims: int, in_channels: int, out_channels: int, features: int = 32, width: int = 16, dropout: float = 0.2
) -> nn.Module:
    """Build the network; the audit of a feature table fills `features` in."""
    return Mlp(features, out_channels, width, dropout)
