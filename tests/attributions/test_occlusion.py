from __future__ import annotations

import captum.attr
import pytest
import torch
from torch import nn

from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Effort, References
from biasaudit.attributions.occlusion import Occlusion, margins_without
from biasaudit.attributions.reach import local_layers
from biasaudit.networks.cnn import Cnn


def pooled(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers, nn.Flatten(2), nn.AdaptiveMaxPool1d(3), nn.Flatten(), nn.LazyLinear(1))


class Residual(nn.Module):
    """Begins with a fork, so that nothing can be recomputed in part."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, images):
        return (images + self.convolution(images).relu()).amax((2, 3))


NETWORKS = {
    "built in, 2-D": (Cnn(2, 1, 1, (4, 6)), (21, 18), 2),
    "built in, 3-D": (Cnn(3, 1, 1, (4, 6)), (9, 8, 7), 2),
    "pooling": (pooled(nn.Conv2d(1, 3, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3)), (18, 19), 3),
    "dilation": (
        pooled(nn.Conv2d(1, 3, 3, dilation=2, groups=1), nn.GELU(), nn.Conv2d(3, 3, 3, groups=3)),
        (16, 17),
        2,
    ),
    "padded pooling": (pooled(nn.MaxPool2d(3, 2, 1), nn.Conv2d(1, 2, (3, 1), padding=(1, 0))), (17, 15), 2),
    "strides wider than kernels": (pooled(nn.Conv2d(1, 3, 1, stride=5), nn.ReLU()), (19, 23), 1),
    "a fork": (Residual(), (12, 11), 0),
}


@pytest.fixture(params=NETWORKS)
def case(request):
    network, shape, local = NETWORKS[request.param]
    images = torch.randn(2, 1, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        network.eval()(images)
    return network, images, local


@pytest.mark.parametrize(("patch", "stride"), [(4, 4), (3, 2), (2, 5), (1, 1), (99, 99)])
def test_every_cube_gives_what_the_whole_network_gives(case, patch, stride):
    network, images, _ = case
    baseline = torch.randn(1, *images.shape[1:], generator=torch.Generator().manual_seed(2))
    found = Occlusion().relevance(
        Margin(Explained(network, images[:1])), images, References(baseline), Effort(patch=patch, stride=stride)
    )
    torch.testing.assert_close(found, slow(network, images, baseline, patch, stride), rtol=1e-4, atol=1e-6)


def slow(network, images, baseline, patch, stride):
    """Occlude one cube after the other, whole image by whole image."""
    total, count = torch.zeros_like(images), torch.zeros_like(images)
    counts = [max(0, -(-(size - patch) // stride)) + 1 for size in images.shape[2:]]
    for corner in torch.cartesian_prod(*(torch.arange(n) * stride for n in counts)).tolist():
        inside = (slice(None), slice(None), *(slice(start, start + patch) for start in corner))
        without = images.clone()
        without[inside] = baseline[inside].expand_as(without[inside])
        with torch.no_grad():
            drop = (network(images) - network(without))[:, 0]
        total[inside] += (drop / total[inside][0].numel()).reshape(-1, *[1] * (images.ndim - 1))
        count[inside] += 1
    return total / count.clamp(min=1)


def test_only_what_a_cube_reaches_is_computed_again(case):
    network, images, local = case
    assert len(local_layers(Explained(network, images[:1]))[0]) == local


def test_few_cubes_at_a_time_give_the_same(case, monkeypatch):
    network, images, _ = case
    margin = Margin(Explained(network, images[:1]))
    boxes = [((start, start + 3),) * (images.ndim - 2) for start in range(4)]
    together = margins_without(margin, images[0], images[1], boxes)
    monkeypatch.setattr("biasaudit.attributions.occlusion._VOXELS_AT_ONCE", 1)
    torch.testing.assert_close(margins_without(margin, images[0], images[1], boxes), together, rtol=1e-4, atol=1e-6)


def test_agrees_with_captum():
    network = Cnn(3, 1, 1, (4, 6)).eval()
    images, baseline = (torch.randn(n, 1, 12, 16, 8) for n in (2, 1))
    found = Occlusion().relevance(
        Margin(Explained(network, images[:1])), images, References(baseline), Effort(patch=4, stride=4)
    )
    with torch.no_grad():
        expected = captum.attr.Occlusion(lambda batch: network(batch)[:, 0]).attribute(
            images, sliding_window_shapes=(1, 4, 4, 4), strides=(1, 4, 4, 4), baselines=baseline.expand_as(images)
        )
    torch.testing.assert_close(found * 4**3, expected.float(), rtol=1e-4, atol=1e-5)
