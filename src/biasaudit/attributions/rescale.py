"""The rules of DeepLIFT: how a non-linearity leads differences back instead of gradients.

Every function works on a doubled batch: images first, then their baselines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["Maximum", "Rescaled"]

_NO_DIFFERENCE = 1e-7

Pool = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


class Rescaled(nn.Module):
    """A voxel-wise function whose backward pass is difference of outputs over difference of inputs.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, both: torch.Tensor) -> torch.Tensor:
        """Apply the function to images and baselines."""
        return _Rescale.apply(both, self._function)  # type: ignore[no-any-return, no-untyped-call]


class Maximum(nn.Module):
    """A maximum over windows or all of space, whose change is led back to where the larger of two maxima lies.

    Parameters
    ----------
    pool : callable
        Returns maxima and where they lie, counted over the flattened axes of space.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    def forward(self, both: torch.Tensor) -> torch.Tensor:
        """Take the maxima of images and baselines."""
        return _Largest.apply(both, self._pool)  # type: ignore[no-any-return, no-untyped-call]


class _Rescale(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, both: torch.Tensor, function: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        made = function(both.clone())
        ctx.save_for_backward(both, made)
        ctx.function = function
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        both, made = ctx.saved_tensors
        difference, change = (_difference(each) for each in (both, made))
        with torch.enable_grad():
            at = both.chunk(2)[0].detach().requires_grad_(True)
            (slope,) = torch.autograd.grad(ctx.function(at.clone()).sum(), at)
        factor = torch.where(difference.abs() > _NO_DIFFERENCE, change / difference, slope)
        led_back = gradients[0].chunk(2)[0] * factor
        return torch.cat([led_back, torch.zeros_like(led_back)]), None


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, both: torch.Tensor, pool: Pool) -> torch.Tensor:
        made, places = pool(both)
        ctx.save_for_backward(both, made, places)
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        both, made, places = ctx.saved_tensors
        (of_image, of_baseline), (at_image, at_baseline) = made.chunk(2), places.chunk(2)
        larger = torch.maximum(of_image, of_baseline)
        gradient = gradients[0].chunk(2)[0]
        difference = _difference(both)
        shares = torch.zeros_like(difference.flatten(2))
        # A maximum that grows does so where the image has it, one that falls where the baseline had it.
        for place, change in ((at_image, larger - of_baseline), (at_baseline, of_image - larger)):
            shape = (*shares.shape[:2], -1)
            shares.scatter_add_(2, place.reshape(shape), (gradient * change).reshape(shape))
        shares = shares.reshape(difference.shape)
        led_back = torch.where(difference.abs() > _NO_DIFFERENCE, shares / difference, 0)
        return torch.cat([led_back, torch.zeros_like(led_back)]), None


def _difference(both: torch.Tensor) -> torch.Tensor:
    image, baseline = both.chunk(2)
    return image - baseline
