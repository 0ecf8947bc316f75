"""Input times gradient: a preview at the price of one backward pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from captum.attr import InputXGradient

from biasaudit.registry import register

__all__ = ["input_x_gradient"]


@register("attribution", "input_x_gradient")
def input_x_gradient(
    margin: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, baseline: torch.Tensor, steps: int
) -> torch.Tensor:
    """Signed relevance: image less baseline, times the margin's gradient at the image (Shrikumar et al. 2016).

    Not complete: it need not sum to the change of the margin. `steps` is ignored.
    """
    shifted = (images - baseline).requires_grad_(True)
    relevance = InputXGradient(lambda difference: margin(difference + baseline)).attribute(shifted)
    return relevance.detach()  # type: ignore[no-any-return]
