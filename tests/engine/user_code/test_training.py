from __future__ import annotations

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from engine.folders import folders
from functional.own_cohort import FACTORY, TRAINING
from safetensors.torch import load_file

from biasaudit.engine.arguments.networks import Factory
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.train import load_network, outputs, train
from biasaudit.engine.user_code.network_description import BUILDER
from biasaudit.engine.user_code.training import Images, fitted
from biasaudit.errors import UsageError
from biasaudit.stats.effects import auc


@pytest.fixture
def own(tmp_path):
    (tmp_path / "training.py").write_text(TRAINING)
    (tmp_path / "own.py").write_text(FACTORY)
    return lambda name: f"{tmp_path}/training.py:{name}"


class TestImages:
    @pytest.fixture
    def images(self, blocks, pictures):
        return Images(Stack([folder / "original.npz" for folder in blocks(pictures[0])]), [3, 20, 8, 9])

    def test_rows_in_their_order(self, images, pictures):
        expected = torch.from_numpy(pictures[0][[3, 20, 8, 9]]).half().float()
        assert len(images) == 4
        assert images.shape == images[:].shape == (4, 1, 16, 16)
        assert images[0].shape == (1, 16, 16)
        assert images[0].dtype == torch.float32
        assert torch.equal(images[:], expected)
        assert torch.equal(images[[1, 3]], expected[[1, 3]])
        assert torch.equal(images[torch.tensor([2])], expected[[2]])
        assert torch.equal(images[-1], expected[3])
        assert torch.equal(torch.stack(list(images)), expected)

    def test_what_is_not_there(self, images):
        with pytest.raises(IndexError):
            images[4]


class TestFit:
    @pytest.fixture
    def learned(self, own, blocks, pictures, training, tmp_path):
        def run(name="model", function="fit", network="Plain", targets=None, **changes):
            folder = tmp_path / name
            folder.mkdir()
            arguments = {
                "factory": f"{tmp_path}/own.py:{network}",
                "arguments": {},
                "convention": {"outputs": 2, "scale": "logits"},
            }
            given = {
                "factory": Factory(BUILDER, arguments),
                "settings": {"fit": own(function), "epochs": 20},
                **changes,
            }
            chosen = pictures[1] if targets is None else targets
            train(training(chosen, rows=range(28), **given), folders(inputs=blocks(pictures[0])), folder)
            return folder

        return run

    def test_the_users_loop_trains_its_own_two_logits(self, learned, blocks, pictures):
        folder = learned()
        logits = outputs(load_network(folder / "model.safetensors"), _stack(blocks, pictures), range(28, 40), 8)
        assert logits.shape == (12, 1)  # converted: one logit of two classes
        assert auc(logits[:, 0], pictures[1][28:] == 1) > 0.95
        (entry,) = json.loads((folder / "history.json").read_text())
        assert entry["epoch"] == 20
        assert 0 < entry["training_loss"] < 0.5
        assert 0 < entry["validation_loss"] != entry["training_loss"]

    def test_another_number_of_classes_gets_as_many_outputs(self, learned):
        folder = learned(targets=np.arange(40) % 3)
        assert load_file(folder / "model.safetensors")["head.weight"].shape == (3, 16)

    def test_the_seed_decides(self, learned):
        states = [load_file(learned(str(seed), seed=seed % 2) / "model.safetensors") for seed in (2, 4, 5)]
        assert torch.equal(states[0]["head.weight"], states[1]["head.weight"])
        assert not torch.equal(states[0]["head.weight"], states[2]["head.weight"])

    def test_code_that_draws_from_global_states_is_seeded_too(self, learned):
        first = load_file(learned("first", function="global_numbers") / "model.safetensors")
        random.random(), np.random.rand(), torch.rand(())  # noqa: NPY002
        second = load_file(learned("second", function="global_numbers") / "model.safetensors")
        other = load_file(learned("other", function="global_numbers", seed=6) / "model.safetensors")
        assert torch.equal(first["first.weight"], second["first.weight"])
        assert not torch.equal(first["first.weight"], other["first.weight"])

    def test_global_random_states_come_back(self, learned):
        before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
        learned(function="unseeded")
        assert random.getstate() == before[0]
        np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
        assert torch.equal(torch.get_rng_state(), before[2])


def test_only_what_has_a_parameter_is_handed_over(own):
    network = torch.nn.Linear(2, 1)
    state = fitted(own("short"), network, {"images": None, "targets": None, "seed": 1})
    assert torch.equal(state["weight"], network.weight)


@pytest.mark.parametrize("name", ["nothing", "another", "raises", "positional"])
def test_faults_name_the_field_and_the_function(own, name):
    with pytest.raises(UsageError, match=rf"^target.training.fit: .*training.py:{name} "):
        fitted(own(name), torch.nn.Linear(2, 1), {"images": None, "targets": None, "seed": 1})


@pytest.mark.parametrize(("logits", "hinted"), [(1, True), (2, False)])
def test_a_loss_that_does_not_fit_one_logit_is_told_of_it(own, logits, hinted):
    offered = {"images": torch.zeros(2, 3), "targets": torch.tensor([0, 1]), "seed": 1}
    with pytest.raises(UsageError) as raised:
        fitted(own("entropy"), torch.nn.Linear(3, logits), offered)
    said = str(raised.value)
    assert ("out of bounds" in said and "`out_channels` 1 (one logit) for two classes" in said) == hinted
    assert ("no more" in said) != hinted


@pytest.mark.parametrize(("logits", "classes"), [(1, 2), (2, 2), (5, 5)])
def test_the_recipe_of_the_docs_trains_one_logit_and_several(tmp_path, logits, classes):
    page = Path(__file__).parents[3] / "docs" / "own-network.md"
    (recipe,) = re.findall(r"```python\n([^`]*\ndef fit\([^`]*)```", page.read_text())
    (tmp_path / "recipe.py").write_text(recipe)
    targets = torch.arange(40) % classes
    images = torch.nn.functional.one_hot(targets, 5).float()
    network = torch.nn.Linear(5, logits)
    offered = {"images": images, "targets": targets, "epochs": 60, "learning_rate": 0.05, "device": "cpu", "seed": 1}
    network.load_state_dict(fitted(f"{tmp_path}/recipe.py:fit", network, offered))
    found = network(images) if logits > 1 else torch.nn.functional.pad(network(images), (1, 0))
    assert torch.equal(found.argmax(1), targets)


def _stack(blocks, pictures):
    return Stack([folder / "original.npz" for folder in blocks(pictures[0])])
