from __future__ import annotations

import colorsys

import numpy as np
import pytest

from biasaudit.stats.colour import COLOUR_MEASURES, colour_measures


def random_picture(seed=0):
    return np.random.default_rng(seed).random((3, 12, 14))


def test_all_are_zero_for_grey_and_only_for_grey():
    grey = np.repeat(random_picture()[:1], 3, axis=0)
    assert colour_measures(grey) == pytest.approx((0.0,) * len(COLOUR_MEASURES))
    assert not any(colour_measures(grey))
    grey[2, 5, 5] += 1e-3
    assert any(colour_measures(grey))
    assert colour_measures(np.zeros((3, 4, 4))) == (0.0,) * len(COLOUR_MEASURES)


def test_saturation_is_that_of_the_hexcone():
    picture = random_picture()
    expected = np.mean([colorsys.rgb_to_hsv(*pixel)[1] for pixel in picture.reshape(3, -1).T])
    assert colour_measures(picture)[2] == pytest.approx(expected)


def test_a_cast_is_the_logarithm_of_its_gain():
    picture = random_picture()
    red, blue, *_ = colour_measures(picture)
    cast = picture * np.array([1.3, 1.0, 0.8])[:, None, None]
    assert colour_measures(cast)[0] - red == pytest.approx(np.log(1.3))
    assert colour_measures(cast)[1] - blue == pytest.approx(np.log(0.8))


def test_colourfulness_is_m3_of_its_authors():
    red, green, blue = picture = random_picture()
    rg, yb = red - green, 0.5 * (red + green) - blue
    m3 = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert colour_measures(picture)[3] == pytest.approx(m3 / picture.mean())


def test_the_unit_does_not_matter_and_nothing_is_infinite():
    picture = random_picture()
    assert colour_measures(255 * picture) == pytest.approx(colour_measures(picture))
    picture[1] = 0
    assert np.isfinite(colour_measures(picture)).all()
