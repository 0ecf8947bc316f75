"""What every network factory owes the engine."""

from __future__ import annotations

import pytest
import torch

from biasaudit import registry
from biasaudit.engine.steps.score import feature_layers
from biasaudit.networks.factory import build_network

SIZES = [(2, 1, 1), (2, 3, 4), (3, 1, 1), (3, 4, 3)]
pytestmark = [
    pytest.mark.parametrize("name", registry.names("network")),
    pytest.mark.parametrize("sizes", SIZES, ids=str),
]


def build(name, sizes, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_network(name, sizes, {})


def images(sizes, n=3):
    shape = (18, 17, 16)[: sizes[0]] if sizes[0] == 3 else (36, 33)
    return torch.randn(n, sizes[1], *shape, generator=torch.Generator().manual_seed(1))


def test_shape_type_and_finite(name, sizes):
    logits = build(name, sizes)(images(sizes))
    assert logits.shape == (3, sizes[2])
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_deterministic_given_the_seed(name, sizes):
    first, second = (build(name, sizes).eval()(images(sizes)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, build(name, sizes, seed=1).eval()(images(sizes)))


def test_input_unchanged(name, sizes):
    batch = images(sizes)
    build(name, sizes)(batch)
    assert torch.equal(batch, images(sizes))


def test_held_out_subjects_do_not_see_each_other(name, sizes):
    network = build(name, sizes).eval()
    together = network(images(sizes))
    alone = torch.cat([network(image[None]) for image in images(sizes)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_every_weight_gets_a_gradient(name, sizes):
    network = build(name, sizes).train()
    network(images(sizes)).square().sum().backward()
    without = [key for key, weight in network.named_parameters() if weight.grad is None]
    assert without == []


def test_input_gets_a_gradient(name, sizes):
    network, batch = build(name, sizes).eval(), images(sizes).requires_grad_(True)
    network(batch).sum().backward()
    assert batch.grad is not None
    assert float(batch.grad.abs().sum()) > 0


def test_has_layers_to_look_into(name, sizes):
    assert 1 <= len(feature_layers(build(name, sizes), None)) <= 4


def test_state_can_be_put_back(name, sizes):
    trained, fresh = build(name, sizes), build(name, sizes, seed=1)
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(trained.eval()(images(sizes)), fresh.eval()(images(sizes)))
