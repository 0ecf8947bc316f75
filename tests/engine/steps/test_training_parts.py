from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from biasaudit.engine.steps.training_parts import augmentation, loss_function, make_optimiser, make_schedule
from biasaudit.errors import UsageError
from biasaudit.protocol import TrainingSettings

WEIGHTS = torch.tensor([0.5, 2.0])
LOGITS = torch.tensor([[1.5], [-0.5], [0.3], [2.0]])
CLASSES = torch.tensor([1, 0, 0, 1])
THREE = torch.tensor([[0.2, 1.0, -1.0], [0.0, 0.5, 2.0]])

OWN = """
import torch
from torch.nn import functional

def mean_square(logits, targets):
    return ((logits[:, 1] - logits[:, 0] - targets) ** 2).mean()

class Scaled:
    def __init__(self, classes, class_weights):
        self.scale = classes * class_weights.sum()
    def __call__(self, logits, targets):
        return self.scale * functional.cross_entropy(logits, targets)

def plain(parameters, lr, weight_decay):
    return torch.optim.Rprop(parameters, lr=lr)

def noise(images, generator):
    return images + torch.randn(images.shape, generator=generator)

def half(images):
    return images / 2
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return lambda name: f"{tmp_path}/own.py:{name}"


@pytest.fixture
def settings():
    return lambda **stated: TrainingSettings.model_validate(stated)


@pytest.fixture
def augmented(settings):
    """Change images (n, 1, height, width) by augmentations, drawn from one seed."""

    def change(images, *names, seed=3):
        chosen = settings(augment=list(names))
        return augmentation(chosen, np.random.default_rng(seed), seed)(images.clone())

    return change


class TestLosses:
    def test_classes_weigh_alike_by_default(self):
        each = functional.binary_cross_entropy_with_logits(LOGITS[:, 0], CLASSES.float(), reduction="none")
        expected = (each * WEIGHTS[CLASSES]).mean()
        assert torch.equal(loss_function("balanced_bce", WEIGHTS)(LOGITS, CLASSES), expected)

    def test_without_weights(self):
        expected = functional.binary_cross_entropy_with_logits(LOGITS[:, 0], CLASSES.float())
        torch.testing.assert_close(loss_function("cross_entropy", WEIGHTS)(LOGITS, CLASSES), expected)
        expected = functional.cross_entropy(THREE, CLASSES[:2])
        torch.testing.assert_close(loss_function("cross_entropy", torch.ones(3))(THREE, CLASSES[:2]), expected)

    def test_focal_loss_of_the_paper(self):
        probability = torch.where(CLASSES == 1, LOGITS[:, 0].sigmoid(), 1 - LOGITS[:, 0].sigmoid())
        expected = (-((1 - probability) ** 2) * probability.log()).mean()
        torch.testing.assert_close(loss_function("focal", WEIGHTS)(LOGITS, CLASSES), expected)

    def test_one_logit_becomes_two_with_the_same_softmax(self, own):
        expected = functional.binary_cross_entropy_with_logits(LOGITS[:, 0], CLASSES.float())
        torch.testing.assert_close(loss_function("torch.nn:CrossEntropyLoss", WEIGHTS)(LOGITS, CLASSES), expected)
        expected = ((LOGITS[:, 0] - CLASSES) ** 2).mean()
        torch.testing.assert_close(loss_function(own("mean_square"), WEIGHTS)(LOGITS, CLASSES), expected)

    def test_a_class_is_handed_what_it_has_parameters_for(self, own):
        expected = 2 * WEIGHTS.sum() * functional.binary_cross_entropy_with_logits(LOGITS[:, 0], CLASSES.float())
        torch.testing.assert_close(loss_function(own("Scaled"), WEIGHTS)(LOGITS, CLASSES), expected)

    def test_logits_of_more_classes_are_as_they_are(self):
        loss = loss_function("torch.nn:CrossEntropyLoss", torch.ones(3))
        torch.testing.assert_close(loss(THREE, CLASSES[:2]), functional.cross_entropy(THREE, CLASSES[:2]))

    @pytest.mark.parametrize("name", ["balanced_bce", "cross_entropy", "focal", "torch.nn:CrossEntropyLoss"])
    def test_every_loss_has_a_gradient(self, name):
        logits = LOGITS.clone().requires_grad_()
        loss_function(name, WEIGHTS)(logits, CLASSES).backward()
        assert (logits.grad[:, 0] < 0).tolist() == (CLASSES == 1).tolist()


class TestOptimisers:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [("adamw", "AdamW"), ("adam", "Adam"), ("sgd", "SGD"), ("torch.optim:RMSprop", "RMSprop")],
    )
    def test_by_name(self, settings, name, kind):
        made = make_optimiser(settings(optimiser=name, learning_rate=0.03, weight_decay=0.2), nn.Linear(2, 1))
        assert type(made).__name__ == kind
        assert made.defaults["lr"] == 0.03
        assert made.defaults["weight_decay"] == 0.2

    @pytest.mark.parametrize("name", ["sgd", "torch.optim:Adagrad", "plain"])
    def test_one_cycle_rises_and_falls_whatever_the_optimiser(self, settings, own, name):
        chosen = settings(optimiser=own(name) if name == "plain" else name, learning_rate=0.1)
        optimiser = make_optimiser(chosen, nn.Linear(2, 1))
        schedule = make_schedule(chosen, optimiser, 20)
        rates = []
        for _ in range(20):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step() if len(rates) < 20 else None
        assert rates[0] < max(rates) == pytest.approx(0.1, rel=0.05)
        assert rates[-1] < rates[0]

    def test_constant(self, settings):
        chosen = settings(schedule="constant", learning_rate=0.1)
        optimiser = make_optimiser(chosen, nn.Linear(2, 1))
        schedule = make_schedule(chosen, optimiser, 5)
        for _ in range(8):  # more steps than planned do no harm
            optimiser.step()
            schedule.step()
        assert optimiser.param_groups[0]["lr"] == 0.1


class TestAugmentations:
    images = torch.arange(24 * 25, dtype=torch.float32).reshape(24, 1, 5, 5) + 1

    def test_none_leaves_everything(self, augmented):
        assert torch.equal(augmented(self.images, "none"), self.images)

    def test_flip_exchanges_left_and_right_of_some(self, augmented):
        changed = augmented(self.images, "flip")
        flipped = (changed != self.images).flatten(1).any(1)
        assert 0 < flipped.sum() < 24
        assert torch.equal(changed[flipped], self.images[flipped].flip(3))

    def test_shift_moves_and_fills_with_background(self, augmented):
        images = torch.zeros((40, 1, 20, 30))
        images[:, :, 10, 15] = 1.0
        moved = augmented(images, "shift")
        places = moved[:, 0].nonzero()
        assert len(places) == 40
        assert (moved.sum() == 40).all()
        assert places[:, 1].unique().tolist() == [8, 9, 10, 11, 12]
        assert places[:, 2].unique().tolist() == [12, 13, 14, 15, 16, 17, 18]

    def test_shift_of_volumes(self, augmented):
        volumes = torch.ones((6, 2, 10, 10, 10))
        moved = augmented(volumes, "shift")
        assert moved.shape == volumes.shape
        assert (moved.flatten(1).mean(1) >= 0.9**3 - 1e-6).all()

    def test_intensity_changes_gain_and_offset_but_no_background(self, augmented):
        images = self.images.clone()
        images[:, :, 0] = 0
        changed = augmented(images, "intensity")
        assert (changed[:, :, 0] == 0).all()
        for old, new in zip(images[:, 0, 1:], changed[:, 0, 1:], strict=True):
            slope = (new.max() - new.min()) / (old.max() - old.min())
            torch.testing.assert_close(new - new.mean(), slope * (old - old.mean()), rtol=1e-3, atol=1e-2)
        assert len({round(float(new.mean() / old.mean()), 3) for old, new in zip(images, changed, strict=True)}) > 20

    def test_the_users_own_in_the_order_stated(self, augmented, own):
        first = augmented(self.images, own("noise"), own("half"))
        torch.testing.assert_close(2 * first, augmented(self.images, own("noise")))
        assert not torch.equal(augmented(self.images, own("noise")), augmented(self.images, own("noise"), seed=4))

    def test_the_same_seed_changes_alike(self, augmented):
        names = ("flip", "shift", "intensity")
        assert torch.equal(augmented(self.images, *names), augmented(self.images, *names))


def test_what_does_not_exist_is_named(settings):
    with pytest.raises(UsageError, match=r"target.training.optimiser: module torch.optim has no function 'Lion'"):
        make_optimiser(settings(optimiser="torch.optim:Lion"), nn.Linear(1, 1))
