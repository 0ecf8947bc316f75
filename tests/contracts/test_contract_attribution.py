"""What every attribution method owes the engine."""

from __future__ import annotations

import pytest
import torch

from biasaudit import registry
from biasaudit.networks.cnn import Cnn

pytestmark = [
    pytest.mark.parametrize("name", registry.names("attribution")),
    pytest.mark.parametrize("shape", [(12, 11), (8, 9, 10)], ids=["2-D", "3-D"]),
]


def setting(shape):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = Cnn(len(shape), 2, 1, (4,)).eval()
    stream = torch.Generator().manual_seed(4)
    images = torch.randn(3, 2, *shape, generator=stream)
    baseline = torch.randn(1, 2, *shape, generator=stream)
    return (lambda batch: network(batch)[:, 0]), images, baseline, network


def relevance(name, shape, steps=8):
    margin, images, baseline, _ = setting(shape)
    return registry.get("attribution", name)(margin, images, baseline, steps)


def test_shape_type_and_finite(name, shape):
    found = relevance(name, shape)
    assert found.shape == (3, 2, *shape)
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    assert not found.requires_grad


def test_deterministic(name, shape):
    assert torch.equal(relevance(name, shape), relevance(name, shape))


def test_inputs_unchanged(name, shape):
    margin, images, baseline, network = setting(shape)
    before = images.clone(), baseline.clone(), {k: v.clone() for k, v in network.state_dict().items()}
    registry.get("attribution", name)(margin, images, baseline, 8)
    assert torch.equal(images, before[0])
    assert torch.equal(baseline, before[1])
    assert all(torch.equal(value, before[2][key]) for key, value in network.state_dict().items())
    assert not images.requires_grad


def test_signed(name, shape):
    found = relevance(name, shape)
    assert (found > 0).any()
    assert (found < 0).any()


def test_flipping_the_margin_flips_the_map(name, shape):
    margin, images, baseline, _ = setting(shape)
    method = registry.get("attribution", name)
    opposite = method(lambda batch: -margin(batch), images, baseline, 8)
    torch.testing.assert_close(opposite, -method(margin, images, baseline, 8))


def test_no_change_no_relevance(name, shape):
    margin, _, baseline, _ = setting(shape)
    found = registry.get("attribution", name)(margin, baseline.clone(), baseline, 8)
    assert torch.equal(found, torch.zeros_like(found))


def test_a_linear_margin_is_taken_apart_exactly(name, shape):
    _, images, baseline, _ = setting(shape)
    weight = torch.randn(1, 2, *shape, generator=torch.Generator().manual_seed(5))

    def margin(batch):
        return (batch * weight).flatten(1).sum(1)

    found = registry.get("attribution", name)(margin, images, baseline, 8)
    torch.testing.assert_close(found, (images - baseline) * weight, rtol=1e-4, atol=1e-5)


def test_images_do_not_see_each_other(name, shape):
    margin, images, baseline, _ = setting(shape)
    method = registry.get("attribution", name)
    alone = torch.cat([method(margin, image[None], baseline, 8) for image in images])
    torch.testing.assert_close(method(margin, images, baseline, 8), alone, rtol=1e-4, atol=1e-6)
