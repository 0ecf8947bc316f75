"""Expected gradients."""

from __future__ import annotations

from typing import ClassVar

import torch

from biasaudit.attributions.explained import Margin
from biasaudit.attributions.integrated_gradients import path_integral
from biasaudit.attributions.method import Effort, References
from biasaudit.errors import UsageError
from biasaudit.registry import register

__all__ = ["ExpectedGradients"]


@register("attribution", "expected_gradients")
class ExpectedGradients:
    """Integrated gradients from each of several healthy images, averaged.

    Erion et al. 2021 (doi:10.1038/s42256-021-00343-w), who draw one point on the path from each reference; here every
    path is integrated, so that the map does not depend on chance and its sum can be checked.
    """

    faithful: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    adaptive: ClassVar[bool] = True
    needs: ClassVar[str] = "healthy"

    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape), summing to the margin less its mean over the healthy images."""
        if references.healthy is None:
            raise UsageError("expected gradients compare with healthy images, and none are given")
        total = torch.zeros_like(images)
        for healthy in references.healthy:
            total += path_integral(margin, images, healthy[None], effort.steps)
        return total / len(references.healthy)
