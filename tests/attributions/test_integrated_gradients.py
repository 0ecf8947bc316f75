from __future__ import annotations

import captum.attr
import pytest
import torch

from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.integrated_gradients import path_integral
from biasaudit.networks.cnn import Cnn

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


def test_agrees_with_the_loop(margin_of):
    found = path_integral(margin_of(cubic, IMAGES), IMAGES, BASELINE, 7)
    torch.testing.assert_close(found, torch.stack([slow(image, 7) for image in IMAGES]), rtol=1e-4, atol=1e-5)


def test_completeness_error_shrinks_with_the_square_of_the_steps(margin_of):
    change = cubic(IMAGES) - cubic(BASELINE)
    margin = margin_of(cubic, IMAGES)

    def error(steps):
        return float((path_integral(margin, IMAGES, BASELINE, steps).flatten(1).sum(1) - change).abs().max())

    assert error(8) < 0.1
    assert 3.0 < error(2) / error(4) < 5.0


@pytest.mark.parametrize("shape", [(20, 18), (12, 14, 13)], ids=["2-D", "3-D"])
@pytest.mark.parametrize("baselines", [1, 3])
def test_agrees_with_captum_on_the_network_as_trained(shape, baselines):
    network = trained_like(Cnn(len(shape), 2, 3, (4, 6)))
    stream = torch.Generator().manual_seed(2)
    images = torch.randn(3, 2, *shape, generator=stream)
    baseline = torch.randn(baselines, 2, *shape, generator=stream)
    found = path_integral(Margin(Explained(network, images[:1]), 2), images, baseline, 12)

    def margin(batch):
        logits = network(batch)
        return logits[:, 2] - logits[:, :2].mean(1)

    peer = captum.attr.IntegratedGradients(margin)
    expected = peer.attribute(images, baseline.expand_as(images), n_steps=12, method="riemann_middle")
    torch.testing.assert_close(found, expected.float(), rtol=1e-3, atol=1e-6)


def trained_like(network: torch.nn.Module) -> torch.nn.Module:
    """Give batch normalisation running statistics, as training would."""
    stream = torch.Generator().manual_seed(1)
    for module in network.modules():
        if hasattr(module, "running_mean"):
            module.running_mean.normal_(0, 0.3, generator=stream)
            module.running_var.uniform_(0.5, 2, generator=stream)
    return network.eval()
