"""Integrated gradients, through Captum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from captum.attr import IntegratedGradients

from biasaudit.registry import register

__all__ = ["integrated_gradients"]


@register("attribution", "integrated_gradients")
def integrated_gradients(
    margin: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, baseline: torch.Tensor, steps: int
) -> torch.Tensor:
    """Signed relevance of every voxel: (x - b) times the path integral of the margin's gradient.

    Sundararajan et al. 2017 (arXiv:1703.01365), midpoint rule.

    Parameters
    ----------
    margin : callable
        Images (n, channels, *shape) -> margins (n,).
    images : tensor (n, channels, *shape)
    baseline : tensor (1, channels, *shape)
    steps : int
        Points on the path.

    Returns
    -------
    tensor (n, channels, *shape)
        Sums to ``margin(images) - margin(baseline)`` up to the integration error.
    """
    method = IntegratedGradients(margin)
    relevance = method.attribute(
        images, baseline.expand_as(images), n_steps=steps, method="riemann_middle", internal_batch_size=len(images)
    )
    return relevance.detach()  # type: ignore[no-any-return]
