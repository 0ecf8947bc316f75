from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from biasaudit.attributions.explained import Explained, Margin, gradient
from biasaudit.attributions.integrated_gradients import path_integral
from biasaudit.errors import UsageError
from biasaudit.networks.cnn import Cnn

IMAGES = torch.randn(3, 1, 12, 12, generator=torch.Generator().manual_seed(0))


class Logits(nn.Module):
    def __init__(self, forward) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 3)
        self.own = forward

    def forward(self, images):
        return self.own(self.convolution(images)).flatten(2).mean(2)


def by_value(hidden):
    return hidden.relu() if float(hidden.detach().sum()) > 1e9 else hidden.tanh()


@pytest.mark.parametrize(
    "forward",
    [
        functional.relu,
        torch.relu_,
        lambda hidden: functional.relu(hidden, inplace=True),
        lambda hidden: functional.relu(hidden.mul_(2)),
        nn.ReLU(inplace=True),
        functional.gelu,
        by_value,
    ],
    ids=["functional", "relu_", "in-place function", "in-place product", "in-place layer", "smooth", "untraceable"],
)
def test_answers_and_gradients_are_those_of_the_network(forward):
    network = Logits(forward).eval()
    margin = Margin(Explained(network, IMAGES[:1]), 1)
    logits = network(IMAGES)
    torch.testing.assert_close(margin(IMAGES), (logits[:, 1] - logits[:, 0]).detach())
    steps = path_integral(margin, IMAGES, torch.zeros(1, 1, 12, 12), 3)
    total = torch.zeros_like(IMAGES)
    for place in (1 / 6, 3 / 6, 5 / 6):
        point = (place * IMAGES).requires_grad_(True)
        logits = network(point)
        total += torch.autograd.grad((logits[:, 1] - logits[:, 0]).sum(), point)[0] / 3
    torch.testing.assert_close(steps, IMAGES * total, rtol=1e-4, atol=1e-6)


def test_the_network_in_train_mode_is_explained_at_rest_and_left_as_it_was():
    network = Cnn(2, 1, 1, (4,)).train()
    network.blocks.block1[1].eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    margin = Margin(Explained(network, IMAGES[:1]))
    path_integral(margin, IMAGES, IMAGES[:1] * 0, 4)
    assert network.training
    assert not network.blocks.block1[1].training
    assert all(weight.requires_grad and weight.grad is None for weight in network.parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    torch.testing.assert_close(margin(IMAGES), network.eval()(IMAGES)[:, 0].detach(), rtol=1e-4, atol=1e-5)


def test_a_constant_network_has_no_relevance():
    class Constant(nn.Module):
        def forward(self, images):
            return torch.ones(len(images), 1)

    margin = Margin(Explained(Constant(), IMAGES[:1]))
    assert not path_integral(margin, IMAGES, IMAGES[:1] * 0, 4).any()


def test_gradient_of_what_does_not_depend_on_the_image():
    image, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    assert not gradient(other * 2, image).any()


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda self, image, age: image.mean((2, 3)), r"takes 2 inputs \(image, age\), expected one"),
        (lambda self, image: (image.mean((2, 3)), image), "returns tuple, expected one tensor of logits"),
        (lambda self, image: image.mean((1, 2, 3)), r"returns shape \(1,\) for one image"),
    ],
)
def test_several_inputs_or_outputs_are_refused(forward, message):
    network = type("Network", (nn.Module,), {"forward": forward})()
    with pytest.raises(UsageError, match=message):
        Explained(network, IMAGES[:1])


def test_statistics_of_the_batch_are_refused():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False))
    with pytest.raises(UsageError, match="the layer 1 normalises by statistics of the batch"):
        Explained(network, IMAGES[:1])


@pytest.mark.parametrize(
    ("logits", "output", "expected"),
    [([2.0], None, 2.0), ([2.0], 1, 2.0), ([2.0], 0, -2.0), ([1.0, 5.0, 9.0], 2, 6.0), ([1.0, 5.0, 9.0], 0, -6.0)],
)
def test_margin(logits, output, expected):
    class Fixed(nn.Module):
        def forward(self, images):
            return torch.tensor([logits])

    margin = Margin(Explained(Fixed(), IMAGES[:1]), output)
    assert margin(IMAGES[:1]).tolist() == [expected]
    assert margin.opposite()(IMAGES[:1]).tolist() == [-expected]


def test_a_class_must_be_named_where_there_are_several():
    with pytest.raises(UsageError, match="3 outputs; say which class"):
        Margin(Explained(Cnn(2, 1, 3, (4,)), IMAGES[:1]))


def test_hooks_on_the_network_belong_to_it():
    network = Cnn(2, 1, 2, (4, 6)).eval()
    network.register_forward_hook(lambda module, given, logits: logits[:, 1:] - logits[:, :1])
    explained = Explained(network, IMAGES[:1])
    assert explained.graph is not None
    assert len(explained.stem) == 1
    torch.testing.assert_close(explained(IMAGES), network(IMAGES).detach(), rtol=1e-4, atol=1e-5)


def test_a_graph_that_answers_otherwise_is_not_taken():
    class Particular(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(1, 2, 3)

        def forward(self, images):
            hidden = self.convolution(images)
            return (hidden.relu() if isinstance(images, torch.Tensor) else hidden).mean((2, 3))

    network = Particular()
    explained = Explained(network, IMAGES[:1])
    assert explained.graph is None
    torch.testing.assert_close(explained(IMAGES), network(IMAGES).detach())


def test_the_first_layers_are_computed_once():
    explained = Explained(Cnn(2, 1, 1, (4, 8)), IMAGES[:1])
    assert [type(layer) for layer in explained.stem][:1] == [nn.Conv2d]
    assert not any(isinstance(layer, nn.ReLU) for layer in explained.stem)
    torch.testing.assert_close(explained(IMAGES), explained.network(IMAGES))
