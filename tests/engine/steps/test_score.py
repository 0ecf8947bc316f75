from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from engine.folders import folders

from biasaudit.engine.arguments.edits import TruthArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS, Factory, ScoreArguments
from biasaudit.engine.jobs.held_out import HeldOut
from biasaudit.engine.jobs.stack import Stack, save_stack
from biasaudit.engine.steps.score import feature_layers, predict_rows, score
from biasaudit.engine.steps.train import load_network, outputs, train
from biasaudit.engine.steps.truth import truth
from biasaudit.engine.user_code.network_description import BUILDER
from biasaudit.networks.cnn import Cnn


def stack(needs):
    return Stack.of(needs[INPUTS], "original")


SCORING = ScoreArguments(rows=tuple(range(30, 40)), variants=("original",), features=True, layers=None, batch_size=4)


SHARED = """
from torch import nn

class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3), nn.Linear(6, 1)
        self.active = nn.ReLU(inplace=True)

    def forward(self, image):
        return self.head(self.active(self.second(self.active(self.first(image)))).mean((2, 3)))
"""


@pytest.fixture
def shared(blocks, pictures, training, tmp_path):
    """Needs of a score job of a network that uses one activation twice."""
    (tmp_path / "own.py").write_text(SHARED)
    arguments = {
        "factory": f"{tmp_path}/own.py:Shared",
        "arguments": {},
        "convention": {"outputs": 1, "scale": "logits"},
    }
    needs = folders(inputs=blocks(pictures[0]), models=[tmp_path / "model"])
    needs.only(MODELS).mkdir()
    chosen = training(pictures[1], rows=range(30), settings={"epochs": 1}, factory=Factory(BUILDER, arguments))
    train(chosen, needs, needs.only(MODELS))
    return needs


class TestScore:
    def test_logits_are_averaged_over_the_networks(self, trained, out):
        score(SCORING, trained, out)
        each = [
            outputs(load_network(m / "model.safetensors"), stack(trained), range(30, 40), 4) for m in trained[MODELS]
        ]
        found = np.load(out / "logits-original.npy")
        assert found.shape == (10, 1)
        assert HeldOut.read(out, "logits-original").rows.tolist() == list(range(30, 40))
        np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-6)
        assert np.abs(each[0] - each[1]).max() > 1e-3
        np.testing.assert_array_equal(np.load(out / "by-seed-original.npy"), np.stack(each, axis=2))

    def test_features_are_pooled_per_row(self, trained, out):
        score(SCORING, trained, out)
        found = {path.name: np.load(path) for path in out.glob("features-*.npy")}
        assert {values.shape for values in found.values()} == {(10, 4), (10, 8)}
        assert set(found) == {"features-blocks.block1.2.npy", "features-blocks.block2.2.npy"}
        network = load_network(trained[MODELS][0] / "model.safetensors")
        with torch.no_grad():
            hidden = network.blocks(torch.from_numpy(stack(trained).take(range(30, 40))))
        expected = hidden.mean((2, 3)).numpy()
        np.testing.assert_allclose(found["features-blocks.block2.2.npy"], expected, rtol=1e-3, atol=1e-4)

    def test_of_an_activation_used_twice_the_last_use_counts(self, shared, out):
        score(SCORING, shared, out)
        network = load_network(shared[MODELS][0] / "model.safetensors")
        with torch.no_grad():
            images = torch.from_numpy(stack(shared).take(range(30, 40)))
            expected = network.second(network.first(images).relu()).relu().mean((2, 3))
        np.testing.assert_allclose(np.load(out / "features-active.npy"), expected.numpy(), rtol=1e-3, atol=1e-4)

    def test_no_features_unless_asked(self, trained, out):
        score(replace(SCORING, features=False), trained, out)
        assert sorted(path.name for path in out.iterdir()) == [
            "by-seed-original.npy",
            "logits-original.npy",
            "rows.npy",
        ]

    def test_erased_rows_are_scored_beside(self, trained, out, blocks, pictures):
        blocks(pictures[0] * 0, "erased")
        score(replace(SCORING, variants=("original", "erased")), trained, out)
        erased = np.load(out / "logits-erased.npy")
        np.testing.assert_allclose(erased, erased[0, 0], rtol=1e-6)
        assert np.ptp(np.load(out / "logits-original.npy")) > 0.1

    def test_unknown_layers_are_named(self, trained, out):
        with pytest.raises(KeyError, match=r"target\.layers: the network has no module 'blocks\.block9'"):
            score(replace(SCORING, layers=("blocks.block9",)), trained, out)

    def test_wanted_layers_only(self, trained, out):
        score(replace(SCORING, layers=("head",)), trained, out)
        (file,) = out.glob("features-*.npy")
        np.testing.assert_allclose(
            np.load(file),
            outputs(load_network(trained[MODELS][0] / "model.safetensors"), stack(trained), range(30, 40), 4),
            rtol=1e-5,
        )


class TestFeatureLayers:
    def test_at_most_four_from_shallow_to_deep(self):
        network = Cnn(2, 1, 1, (2,) * 9)
        names = list(feature_layers(network, None))
        assert names[0] == "blocks.block1.2"
        assert names[-1] == "blocks.block9.2"
        assert len(names) == 4

    def test_without_activations_the_convolutions(self):
        network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Conv2d(2, 2, 3))
        assert list(feature_layers(network, None)) == ["0", "1"]


def test_predict_rows_is_the_mean_of_the_networks(trained):
    networks = [load_network(model / "model.safetensors") for model in trained[MODELS]]
    rows = stack(trained).take(range(5))
    with torch.no_grad():
        expected = np.mean([network(torch.from_numpy(rows)).double().numpy() for network in networks], axis=0)
    np.testing.assert_allclose(predict_rows(networks, rows), expected, rtol=1e-6)


class TestTruth:
    def test_margins_of_every_anatomy_site_and_state(self, tmp_path, out, training):
        from biasaudit.cohort.readers.phantom import PhantomReader
        from biasaudit.cohort.simulation.phantom import counterfactuals
        from biasaudit.engine.steps.represent import transform
        from biasaudit.protocol import PhantomCohort

        settings = PhantomCohort.model_validate({"reader": "phantom", "phantom": {"n": 8, "spacing": 8.0}})
        reader = PhantomReader()
        cohort = reader.read(settings)
        grid = reader.grid(cohort, _no_grid())
        block = tmp_path / "inputs"
        block.mkdir()
        inputs = np.stack([transform("intensity", reader.load(s, grid, "auto"), grid) for s in cohort.samples])
        save_stack(block / "original.npz", inputs.astype(np.float16))
        model = tmp_path / "model"
        model.mkdir()
        train(training(np.arange(8) % 2, settings={"epochs": 1}), folders(inputs=[block]), model)
        samples = cohort.samples[:2]
        arguments = TruthArguments("phantom", "auto", samples, {}, grid, "intensity")
        truth(arguments, folders(models=[model]), out)
        margins = np.load(out / "margins.npy")
        assert margins.shape == (2, 2, 5)
        network = load_network(model / "model.safetensors")
        for row, sample in enumerate(samples):
            names = sorted({name for name, _, _ in counterfactuals(sample, grid)})
            for name, pathology, volume in counterfactuals(sample, grid):
                expected = predict_rows([network], transform("intensity", volume, grid)[None])[0, 0]
                assert margins[row, int(pathology), names.index(name)] == pytest.approx(expected, abs=1e-4)


def _no_grid():
    from biasaudit.protocol import GridSettings

    return GridSettings.model_validate({})
