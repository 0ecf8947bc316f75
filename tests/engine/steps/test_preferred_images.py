from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from biasaudit.engine.steps.preferred_images import AscentSettings, Objective, maximise, objective_values


class Detector(nn.Module):
    """Unit 0 sums one square, unit 1 another with the sign turned; the logit is unit 0 less unit 1."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.patches = torch.zeros(2, *shape)
        self.patches[(0, *(slice(1, 5),) * len(shape))] = 1
        self.patches[(1, *(slice(-5, -1),) * len(shape))] = -1
        self.hidden = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        units = self.hidden(images * self.patches)  # (n, 2, *shape) of one channel
        sums = units.flatten(2).sum(2)
        return sums[:, :1] - sums[:, 1:]


def ascent(shape, steps=24, spread=1.0):
    return AscentSettings(np.full((1, *shape), 5.0, np.float32), np.full((1, *shape), spread, np.float32), steps)


def chance():
    return np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(16, 16), (12, 12, 12)])
def test_an_image_lights_up_where_its_objective_looks(shape):
    start, network = ascent(shape), Detector(shape)
    images = maximise(
        network, [Objective("hidden", 0), Objective("hidden", 1), Objective("", 1), Objective("", 0)], start, chance()
    )
    changes = (images - start.mean)[:, 0]
    first, second = network.patches.numpy()[0] > 0, network.patches.numpy()[1] < 0
    neither = ~(first | second)
    assert changes[0][first].mean() > 1.5
    assert changes[1][second].mean() < -1.5
    assert changes[2][first].mean() > 1.5
    assert changes[2][second].mean() > 1.5
    assert np.allclose(changes[3], -changes[2], atol=1e-4)  # the healthy class is the negative of a single logit
    assert np.abs(changes[0][neither]).mean() < 0.4 * changes[0][first].mean()


def test_the_change_is_bounded_in_standard_deviations_and_stays_inside():
    start = ascent((16, 16), steps=60, spread=0.1)
    start.spread[0, :, :3] = 0
    images = maximise(Detector((16, 16)), [Objective("", 1)], start, chance())
    assert np.abs(images - start.mean).max() <= 0.3 + 1e-5
    assert (images[0, 0, :, :3] == 5.0).all()


def test_every_image_has_its_own_objective_and_the_value_is_that_of_the_objective():
    start, network = ascent((16, 16)), Detector((16, 16))
    objectives = [Objective("hidden", 1), Objective("hidden", 0)]
    together = maximise(network, objectives, start, chance())
    alone = maximise(network, objectives[:1], start, chance())
    assert np.allclose(together[0], alone[0], atol=1e-5)
    values = objective_values(network, [Objective("hidden", 0), Objective("", 0)], together)
    assert values[0] == pytest.approx((together[0, 0] * network.patches[0].numpy()).mean(), rel=1e-5)
    assert values[1] == pytest.approx(-float(network(torch.from_numpy(together[1:]))), rel=1e-5)


def test_same_chance_same_images_and_more_steps_reach_further():
    network, objectives = Detector((16, 16)), [Objective("", 1)]
    once, again = (maximise(network, objectives, ascent((16, 16)), chance()) for _ in range(2))
    assert np.array_equal(once, again)
    few = maximise(network, objectives, ascent((16, 16), steps=3), chance())
    assert objective_values(network, objectives, once) > objective_values(network, objectives, few)


def test_several_outputs_take_the_margin_over_the_mean_of_the_others():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))
    images = np.random.default_rng(1).normal(size=(3, 1, 2, 2)).astype(np.float32)
    logits = network(torch.from_numpy(images)).detach().numpy()
    found = objective_values(network, [Objective("", index) for index in range(3)], images)
    expected = [logits[row, row] - np.delete(logits[row], row).mean() for row in range(3)]
    assert np.allclose(found, expected, atol=1e-5)


def test_a_constant_objective_leaves_the_mean_alone():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 64, 1))
    nn.init.constant_(network[0].bias, -100.0)  # a dead unit
    start = ascent((8, 8))
    assert np.array_equal(maximise(network, [Objective("1", 0)], start, chance())[0], start.mean)
