from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from engine.folders import folders, with_folders
from PIL import Image
from scipy import ndimage
from stacks import whole_stack

from biasaudit.attributions.integrated_gradients import IntegratedGradients
from biasaudit.cohort.images.file_state import file_sha256
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.maps import Atlas, AttributeArguments, MapSettings
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.held_out import read_rows
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.attribute import attribute
from biasaudit.engine.steps.train import load_network, outputs, train
from biasaudit.records import Grid


def stack(needs):
    return Stack.of(needs[INPUTS], "original")


@pytest.fixture
def trained(trained):
    """Needs of an attribution: inputs and one network."""
    return with_folders(trained, models=trained[MODELS][:1])


class TestAttribute:
    def arguments(self, outputs=None, rows=(30, 31, 32, 33), **changes):
        settings = MapSettings(
            method="integrated_gradients",
            steps=16,
            max_steps=256,
            completeness=0.02,
            patch=4,
            stride=4,
            baseline=((0, 2), (4,)),
            baseline_kind="origin_balanced",
        )
        return AttributeArguments(rows, "original", replace(settings, **changes), outputs)

    def margins(self, needs, rows, baseline):
        network = load_network(needs.only(MODELS) / "model.safetensors")
        images = torch.from_numpy(stack(needs).take(rows))
        with torch.no_grad():
            return network(images)[:, 0].numpy(), float(network(torch.from_numpy(baseline)[None])[0, 0])

    def baseline(self, needs):
        inputs = stack(needs)
        return ((inputs.take([0, 2]).mean(0) + inputs.take([4])[0]) / 2).astype(np.float32)

    def test_maps_sum_to_the_change_of_the_margin(self, trained, out):
        attribute(self.arguments(), trained, out)
        maps, errors = whole_stack(out / "maps.npz"), np.load(out / "completeness.npy")
        assert maps.shape == (4, 16, 16)
        assert maps.dtype == np.float32
        assert read_rows(out).tolist() == [30, 31, 32, 33]
        at_images, at_baseline = self.margins(trained, [30, 31, 32, 33], self.baseline(trained))
        change = at_images - at_baseline
        assert np.abs(change).max() > 0.5
        np.testing.assert_allclose(maps.sum((1, 2)), change, atol=0.02 * max(0.1, np.abs(change).max()) + 1e-4)
        assert errors.max() <= 0.02
        np.testing.assert_allclose(
            errors, np.abs(maps.sum((1, 2)) - change) / np.maximum(np.abs(change), 0.1), atol=2e-3
        )

    def test_relevance_lies_on_the_square(self, trained, out):
        attribute(self.arguments(rows=(31, 33)), trained, out)
        maps = np.abs(whole_stack(out / "maps.npz"))
        share = maps[:, 4:12, 4:12].sum() / maps.sum()
        assert share > 0.5  # a quarter of the picture

    def test_steps_are_doubled_only_as_far_as_allowed(self, trained, out, monkeypatch):
        asked = []

        class Incomplete(IntegratedGradients):
            def relevance(self, margin, images, references, effort):
                asked.append((effort.steps, len(images)))
                return torch.zeros_like(images)

        monkeypatch.setattr("biasaudit.engine.steps.attribute.get", lambda kind, name: Incomplete)
        attribute(self.arguments(rows=(31,), steps=4, max_steps=20), trained, out)
        assert asked == [(4, 1), (8, 1), (16, 1)]
        assert np.load(out / "completeness.npy")[0] == pytest.approx(1.0)

    def test_complete_images_are_left_alone(self, trained, out, monkeypatch):
        asked = []

        class Slow(IntegratedGradients):
            def relevance(self, margin, images, references, effort):
                asked.append((effort.steps, len(images)))
                found = super().relevance(margin, images, references, effort)
                return found if effort.steps > 16 else torch.cat([found[:1], 0 * found[1:]])

        monkeypatch.setattr("biasaudit.engine.steps.attribute.get", lambda kind, name: Slow)
        attribute(self.arguments(rows=(31, 33, 35), completeness=0.2), trained, out)
        assert asked == [(16, 3), (32, 2)]
        assert np.load(out / "completeness.npy").max() < 0.2

    @pytest.mark.parametrize("kind", ["blurred", "zero"])
    def test_other_baselines(self, trained, out, kind):
        attribute(self.arguments(baseline_kind=kind), trained, out)
        rows = [30, 31, 32, 33]
        images = stack(trained).take(rows)
        blurred = np.stack([ndimage.gaussian_filter(image[0], 1.0, mode="nearest")[None] for image in images])
        baseline = blurred if kind == "blurred" else np.zeros_like(images)
        network = load_network(trained.only(MODELS) / "model.safetensors")
        with torch.no_grad():
            change = (network(torch.from_numpy(images)) - network(torch.from_numpy(baseline)))[:, 0].numpy()
        np.testing.assert_allclose(whole_stack(out / "maps.npz").sum((1, 2)), change, atol=0.02 * np.abs(change).max())

    def test_references_are_compared_with_one_by_one(self, trained, out):
        attribute(self.arguments(method="expected_gradients", references=(0, 2, 4)), trained, out)
        network = load_network(trained.only(MODELS) / "model.safetensors")
        with torch.no_grad():
            margins, references = (
                network(torch.from_numpy(stack(trained).take(rows)))[:, 0].numpy()
                for rows in ([30, 31, 32, 33], [0, 2, 4])
            )
        change = margins - references.mean()
        np.testing.assert_allclose(
            whole_stack(out / "maps.npz").sum((1, 2)), change, atol=0.02 * np.abs(change).max() + 1e-3
        )

    @pytest.mark.parametrize("atlas", [False, True])
    def test_regions_of_an_atlas_or_of_the_mean_image(self, trained, out, tmp_path, atlas):
        labels = np.repeat(np.repeat(np.array([[1, 2], [3, 0]], np.uint8), 8, 0), 8, 1)
        Image.fromarray(labels).save(tmp_path / "atlas.png")
        path = str(tmp_path / "atlas.png")
        given = Atlas(path, file_sha256(path), Grid((16, 16))) if atlas else None
        attribute(self.arguments(method="region_ablation", regions=given, rows=(31,)), trained, out)
        (found,) = whole_stack(out / "maps.npz")
        if atlas:
            assert len(np.unique(found)) <= 4
            assert not found[8:, 8:].any()
        else:
            assert 8 <= len(np.unique(found)) <= 32
        assert np.isfinite(np.load(out / "completeness.npy")).all()

    @pytest.mark.parametrize("batch", [1, 600])
    def test_the_size_of_a_batch_changes_nothing(self, trained, out, tmp_path, monkeypatch, batch):
        attribute(self.arguments(), trained, out)
        monkeypatch.setattr("biasaudit.engine.steps.attribute._BATCH_VOXELS", {"cpu": batch})
        other = tmp_path / "other"
        other.mkdir()
        attribute(self.arguments(), trained, other)
        np.testing.assert_allclose(whole_stack(other / "maps.npz"), whole_stack(out / "maps.npz"), rtol=1e-4, atol=1e-6)

    def test_no_rows(self, trained, out):
        attribute(self.arguments(rows=()), trained, out)
        assert whole_stack(out / "maps.npz").shape == (0, 16, 16)

    def test_the_other_class_gets_the_opposite_map(self, trained, out, tmp_path):
        attribute(self.arguments(rows=(31, 31), outputs=(1, 0)), trained, out)
        maps = whole_stack(out / "maps.npz")
        np.testing.assert_allclose(maps[0], -maps[1], rtol=1e-4, atol=1e-6)

    def test_margin_of_one_class_over_the_mean_of_the_others(self, blocks, training, tmp_path, out):
        chance = np.random.default_rng(4)
        targets = np.arange(24) % 3
        model = tmp_path / "three"
        model.mkdir()
        needs = folders(inputs=blocks(chance.normal(size=(24, 1, 12, 12))), models=[model])
        train(training(targets, settings={"epochs": 2}), needs, model)
        attribute(self.arguments(rows=(5,), outputs=(2,), baseline=((0,),), completeness=0.01), needs, out)
        logits = outputs(load_network(model / "model.safetensors"), stack(needs), [5, 0], 2)
        margin = logits[:, 2] - logits[:, :2].mean(1)
        assert whole_stack(out / "maps.npz").sum() == pytest.approx(margin[0] - margin[1], abs=0.01)
