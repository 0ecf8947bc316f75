from __future__ import annotations

import torch

from biasaudit.attributions.integrated_gradients import integrated_gradients

IMAGES = torch.tensor([[[1.0, 2.0]], [[-1.0, 3.0]]])
BASELINE = torch.tensor([[[0.5, 1.0]]])


def cubic(batch: torch.Tensor) -> torch.Tensor:
    first, second = batch[:, 0, 0], batch[:, 0, 1]
    return first**3 + 2 * first * second**2


def slow(image: torch.Tensor, steps: int) -> torch.Tensor:
    """Midpoint rule as Sundararajan et al. 2017 write the integral, one step at a time."""
    baseline, total = BASELINE[0], torch.zeros_like(image)
    for k in range(steps):
        point = (baseline + (k + 0.5) / steps * (image - baseline)).requires_grad_(True)
        (gradient,) = torch.autograd.grad(cubic(point[None])[0], point)
        total += gradient / steps
    return (image - baseline) * total


def test_agrees_with_the_loop():
    found = integrated_gradients(cubic, IMAGES, BASELINE, 7)
    torch.testing.assert_close(found, torch.stack([slow(image, 7) for image in IMAGES]), rtol=1e-4, atol=1e-5)


def test_completeness_error_shrinks_with_the_square_of_the_steps():
    change = cubic(IMAGES) - cubic(BASELINE)

    def error(steps):
        return float((integrated_gradients(cubic, IMAGES, BASELINE, steps).flatten(1).sum(1) - change).abs().max())

    assert error(8) < 0.1
    assert 3.0 < error(2) / error(4) < 5.0
