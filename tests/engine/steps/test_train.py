from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from engine.folders import folders
from safetensors.torch import load_file

from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.train import load_network, outputs, train, validation_rows
from biasaudit.stats.effects import auc


@pytest.fixture
def fit(blocks, training, tmp_path):
    """Train on pictures and return the folder."""

    def run(images, targets, name="model", **changes):
        folder = tmp_path / name
        folder.mkdir()
        train(training(targets, **changes), folders(inputs=blocks(images)), folder)
        return folder

    return run


def weights(folder):
    return load_file(folder / "model.safetensors")


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class TestReproducible:
    def test_same_seed_same_weights_bit_for_bit(self, fit, pictures):
        first = fit(*pictures, name="first")
        torch.rand(7)  # whatever happened before must not matter
        second = fit(*pictures, name="second")
        assert equal(weights(first), weights(second))
        assert (first / "history.json").read_text() == (second / "history.json").read_text()
        assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()

    def test_another_seed_other_weights(self, fit, pictures):
        assert not equal(weights(fit(*pictures, name="first")), weights(fit(*pictures, name="second", seed=6)))

    def test_global_random_states_are_left_alone(self, fit, pictures):
        torch.manual_seed(1)
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
        fit(*pictures)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert random.getstate() == before[1]
        np.testing.assert_array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002

    def test_the_global_seed_is_not_what_training_uses(self, fit, pictures):
        torch.manual_seed(1)
        first = fit(*pictures, name="first")
        torch.manual_seed(2)
        assert equal(weights(first), weights(fit(*pictures, name="second")))


class TestLearning:
    def test_an_easy_question_is_learnt(self, fit, pictures, blocks):
        images, targets = pictures
        folder = fit(images, targets, rows=range(28))
        logits = outputs(load_network(folder / "model.safetensors"), Stack(_files(blocks(images))), range(28, 40), 8)
        assert logits.shape == (12, 1)
        assert auc(logits[:, 0], targets[28:] == 1) > 0.95

    def test_three_classes(self, fit, blocks):
        chance = np.random.default_rng(1)
        targets = np.arange(60) % 3
        images = chance.normal(0.0, 0.5, (60, 1, 16, 16)).astype(np.float32)
        images[targets == 1, :, 5:11, 5:11] += 2.0
        images[targets == 2, :, 5:11, 5:11] -= 2.0
        folder = fit(images, targets, rows=range(45), settings={"epochs": 12})
        logits = outputs(load_network(folder / "model.safetensors"), Stack(_files(blocks(images))), range(45, 60), 8)
        assert logits.shape == (15, 3)
        assert (logits.argmax(1) == targets[45:]).mean() > 0.85

    def test_volumes(self, fit):
        chance = np.random.default_rng(2)
        targets = np.arange(12) % 2
        folder = fit(chance.normal(size=(12, 2, 8, 9, 10)), targets, settings={"epochs": 1})
        description = json.loads((folder / "model.json").read_text())
        assert description["sizes"] == [3, 2, 1]

    def test_a_last_batch_of_one_is_skipped(self, fit):
        # Two blocks leave one pixel of 4 x 4, of which batch normalisation wants more than one example.
        images, targets = np.random.default_rng(0).normal(size=(17, 1, 4, 4)), np.arange(17) % 2
        folder = fit(images, targets, groups=("only",) * 17, settings={"epochs": 2})
        assert all(torch.isfinite(value).all() for value in weights(folder).values())
        assert len(json.loads((folder / "history.json").read_text())) == 2

    def test_flipping_changes_what_is_learnt(self, fit, pictures):
        images, targets = pictures
        plain = fit(images, targets, name="plain")
        flipped = fit(images, targets, name="flipped", settings={"augment": "flip"})
        assert not equal(weights(plain), weights(flipped))

    def test_the_best_epoch_is_kept(self, fit, pictures, blocks):
        images, _ = pictures
        noise = np.random.default_rng(3).permutation(np.arange(40) % 2)
        settings = {"epochs": 12, "learning_rate": 0.05, "patience": 12}
        folder = fit(images, noise, settings=settings)
        history = json.loads((folder / "history.json").read_text())
        losses = [entry["validation_loss"] for entry in history]
        assert len(losses) == 12
        best = min(losses)
        assert losses[-1] > best  # otherwise this test says nothing
        groups = np.array([f"s{row}" for row in range(40)])
        kept_out = np.flatnonzero(validation_rows(noise, groups, 0.15, 5))
        network = load_network(folder / "model.safetensors")
        logits = torch.as_tensor(outputs(network, Stack(_files(blocks(images))), kept_out, 8)[:, 0])
        truth = torch.as_tensor(noise[kept_out]).double()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
        assert float(loss) == pytest.approx(best, rel=1e-4)

    def test_patience_stops_early(self, fit, pictures):
        images, _ = pictures
        noise = np.random.default_rng(3).permutation(np.arange(40) % 2)
        folder = fit(images, noise, settings={"epochs": 30, "learning_rate": 0.05, "patience": 2})
        losses = [entry["validation_loss"] for entry in json.loads((folder / "history.json").read_text())]
        assert len(losses) < 30
        assert len(losses) - 1 - int(np.argmin(losses)) == 2

    def test_rows_that_are_not_given_do_not_matter(self, fit, pictures, tmp_path, blocks):
        images, targets = pictures
        first = fit(images, targets, name="first", rows=range(30))
        changed = images.copy()
        changed[30:] = 99.0
        second = fit(changed, targets, name="second", rows=range(30))
        assert equal(weights(first), weights(second))


class TestStored:
    def test_a_loaded_network_gives_the_same_outputs(self, fit, pictures, blocks):
        images, targets = pictures
        folder = fit(images, targets)
        stack = Stack(_files(blocks(images)))
        first, second = (outputs(load_network(folder / "model.safetensors"), stack, range(40), 8) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        network = load_network(folder / "model.safetensors")
        assert not network.training
        with torch.no_grad():
            direct = network(torch.from_numpy(stack.take(range(40)))).numpy()
        np.testing.assert_allclose(first, direct, rtol=1e-4, atol=1e-5)

    def test_files(self, fit, pictures):
        folder = fit(*pictures)
        assert sorted(path.name for path in folder.iterdir()) == ["history.json", "model.json", "model.safetensors"]
        assert {"head.weight", "head.bias"} <= set(weights(folder))

    def test_outputs_do_not_depend_on_the_batch(self, fit, pictures, blocks):
        images, targets = pictures
        network = load_network(fit(images, targets) / "model.safetensors")
        stack = Stack(_files(blocks(images)))
        np.testing.assert_allclose(
            outputs(network, stack, range(40), 40), outputs(network, stack, range(40), 7), rtol=1e-4, atol=1e-5
        )


class TestValidationRows:
    targets = np.repeat([0, 1], 30)
    groups = np.array([f"s{row // 2}" for row in range(60)])

    def test_no_subject_on_both_sides(self):
        for seed in range(10):
            chosen = validation_rows(self.targets, self.groups, 0.15, seed)
            assert chosen.any()
            assert not set(self.groups[chosen]) & set(self.groups[~chosen])

    def test_every_class_on_both_sides_and_about_the_share(self):
        chosen = validation_rows(self.targets, self.groups, 0.2, 1)
        assert set(self.targets[chosen]) == set(self.targets[~chosen]) == {0, 1}
        assert 0.1 <= chosen.mean() <= 0.3

    def test_seed_decides(self):
        first, second, other = (validation_rows(self.targets, self.groups, 0.15, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, second)
        assert (first != other).any()

    def test_large_seeds_are_fine(self):
        assert validation_rows(self.targets, self.groups, 0.15, 2**63 - 1).any()

    def test_too_few_subjects_spare_none(self):
        targets, groups = np.array([0] * 10 + [1] * 2), np.arange(12)
        assert not validation_rows(targets, groups, 0.15, 1).any()


def _files(folders):
    return [folder / "original.npz" for folder in folders]
