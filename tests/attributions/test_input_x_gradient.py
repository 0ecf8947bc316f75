from __future__ import annotations

import torch

from biasaudit.attributions.input_x_gradient import InputXGradient
from biasaudit.attributions.method import Effort, References


def square(batch: torch.Tensor) -> torch.Tensor:
    return (batch**2).flatten(1).sum(1)


def test_the_gradient_is_taken_at_the_image(margin_of):
    images, baseline = torch.tensor([[[3.0, -2.0]]]), torch.tensor([[[1.0, 1.0]]])
    found = InputXGradient().relevance(margin_of(square, images), images, References(baseline), Effort())
    torch.testing.assert_close(found, (images - baseline) * 2 * images)
