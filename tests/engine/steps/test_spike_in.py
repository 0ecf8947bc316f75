"""The planted edit: its size, what it leaves alone, and who gets it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.folders import folders
from stacks import whole_stack

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
    return SpikeInArguments((True, False, True, True, False, True), (False, True, True, False, True, False))


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
        np.testing.assert_array_equal(found["spiked"][4], spiked(original[4]).astype(np.float16))

    def test_deterministic_and_no_larger_than_asked(self, arguments, block, tmp_path):
        first, again = (run(arguments, block, tmp_path / name) for name in ("one", "two"))
        none = run(replace(arguments, field=0.0, bend=0.0), block, tmp_path / "none")
        for name in first:
            np.testing.assert_array_equal(first[name], again[name])
            np.testing.assert_allclose(none[name], whole_stack(block / "original.npz"), atol=2e-3)


class TestEdit:
    def test_outside_stays_empty_and_the_range_is_kept(self, inputs):
        untouched = inputs.copy()
        for image in inputs:
            edited = spiked(image)
            assert edited.dtype == np.float32
            assert (edited[image == 0] == 0).all()
            for own, channel in zip(edited, image, strict=True):
                assert own.min() >= channel.min()
                assert own.max() <= channel.max()
        np.testing.assert_array_equal(inputs, untouched)

    @pytest.mark.parametrize(("field", "bend"), [(0.3, 0.0), (0.0, 0.1), (0.3, 0.1)])
    def test_size_in_standard_deviations_of_the_inside(self, field, bend, inputs):
        image = inputs[0]
        inside = image[0] != 0
        change = (spiked(image, field, bend) - image)[0][inside] / image[0][inside].std()
        expected = {(0.3, 0.0): 0.3, (0.0, 0.1): 0.06}.get((field, bend))
        size = float(np.sqrt((change**2).mean()))
        assert size == pytest.approx(expected, rel=0.2) if expected else size > 0.3
        assert np.abs(change).max() < 4 * (field + bend)

    def test_the_field_rises_along_the_last_but_one_axis_and_is_smooth(self, inputs):
        image = np.where(inputs[:1, :1, :] != 0, np.random.default_rng(0).normal(0, 1, inputs[:1, :1].shape), 0)[0]
        change = spiked(image.astype(np.float32), 0.2, 0.0) - image
        profile = change[0].mean((0, 2))[2:-2]
        assert (np.diff(profile) > 0).all()
        # Mirrored left to right nothing changes: the edit is no lateral sign.
        mirrored = spiked(image[:, ::-1].astype(np.float32), 0.2, 0.0)[:, ::-1]
        np.testing.assert_allclose(mirrored, spiked(image.astype(np.float32), 0.2, 0.0), atol=1e-5)

    def test_the_bend_moves_both_tails_up_and_the_middle_down(self):
        values = np.linspace(-2, 2, 401, dtype=np.float32).reshape(1, 1, -1)
        change = (spiked(values + 5, 0.0, 0.1) - values - 5).ravel()
        assert change[200] < -0.05
        assert change[30] > 0.05
        assert change[-30] > 0.05

    def test_scale_and_offset_of_the_intensities_do_not_matter(self, inputs):
        image = np.where(inputs[0] != 0, inputs[0] + 20, 0).astype(np.float32)
        np.testing.assert_allclose(spiked(3 * image), 3 * spiked(image), rtol=1e-4)

    def test_channels_are_edited_one_by_one_and_constant_ones_not(self, inputs):
        image = inputs[0].copy()
        image[1] = np.where(image[1] != 0, 0.25, 0.0)
        edited = spiked(image)
        np.testing.assert_array_equal(edited[1], image[1])
        np.testing.assert_array_equal(edited[0], spiked(inputs[0])[0])
        assert (spiked(np.zeros_like(image)) == 0).all()

    def test_pictures_too(self):
        picture = np.random.default_rng(3).normal(size=(1, 12, 14)).astype(np.float32)
        change = spiked(picture) - picture
        assert change.shape == (1, 12, 14)
        assert np.abs(change).max() > 0.1
