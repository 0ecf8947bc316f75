from __future__ import annotations

import torch

from biasaudit.attributions.input_x_gradient import input_x_gradient


def square(batch: torch.Tensor) -> torch.Tensor:
    return (batch**2).flatten(1).sum(1)


def test_the_gradient_is_taken_at_the_image():
    images, baseline = torch.tensor([[[3.0, -2.0]]]), torch.tensor([[[1.0, 1.0]]])
    found = input_x_gradient(square, images, baseline, 16)
    torch.testing.assert_close(found, (images - baseline) * 2 * images)


def test_steps_do_not_matter():
    images, baseline = torch.tensor([[[3.0, -2.0]]]), torch.zeros(1, 1, 2)
    assert torch.equal(input_x_gradient(square, images, baseline, 2), input_x_gradient(square, images, baseline, 64))
