"""Networks as people write them: each is right as it is used, or refused in a line that says why and what to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from biasaudit.engine.steps.train import to_device
from biasaudit.engine.user_code.network import adapted, keeps_layout
from biasaudit.engine.user_code.network_description import OutputConvention, OwnNetwork
from biasaudit.engine.validation.behaviour import (
    Use,
    behaviour,
    require_gradient,
    require_steady,
    require_trainable,
)
from biasaudit.errors import UsageError
from biasaudit.protocol import TrainingSettings

USE = Use((2, 10, 12), 8)
VOLUMES = Use((2, 6, 7, 8), 4)


class Net(nn.Module):
    """One convolution and one linear layer, and whatever a test makes of what they return."""

    def __init__(self, outputs=1, end=lambda own, logits: logits, begin=lambda own, images: images, dimensions=2):
        super().__init__()
        self.first = (nn.Conv2d, nn.Conv3d)[dimensions - 2](2, 4, 3, padding=1)
        self.normalise = (nn.BatchNorm2d, nn.BatchNorm3d)[dimensions - 2](4)
        self.head = nn.Linear(4, outputs)
        self.begin, self.end = begin, end

    def hidden(self, images):
        return functional.relu(self.normalise(self.first(self.begin(self, images))))

    def forward(self, images):
        return self.end(self, self.head(self.hidden(images).flatten(2).mean(2)))


class Viewed(Net):
    """As in most tutorials: `view` in place of `flatten`."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4 * 5 * 6, 1)

    def forward(self, images):
        pooled = functional.max_pool2d(self.hidden(images), 2)
        return self.head(pooled.view(images.size(0), -1))


class Maps(Net):
    def forward(self, images):
        return self.hidden(images)


class Squeezed(nn.Module):
    def forward(self, images):
        return images.squeeze()


class TwoInputs(Net):
    def forward(self, images, age):
        return super().forward(images) + age


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return make()


def in_place(own, images):
    images -= images.mean()
    return images


def forced(own, images):
    own.normalise.train()
    return images


REFUSED = {
    "batch statistics by name": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten()),
        "the layer 1 normalises by statistics of the batch",
    ),
    "batch statistics in forward": (
        lambda: Net(begin=lambda own, images: (images - images.mean()) / images.std()),
        "depends on the other images of its batch: normalise by running statistics or within the image",
    ),
    "normalisation kept in training mode": (lambda: Net(begin=forced), "depends on the other images of its batch"),
    "softmax over the batch": (lambda: Net(3, lambda own, z: z.softmax(0).log()), "depends on the other images of its"),
    "functional dropout": (lambda: Net(end=lambda own, z: functional.dropout(z, 0.5)), "dropout that stays on"),
    "dropout of channels": (
        lambda: Net(begin=lambda own, images: functional.dropout2d(images, 0.5)),
        "another answer each time that it is asked about the same images",
    ),
    "noise of NumPy": (lambda: Net(end=lambda own, z: z + np.random.rand()), "another answer each time"),  # noqa: NPY002
    "NaN": (lambda: Net(end=lambda own, z: (z - 100).log()), "NaN or infinity for an image of mean 0"),
    "two sigmoids": (lambda: Net(2, lambda own, z: z.sigmoid()), "lie in [0, 1] and do not sum to 1 (a sigmoid for"),
    "image": (Maps, "as a network that segments, it gives an image for an image: pool"),
    "transposed": (lambda: Net(3, lambda own, z: z.T), "returns shape [3, 8] for 8 images, expected (batch, outputs)"),
    "one number for all": (lambda: Net(end=lambda own, z: z.mean()), "returns shape [] for 8 images"),
    "everything in a row": (lambda: Net(3, lambda own, z: z.flatten()), "returns shape [24] for 8 images"),
    "decisions": (lambda: Net(2, lambda own, z: z.argmax(1)), "returns int64, decisions and no scores"),
    "dictionary": (lambda: Net(end=lambda own, z: {"logits": z}), "returns a dict, expected a tensor (batch, outputs)"),
    "tuple": (lambda: Net(end=lambda own, z: (z, z)), "returns a tuple, expected a tensor"),
    "nothing": (lambda: Net(end=lambda own, z: None), "returns a NoneType"),
    "CUDA": (
        lambda: Net(begin=lambda own, images: images.to("cuda:7")),
        "it asks for a device by name; in forward use that of the image",
    ),
    "double precision in forward": (
        lambda: Net(begin=lambda own, images: images.double()),
        "keep to float32 in forward, which its weights were cast to",
    ),
    "one size": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(7, 1)),
        "it takes images of one size alone: set `grid` as it was trained",
    ),
    "an axis lost before a normalisation": (
        lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), Squeezed(), nn.BatchNorm1d(2), nn.Linear(2, 1)),
        "it may lose the axis of the batch where that is one image: squeeze the axes of space by number",
    ),
    "two inputs": (TwoInputs, "wrap it in a module whose forward takes one batch of images"),
    "other channels": (lambda: nn.Conv2d(3, 1, 3), "to have 3 channels, but got 2 channels instead"),
    "ends the program": (lambda: Net(end=lambda own, z: exit(3)), "it ended the program by sys.exit(3)"),
    "fails by assertion": (lambda: Net(end=lambda own, z: [].pop()), "IndexError: pop from empty list"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_reason(name):
    make, words = REFUSED[name]
    with pytest.raises(UsageError) as told:
        behaviour(seeded(make), USE, "auto")
    assert "\n" not in str(told.value)
    assert words in str(told.value)


def test_the_users_own_interruption_is_not_swallowed():
    def interrupted(own, z):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        behaviour(Net(end=interrupted), USE, "auto")


TAKEN = {
    "as it should be": (lambda: Net(), 1, "logits", True),
    "two logits": (lambda: Net(2), 2, "logits", True),
    "squeezed": (lambda: Net(end=lambda own, z: z.squeeze()), 1, "logits", False),
    "squeezed along its axis": (lambda: Net(end=lambda own, z: z.squeeze(1)), 1, "logits", False),
    "two squeezed": (lambda: Net(2, lambda own, z: z.squeeze()), 2, "logits", False),
    "axes of space left over": (lambda: Net(end=lambda own, z: z[:, :, None, None]), 1, "logits", False),
    "sigmoid": (lambda: Net(end=lambda own, z: z.sigmoid()), 1, "sigmoid", False),
    "softmax": (lambda: Net(3, lambda own, z: z.softmax(1)), 3, "softmax", False),
    "log-softmax": (lambda: Net(3, lambda own, z: z.log_softmax(1)), 3, "log_softmax", True),
    "dropout that can be put off": (
        lambda: Net(end=lambda own, z: functional.dropout(z, training=own.training)),
        1,
        "logits",
        True,
    ),
    "group normalisation": (lambda: Net(begin=lambda own, x: functional.group_norm(x, 2)), 1, "logits", True),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken_as_it_is(name):
    make, outputs, scale, plain = TAKEN[name]
    network = seeded(make)
    found = behaviour(network, USE, "auto")
    assert (found.convention, found.cares, found.plain) == (OutputConvention(outputs, scale), (), plain)
    assert network(torch.randn(1, *USE.shape)).shape == (1, outputs)


@pytest.mark.parametrize("use", [USE, VOLUMES], ids=["2-D", "3-D"])
def test_a_network_that_changes_its_input_gets_a_copy(use):
    make = lambda: Net(begin=lambda own, x: x.mul_(2), dimensions=len(use.shape) - 1)  # noqa: E731
    found = behaviour(seeded(make), use, "auto")
    assert found.cares == ("copied",)
    own = OwnNetwork("", {}, found.convention, cares=found.cares)
    mended, images = adapted(seeded(make).eval(), own, 1), use.noise(3)
    answers = mended(images)
    assert torch.equal(images, use.noise(3))
    assert torch.equal(answers, seeded(make).eval()(images.clone()))


def test_writing_what_was_there_is_writing():
    assert behaviour(Net(begin=lambda own, x: x.clamp_(-1e6, 1e6)), USE, "auto").cares == ("copied",)


def test_a_network_that_looks_at_its_input_with_view_gets_it_channels_first():
    with pytest.raises(RuntimeError, match="view size"):
        to_device(Viewed())(USE.noise(2))
    found = behaviour(Viewed(), USE, "auto")
    assert found.cares == ("contiguous",)
    assert not found.plain
    own = OwnNetwork.from_json(OwnNetwork("", {}, found.convention, cares=found.cares).to_json())
    mended = adapted(Viewed(), own, 1)
    assert keeps_layout(nn.Sequential(mended))
    assert to_device(mended)(USE.noise(3)).shape == (3, 1)
    require_trainable(mended, USE, TrainingSettings.model_validate({}), 2)


def test_probabilities_that_are_stated_are_believed():
    assert behaviour(Net(2, lambda own, z: z.sigmoid()), USE, "logits").convention.scale == "logits"
    with pytest.raises(UsageError, match="probabilities are stated, but the network returns"):
        behaviour(Net(), USE, "probabilities")


def test_no_random_number_of_the_caller_is_drawn():
    network, before = Net(), torch.random.get_rng_state()
    behaviour(network, USE, "auto")
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_network_without_gradients_would_have_empty_maps():
    with pytest.raises(UsageError, match="carry no gradient to the image, so that every map would be empty"):
        require_gradient(Net(end=lambda own, z: z.detach()), USE)
    with pytest.raises(UsageError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        require_gradient(Net(end=lambda own, z: torch.from_numpy(z.numpy())), USE)
    require_gradient(Net(), USE)
    require_gradient(Net(end=lambda own, z: torch.zeros(len(z), 1)), USE)  # a constant has a map of zeros


UNTRAINABLE = {
    "nothing to train": (lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), "it has no weights to train"),
    "frozen": (lambda: Net().requires_grad_(False), "it has no weights to train"),
    "more outputs while trained": (
        lambda: Net(end=lambda own, z: (z, z) if own.training else z),
        "returns a tuple, expected a tensor",
    ),
    "another number of outputs": (lambda: Net(5), "when trained it returns shape [8, 5] for 8 images, expected [8, 1]"),
    "no gradient": (
        lambda: Net(end=lambda own, z: z.detach()),
        "cannot be trained on an input of shape batch x 2 x 10",
    ),
    "one value": (
        lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.InstanceNorm2d(2), nn.Flatten(), nn.Linear(2, 1)),
        "a normalisation sees a single value of each channel",
    ),
    "NaN": (lambda: Net(end=lambda own, z: z * float("nan")), "its loss is nan after a step on noise"),
}


@pytest.mark.parametrize("name", UNTRAINABLE)
def test_what_cannot_be_trained_is_told(name):
    make, words = UNTRAINABLE[name]
    with pytest.raises(UsageError) as told:
        require_trainable(make(), USE, TrainingSettings.model_validate({}), 2)
    assert words in str(told.value)


@pytest.mark.parametrize("classes", [2, 4])
def test_what_can_be_trained_is_trained_a_step(classes):
    network = Net(1 if classes == 2 else classes)
    before = network.head.weight.clone()
    require_trainable(network, USE, TrainingSettings.model_validate({"batch_size": 3}), classes)
    assert not torch.equal(before, network.head.weight)


def test_a_sound_network_is_steady():
    require_steady(Net(dimensions=3).eval(), VOLUMES)
