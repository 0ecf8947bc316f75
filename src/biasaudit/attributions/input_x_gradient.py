"""Input times gradient: a preview at the price of one backward pass."""

from __future__ import annotations

from typing import ClassVar

import torch

from biasaudit.attributions.explained import Margin, gradient
from biasaudit.attributions.method import Effort, References
from biasaudit.registry import register

__all__ = ["InputXGradient"]


@register("attribution", "input_x_gradient")
class InputXGradient:
    """Image less baseline, times the gradient of the margin at the image.

    Shrikumar et al. 2016 (arXiv:1605.01713). Not complete: it need not sum to the change of the margin.
    """

    faithful: ClassVar[bool] = True
    complete: ClassVar[bool] = False
    adaptive: ClassVar[bool] = False
    needs: ClassVar[str] = "baseline"

    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape)."""
        at = images.detach().clone().requires_grad_(True)
        return (images - references.baseline) * gradient(margin(at.clone()), at)
