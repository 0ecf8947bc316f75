"""The planted edit: its size, what it leaves alone, and who gets it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.folders import folders
from stacks import whole_stack

from biasaudit.edits.planting.chance import chance
from biasaudit.edits.planting.signature import SIGNATURES
from biasaudit.engine.arguments.edits import SpikeInArguments
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.steps.spike_in import spike_in, spiked


@pytest.fixture
def inputs() -> np.ndarray:
    """Six smooth two-channel inputs, (6, 2, 9, 10, 8), of which the rim is empty."""
    chance = np.random.default_rng(2)
    images = chance.normal(0.5, 1.0, (6, 2, 9, 10, 8)).astype(np.float32)
    inside = np.zeros((9, 10, 8), dtype=bool)
    inside[1:-1, 1:-1, 1:-1] = True
    return images * inside


@pytest.fixture
def block(inputs, tmp_path):
    folder = tmp_path / "block"
    folder.mkdir()
    save_stack(folder / "original.npz", inputs.astype(np.float16))
    return folder


@pytest.fixture
def arguments() -> SpikeInArguments:
    planted, sham = (True, False, True, True, False, True), (False, True, True, False, True, False)
    return SpikeInArguments(planted, sham, {"tone": 1.0, "noise": 1.0}, size=0.3, first=12, seed=5)


def run(arguments, block, folder):
    folder.mkdir()
    spike_in(arguments, folders(inputs=[block]), folder)
    return {path.stem: whole_stack(path) for path in folder.iterdir()}


class TestStep:
    def test_assigned_rows_are_edited_and_the_others_are_as_they_were(self, arguments, block, tmp_path):
        before = (block / "original.npz").read_bytes()
        found = run(arguments, block, tmp_path / "out")
        assert set(found) == {"spiked", "planted", "sham"}
        original = whole_stack(block / "original.npz")
        for name in ("planted", "sham"):
            assert found[name].dtype == np.float16
            for row, edited in enumerate(getattr(arguments, name)):
                np.testing.assert_array_equal(found[name][row], (found["spiked"] if edited else original)[row])
        assert all((found["spiked"][row] != original[row]).any() for row in range(6))
        assert (block / "original.npz").read_bytes() == before

    def test_the_edit_is_that_of_one_image(self, arguments, block, tmp_path):
        found = run(arguments, block, tmp_path / "out")
        original = whole_stack(block / "original.npz").astype(np.float32)
        alone = spiked(original[4], arguments.strengths, 0.3, chance(5, "planted", "16"))
        np.testing.assert_array_equal(found["spiked"][4], alone.astype(np.float16))

    def test_deterministic_and_no_larger_than_asked(self, arguments, block, tmp_path):
        first, again = (run(arguments, block, tmp_path / name) for name in ("one", "two"))
        none = run(replace(arguments, strengths={"tone": 0.0}), block, tmp_path / "none")
        for name in first:
            np.testing.assert_array_equal(first[name], again[name])
            np.testing.assert_allclose(none[name], whole_stack(block / "original.npz"), atol=2e-3)


KINDS = [kind for kind in SIGNATURES if kind != "cast"]


class TestEdit:
    def test_three_kinds_are_planted_one_after_another(self, inputs):
        strengths = {"tone": 1.0, "blur": 1.0}
        first = spiked(inputs[0], {"blur": 1.0}, 9.0, chance(3, "a", "1"))
        both = spiked(inputs[0], strengths, 9.0, chance(3, "a", "1"))
        assert (both != first).any()
        np.testing.assert_array_equal(
            both, spiked(inputs[0], dict(reversed(strengths.items())), 9.0, chance(3, "a", "1"))
        )

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_range_is_kept_and_the_input_untouched(self, kind, inputs):
        untouched = inputs.copy()
        edited = spiked(inputs[1], {kind: 2.0}, 9.0, chance(3, "a", "1"))
        assert edited.dtype == np.float32
        assert (edited != inputs[1]).any()
        for own, channel in zip(edited, inputs[1], strict=True):
            assert own.min() >= channel.min()
            assert own.max() <= channel.max()
        np.testing.assert_array_equal(inputs, untouched)

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"zoom", "border", "glyph", "ruler"}))
    def test_outside_stays_empty_where_nothing_is_moved_or_printed(self, kind, inputs):
        edited = spiked(inputs[0], {kind: 2.0, "border": 0.0}, 9.0, chance(3, "a", "1"))
        assert (edited[inputs[0] == 0] == 0).all()

    def test_probabilities_stay_probabilities(self):
        maps = np.random.default_rng(1).dirichlet((1, 1, 1), (8, 9, 10)).transpose(3, 0, 1, 2).astype(np.float32)
        edited = spiked(maps, dict.fromkeys(SIGNATURES, 2.0), 9.0, chance(3, "a", "1"))
        assert edited.min() >= 0
        assert edited.max() <= 1

    @pytest.mark.parametrize("size", [0.05, 0.3])
    def test_no_kind_changes_more_than_it_may(self, size, inputs):
        image, inside = inputs[0], inputs[0] != 0
        for kind in KINDS:
            change = spiked(image, {kind: 4.0}, size, chance(3, "a", "1")) - image
            assert np.sqrt(np.square(change).sum() / inside.sum()) <= size * image[inside].std() * 1.001
        tone = spiked(image, {"tone": 4.0}, size, chance(3, "a", "1")) - image
        assert np.sqrt(np.square(tone).sum() / inside.sum()) == pytest.approx(size * image[inside].std(), rel=1e-3)

    def test_constant_channels_stay_as_they_are(self, inputs):
        image = inputs[0].copy()
        image[1] = 0.25
        np.testing.assert_array_equal(spiked(image, {"tone": 1.0}, 9.0, chance(3, "a", "1"))[1], image[1])
        assert (spiked(np.zeros_like(image), {"noise": 2.0}, 9.0, chance(3, "a", "1")) == 0).all()

    def test_pictures_in_colour_too(self):
        picture = np.random.default_rng(3).normal(size=(3, 24, 28)).astype(np.float32)
        edited = spiked(picture, dict.fromkeys(SIGNATURES, 1.0), 9.0, chance(3, "a", "1"))
        assert edited.shape == (3, 24, 28)
        assert np.isfinite(edited).all()
