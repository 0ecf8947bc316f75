from __future__ import annotations

import torch
from torch import nn

from biasaudit.attributions.tracing import AFFINE, folded, split_graph, trace

IMAGES = torch.randn(2, 1, 9, 8, generator=torch.Generator().manual_seed(0))


def ready(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(0.3)
            module.running_var.fill_(2.0)
    return network.eval()


class Twice(nn.Module):
    """One convolution before two normalisations, and one normalisation behind two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 1, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(1), nn.BatchNorm2d(1)
        self.other = nn.Conv2d(1, 1, 1)

    def forward(self, images):
        hidden = self.convolution(images)
        both = self.first(hidden) + self.second(self.convolution(images))
        return self.first(self.other(both).relu()) + hidden


def test_normalisation_vanishes_into_the_convolution_before_it():
    network = ready(nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU()))
    graph = folded(network)
    assert not any(
        node.op == "call_module" and "BatchNorm" in str(type(graph.get_submodule(node.target)))
        for node in graph.graph.nodes
    )
    torch.testing.assert_close(graph(IMAGES), network(IMAGES), rtol=1e-4, atol=1e-5)


def test_layers_that_are_called_twice_keep_their_weights():
    network = ready(Twice())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    torch.testing.assert_close(folded(network)(IMAGES), network(IMAGES), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


class Skipped(nn.Module):
    """A convolution whose output is normalised and also passed on as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)

    def forward(self, images):
        hidden = self.convolution(images)
        return hidden + self.normalisation(hidden)


def test_a_convolution_whose_output_has_another_use_keeps_its_weights():
    network = ready(Skipped())
    torch.testing.assert_close(folded(network)(IMAGES), network(IMAGES), rtol=1e-4, atol=1e-5)


def test_the_chain_ends_where_a_layer_does_not_belong_or_its_output_is_used_twice():
    network = ready(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 2, 3)))
    chain, rest = split_graph(trace(network), lambda layer: isinstance(layer, AFFINE))
    assert len(chain) == 2
    torch.testing.assert_close(rest(chain(IMAGES)), network(IMAGES))
    forked = ready(Twice())
    chain, rest = split_graph(trace(forked), lambda layer: isinstance(layer, AFFINE))
    assert len(chain) == 0
    torch.testing.assert_close(rest(IMAGES), forked(IMAGES))
