from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images.channels import channels_of
from biasaudit.cohort.images.colour import colour_notes, colours_of, with_colour
from biasaudit.cohort.images.formats import dimensions_of, read_geometry, read_scan
from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.cohort.images.volumes import choose_grid, load_volume
from biasaudit.errors import DataError
from biasaudit.protocol import GridSettings
from biasaudit.records import luminance

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)
EQUAL = np.repeat(PIXELS[..., :1], 3, axis=2)


@pytest.fixture
def saved(tmp_path):
    def save(name, pixels, mode=None):
        path = tmp_path / name
        image = Image.fromarray(pixels)
        (image.convert(mode) if mode else image).save(path)
        return str(path)

    return save


@pytest.fixture
def looked_at(cohort):
    def look(*samples):
        own = cohort(*samples, dimensions=2)
        found = inspect_files(own, GridSettings(), {})
        assert found.faults == ()
        return own, found.facts

    return look


def test_red_green_and_blue_beside_the_luminance_as_before(saved):
    path = saved("a.png", PIXELS)
    scan = read_scan(path)
    np.testing.assert_allclose(scan.rgb, np.moveaxis(PIXELS, -1, 0) / np.float32(255))
    np.testing.assert_array_equal(scan.data, np.asarray(Image.open(path).convert("L"), np.float32) / np.float32(255))
    np.testing.assert_allclose(luminance(scan.rgb), scan.data, atol=1 / 255)


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "1"])
def test_three_equal_channels_are_grey(saved, mode):
    scan = read_scan(saved("a.png", EQUAL, mode))
    assert scan.rgb is None
    assert scan.data.shape == (16, 20)


def test_every_coding_of_colour_becomes_rgb(saved):
    expected = np.moveaxis(PIXELS, -1, 0) / 255
    np.testing.assert_allclose(read_scan(saved("a.png", PIXELS, "RGBA")).rgb, expected, rtol=1e-6)
    np.testing.assert_allclose(read_scan(saved("a.tif", PIXELS, "CMYK")).rgb, expected, atol=2 / 255)
    palette = Image.fromarray(PIXELS).quantize(16)
    path = saved("b.png", PIXELS)
    palette.save(path)
    np.testing.assert_allclose(read_scan(path).rgb, np.moveaxis(np.asarray(palette.convert("RGB")), -1, 0) / 255)


def test_transparency_is_told_and_left_out(saved, looked_at, sample):
    alpha = np.full((16, 20, 1), 255, np.uint8)
    opaque = saved("a.png", np.dstack([PIXELS, alpha]))
    alpha[3, 3] = 10
    shown = saved("b.png", np.dstack([PIXELS, alpha]))
    assert not read_scan(opaque).transparent
    assert read_scan(shown).transparent
    np.testing.assert_array_equal(read_scan(opaque).rgb, read_scan(shown).rgb)
    cohort, facts = looked_at(sample(opaque), sample(shown))
    assert "1 pictures are transparent in places; the transparency is left out" in colour_notes(cohort, facts, "auto")


def test_arrays_of_height_width_and_three_are_pictures(tmp_path):
    path = str(tmp_path / "a.npy")
    np.save(path, PIXELS)
    assert (dimensions_of(path), read_geometry(path)) == (2, ((16, 20), None))
    np.testing.assert_array_equal(read_scan(path).rgb, np.moveaxis(PIXELS, -1, 0).astype(np.float32))
    np.save(path, EQUAL)
    assert read_scan(path).rgb is None
    np.testing.assert_allclose(read_scan(path).data, EQUAL[..., 0], rtol=1e-6)
    np.save(path, np.moveaxis(PIXELS, -1, 0))
    assert (dimensions_of(path), read_geometry(path)) == (2, ((16, 20), None))
    np.testing.assert_array_equal(read_scan(path).rgb, np.moveaxis(PIXELS, -1, 0).astype(np.float32))
    assert read_scan(path).remarks == ("arrays of 3 x height x width, read as pictures in colour",)


@pytest.mark.parametrize("shape", [(16, 20, 4), (16, 20, 2), (4, 16, 20), (2, 16, 20)])
def test_arrays_that_may_be_channels_or_slices_are_refused(tmp_path, shape):
    path = str(tmp_path / "a.npy")
    np.save(path, np.ones(shape))
    for read in (read_scan, read_geometry):
        with pytest.raises(DataError, match=r"no picture, none in colour \(3 channels\) and no volume"):
            read(path)


def test_one_picture_in_colour_makes_its_column_one(saved, looked_at, sample):
    colour, grey, equal = saved("c.png", PIXELS), saved("g.png", EQUAL, "L"), saved("e.png", EQUAL)
    cohort, facts = looked_at(sample(grey), sample(equal))
    assert colours_of(cohort, facts, "auto") == ()
    assert colour_notes(cohort, facts, "auto") == [
        "1 pictures have three equal channels of colour and are read in grey"
    ]
    cohort, facts = looked_at(sample(grey), sample(colour), sample(equal))
    assert colours_of(cohort, facts, "auto") == (True,)
    assert colours_of(cohort, facts, "grey") == ()
    assert colour_notes(cohort, facts, "auto")[0].startswith("1 of 3 pictures are in colour, the others in grey: all")
    (note,) = colour_notes(cohort, facts, "grey")
    assert note.startswith("1 of 3 pictures are in colour and read in grey, as `cohort.colour: grey` asks: this audit")


def test_volumes_have_no_colour(volume, looked_at, sample):
    cohort, facts = looked_at(sample(volume("a.nii", np.random.default_rng(0).random((8, 8, 3)).astype(np.float32))))
    assert colours_of(cohort, facts, "auto") == ()
    assert next(iter(facts.values())).colour == ()


def test_channels_add_up_in_the_order_of_the_columns(saved, looked_at, sample):
    grey, colour = saved("g.png", EQUAL, "L"), saved("c.png", PIXELS)
    own = replace(sample(grey), images=(grey, colour))
    cohort, facts = looked_at(own)
    cohort = with_colour(cohort, colours_of(cohort, facts, "auto"))
    (own,) = cohort.samples
    assert own.colour == (False, True)
    assert channels_of(own, facts) == 4
    loaded = load_volume(own, choose_grid(cohort, GridSettings()), "auto")
    assert (loaded.colour, loaded.pictures) == ((1,), (slice(0, 1), slice(1, 4)))
    np.testing.assert_allclose(loaded.image[1:], np.moveaxis(PIXELS, -1, 0) / 255, rtol=1e-5)
    np.testing.assert_array_equal(loaded.grey, loaded.image[0])


def test_a_grey_picture_in_a_colour_column_has_three_equal_channels(saved, sample, looked_at):
    grey = replace(sample(saved("g.png", EQUAL, "L")), colour=(True,))
    cohort, _ = looked_at(grey)
    loaded = load_volume(grey, choose_grid(cohort, GridSettings()), "auto")
    assert loaded.image.shape == (3, 16, 20)
    np.testing.assert_array_equal(loaded.image[0], loaded.image[2])
    np.testing.assert_allclose(loaded.grey, loaded.image[0], rtol=1e-5)
    assert loaded.drawn.shape == (16, 20, 3)
