"""Every measure says what it should of images of which the answer is known."""

import numpy as np
import pytest
from scipy import ndimage

from biasaudit.stats.image_quality import (
    MEASURES,
    bias_field_strength,
    contrast_to_noise,
    entropy,
    entropy_focus,
    foreground_background_ratio,
    image_quality,
    intensity_clusters,
    signal_to_noise,
    smoothness,
)

SHAPES = [(64, 64), (24, 26, 22)]


@pytest.fixture
def chance():
    return np.random.default_rng(5)


def regions_of(shape):
    """Three slabs."""
    codes = np.zeros(shape, dtype=np.int8)
    for code in (1, 2, 3):
        codes[code * 5 : code * 5 + 5] = code
    return codes


@pytest.mark.parametrize("shape", SHAPES)
def test_signal_to_noise(chance, shape):
    codes = regions_of(shape)
    image = np.array([0.0, 100.0, 200.0, 50.0])[codes] + chance.normal(scale=5, size=shape)
    assert signal_to_noise(image, codes) == pytest.approx((20 + 40 + 10) / 3, rel=0.1)


@pytest.mark.parametrize("shape", SHAPES)
def test_contrast_to_noise(chance, shape):
    codes = regions_of(shape)
    image = np.array([0.0, 100.0, 140.0, 50.0])[codes] + chance.normal(scale=4, size=shape)
    assert contrast_to_noise(image, codes, codes > 0) == pytest.approx(40 / np.sqrt(3 * 16), rel=0.1)


def test_entropy_focus_from_one_voxel_to_a_flat_image():
    flat, spike = np.ones((8, 8, 8)), np.zeros((8, 8, 8))
    spike[3, 3, 3] = 7
    assert entropy_focus(flat) == pytest.approx(1)
    assert entropy_focus(spike) == pytest.approx(0, abs=1e-12)


def test_ghosts_raise_the_entropy_focus(chance):
    image = np.zeros((40, 40))
    image[10:20, 10:20] = 100
    ghosted = image + 0.2 * np.roll(image, 20, axis=1)
    assert entropy_focus(ghosted) > entropy_focus(image)


@pytest.mark.parametrize("shape", SHAPES)
def test_foreground_background_ratio(chance, shape):
    inside = regions_of(shape) > 0
    image = np.where(inside, 100.0, chance.normal(scale=2, size=shape))
    assert foreground_background_ratio(image, inside) == pytest.approx(np.log10(1e4 / 4), abs=0.05)
    assert np.isnan(foreground_background_ratio(np.where(inside, image, 0), inside))


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.5])
@pytest.mark.parametrize("shape", [(200, 200), (50, 50, 50)])
def test_smoothness_of_a_gaussian_field_is_recovered(chance, shape, sigma):
    field = ndimage.gaussian_filter(chance.normal(size=shape), sigma, mode="wrap")
    spacing = (2.0,) * len(shape)
    expected = 2.0 * sigma * np.sqrt(8 * np.log(2))
    assert smoothness(field, np.ones(shape, dtype=bool), spacing) == pytest.approx(expected, rel=0.08)


def test_smoothness_knows_the_voxel_size_of_each_axis(chance):
    field = ndimage.gaussian_filter(chance.normal(size=(200, 200)), (2.0, 1.0), mode="wrap")
    found = smoothness(field, np.ones(field.shape, dtype=bool), (1.0, 2.0))
    assert found == pytest.approx(2.0 * np.sqrt(8 * np.log(2)), rel=0.08)


@pytest.mark.parametrize("strength", [0.0, 0.2, 0.5])
def test_a_planted_bias_field_is_recovered(chance, strength):
    shape = (24, 26, 22)
    # Tissues lie everywhere, as in a brain; slabs would be mistaken for the field.
    codes = chance.integers(1, 4, shape).astype(np.int8)
    ramp = np.linspace(-0.5, 0.5, shape[0])[:, None, None]
    image = np.array([0.0, 100.0, 140.0, 50.0])[codes] * np.exp(strength * ramp + chance.normal(scale=0.02, size=shape))
    assert bias_field_strength(image, codes) == pytest.approx(0.9 * strength, abs=0.02)


def test_entropy_of_equal_and_of_uniform_intensities(chance):
    inside = np.ones((40, 40, 40), dtype=bool)
    assert entropy(np.ones(inside.shape), inside) == 0
    assert entropy(chance.random(inside.shape), inside) == pytest.approx(6, abs=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_clusters_are_the_tissues_largest_first(chance, shape):
    codes = np.zeros(shape, dtype=np.int8)
    codes[:12], codes[12:19], codes[19:22] = 1, 2, 3
    image = np.array([0.0, 100.0, 140.0, 50.0])[codes] + chance.normal(scale=2, size=shape)
    np.testing.assert_array_equal(intensity_clusters(image, codes > 0), codes)


@pytest.mark.parametrize("image", [np.zeros((6, 6, 6)), np.ones((6, 6)), np.arange(36.0).reshape(6, 6)])
def test_odd_images_end_in_numbers_or_nan(image):
    values = image_quality(image, np.ones(image.shape, dtype=bool), (1.0,) * image.ndim, None)
    assert values.shape == (len(MEASURES),)
    empty = image_quality(image, np.zeros(image.shape, dtype=bool), (1.0,) * image.ndim, None)
    assert not np.isinf(values).any()
    assert not np.isinf(empty).any()


def test_more_noise_is_less_signal_and_less_contrast(chance):
    codes = regions_of((24, 26, 22))
    clean = np.array([0.0, 100.0, 140.0, 50.0])[codes]
    quiet, loud = (
        image_quality(clean + chance.normal(scale=s, size=codes.shape), codes > 0, (1.0,) * 3, codes) for s in (2, 8)
    )
    names = dict(zip(MEASURES, zip(quiet, loud, strict=True), strict=True))
    assert names["snr"][0] > 2 * names["snr"][1]
    assert names["cnr"][0] > 2 * names["cnr"][1]
    assert names["fber"][0] > names["fber"][1]
    assert names["fwhm"][0] > names["fwhm"][1]
