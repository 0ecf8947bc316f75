from __future__ import annotations

import torch

from biasaudit.attributions.expected_gradients import ExpectedGradients
from biasaudit.attributions.method import Effort, References


def test_is_the_mean_over_the_healthy_images(margin_of):
    """The margin x^2 has the relevance x^2 - r^2 for one reference r."""
    images, healthy = torch.tensor([[[3.0, -2.0]]]), torch.tensor([[[1.0, 0.0]], [[2.0, 4.0]]])
    margin = margin_of(lambda batch: (batch**2).flatten(1).sum(1), images)
    found = ExpectedGradients().relevance(margin, images, References(healthy[:1], healthy), Effort(steps=4))
    torch.testing.assert_close(found, (images**2 - (healthy**2).mean(0)))
