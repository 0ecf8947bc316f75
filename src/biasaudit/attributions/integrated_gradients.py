"""Integrated gradients."""

from __future__ import annotations

from typing import ClassVar

import torch

from biasaudit.attributions.explained import Margin, gradient, packed
from biasaudit.attributions.method import Effort, References
from biasaudit.registry import register

__all__ = ["IntegratedGradients", "path_integral"]

_CACHED, _HELD = 3 * 2**19, 2**24  # voxels


@register("attribution", "integrated_gradients")
class IntegratedGradients:
    """Image less baseline, times the mean gradient of the margin on the straight path between the two.

    Sundararajan et al. 2017 (arXiv:1703.01365), midpoint rule.
    """

    faithful: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    adaptive: ClassVar[bool] = True
    needs: ClassVar[str] = "baseline"

    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape), summing to the change of the margin up to the integration error."""
        return path_integral(margin, images, references.baseline, effort.steps)


def path_integral(margin: Margin, images: torch.Tensor, baseline: torch.Tensor, steps: int) -> torch.Tensor:
    """(image - baseline) times the midpoint rule's integral of the gradient.

    The stem is affine, so its output runs along a straight path while the image does: it is computed at both ends only,
    gradients are collected behind it, and their mean is led back through it once.

    Parameters
    ----------
    margin : Margin
    images : tensor (n, channels, *shape)
    baseline : tensor (1 or n, channels, *shape)
    steps : int

    Returns
    -------
    tensor (n, channels, *shape)
    """
    stem = margin.explained.stem
    with torch.no_grad():
        start = stem(baseline)
        way = stem(images) - start
    rows = range(len(images))
    hidden = [_mean_gradient(margin, start[row % len(start)], way[row], steps) for row in rows]
    return (images - baseline) * _led_back(margin, images, torch.stack(hidden))


def _mean_gradient(margin: Margin, start: torch.Tensor, way: torch.Tensor, steps: int) -> torch.Tensor:
    """Mean over one image's path of the gradient behind the stem, a few points at a time."""
    start, way = packed(start[None]), packed(way[None])
    total = torch.zeros_like(way)
    places = (torch.arange(steps, device=way.device, dtype=way.dtype) + 0.5) / steps
    for some in torch.tensor_split(places, max(1, steps // _points_at_once(way))):
        points = packed(torch.addcmul(start, way, some.reshape(-1, *[1] * (way.ndim - 1)))).requires_grad_(True)
        # A copy where the network may work in place on what it is given.
        given = points.clone() if margin.explained.in_place else points
        total += gradient(margin.of_hidden(given), points).sum(0, keepdim=True)
    return total[0] / steps


def _points_at_once(way: torch.Tensor) -> int:
    """As many as a CPU's cache holds, or nearly twice that: larger batches take longer there, and so does one point."""
    return max(2, (_CACHED if way.device.type == "cpu" else _HELD) // way.numel())


def _led_back(margin: Margin, images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Gradient in front of the stem from the gradient behind it, the same at every image since the stem is affine."""
    stem = margin.explained.stem
    if len(stem) == 0:
        return hidden
    at = images.detach().requires_grad_(True)
    (found,) = torch.autograd.grad(stem(at), at, grad_outputs=hidden)
    return found
