from __future__ import annotations

import re
import warnings

import captum.attr
import pytest
import torch
from torch import nn
from torch.nn import functional

from biasaudit.attributions.deep_lift import DeepLift
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Effort, References
from biasaudit.errors import UsageError
from biasaudit.networks.cnn import Cnn

IMAGES = torch.randn(2, 1, 12, 10, generator=torch.Generator().manual_seed(0))
BASELINE = torch.randn(1, 1, 12, 10, generator=torch.Generator().manual_seed(1))


class Network(nn.Module):
    def __init__(self, forward) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.first, self.second = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 3, 3)
            self.head = nn.Linear(3, 1)
        self.activation = nn.ReLU(inplace=True)
        self.own = forward

    def forward(self, images):
        return self.head(self.own(self, images))


def as_modules(network, images):
    hidden = nn.functional.relu(network.first(images))
    return functional.relu(network.second(hidden)).mean((2, 3))


def reused(network, images):
    return network.activation(network.second(network.activation(network.first(images)))).mean((2, 3))


def by_method(network, images):
    return network.second(network.first(images).relu_()).relu().flatten(2).amax(2)


def smooth(network, images):
    return network.second(functional.gelu(network.first(images))).sigmoid().mean((2, 3))


def softened(network, images):
    return network.first(images).mean((2, 3)).softmax(1)


def squared(network, images):
    return (network.first(images) * network.first(images)).mean((2, 3))


def pooled(network, images):
    return functional.max_pool2d(network.first(images), 2).mean((2, 3))


def by_value(network, images):
    hidden = network.first(images).mean((2, 3))
    return hidden if hidden.detach().sum() > 0 else 2 * hidden


def relevance(network):
    margin = Margin(Explained(network.eval(), IMAGES[:1]))
    return DeepLift().relevance(margin, IMAGES, References(BASELINE), Effort())


def change(network):
    with torch.no_grad():
        return (network(IMAGES) - network(BASELINE))[:, 0]


@pytest.mark.parametrize("forward", [as_modules, reused, by_method, smooth])
def test_rectifiers_of_every_kind_have_their_rule(forward):
    network = Network(forward)
    torch.testing.assert_close(relevance(network).flatten(1).sum(1), change(network), rtol=1e-3, atol=1e-4)


def test_agrees_with_the_rule_written_out():
    """One layer: weight times (relu(x) - relu(b)), split over the input in proportion to its difference."""
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    with torch.no_grad():
        convolution.weight.fill_(2.0)
    network = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(120, 1))
    weight = network[3].weight.detach().reshape(1, 1, 12, 10)
    expected = weight * ((2 * IMAGES).relu() - (2 * BASELINE).relu())
    torch.testing.assert_close(relevance(network), expected, rtol=1e-3, atol=1e-5)


def test_the_built_in_network_is_complete():
    network = Cnn(2, 1, 1, (4, 6))
    torch.testing.assert_close(relevance(network).flatten(1).sum(1), change(network), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (softened, "no rule for the function softmax"),
        (squared, "no rule for the function mul"),
        (pooled, "no rule for the function"),
        (by_value, "cannot be traced"),
    ],
)
def test_what_has_no_rule_is_refused(forward, reason):
    with pytest.raises(UsageError, match=reason) as refusal:
        relevance(Network(forward))
    assert re.search("use integrated_gradients", str(refusal.value))


def test_a_layer_without_a_rule_is_named():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1))
    with pytest.raises(UsageError, match=r"no rule for 1 \(Hardswish\)"):
        relevance(network)


@pytest.mark.parametrize("first", [nn.ReLU(), nn.MaxPool2d(2)], ids=["rectifier", "maximum"])
def test_agrees_with_captum_on_what_captum_sees(first):
    """Not a maximum behind a rectifier: there Captum 0.9 misses the sum."""
    layers = (nn.Conv2d(1, 3, 3), first, nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten())
    network = nn.Sequential(*layers, nn.LazyLinear(1)).eval()
    with torch.no_grad():
        network(IMAGES)
    found = relevance(network)
    with warnings.catch_warnings():  # Captum says that it hangs hooks on the network
        warnings.simplefilter("ignore")
        expected = captum.attr.DeepLift(network).attribute(IMAGES, BASELINE.expand_as(IMAGES))
    torch.testing.assert_close(found, expected.detach(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("window", [(2,), (3, 2, 1), (3, 1)], ids=str)
def test_maxima_over_windows(window):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(*window), nn.Flatten(), nn.LazyLinear(1)).eval()
    with torch.no_grad():
        network(IMAGES)
    torch.testing.assert_close(relevance(network).flatten(1).sum(1), change(network), rtol=1e-3, atol=1e-4)


def test_a_map_that_does_not_sum_up_is_refused(monkeypatch):
    monkeypatch.setattr("biasaudit.attributions.deep_lift.gradient", lambda margins, at: torch.zeros_like(at))
    with pytest.raises(UsageError, match="misses the change of the margin by"):
        relevance(Cnn(2, 1, 1, (4,)))
