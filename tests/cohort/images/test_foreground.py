import numpy as np
import pytest
from scipy import ndimage

from biasaudit.cohort.images.foreground import (
    RULES,
    central_field,
    choose_rule,
    extent_of,
    filled,
    has_empty_border,
    threshold_foreground,
)


@pytest.mark.parametrize(
    ("foreground", "dimensions", "empty_border", "rule"),
    [
        ("auto", 2, True, "centre"),
        ("auto", 3, True, "nonzero"),
        ("auto", 3, False, "threshold"),
        ("threshold", 3, True, "threshold"),
        ("nonzero", 2, False, "nonzero"),
    ],
)
def test_rule(foreground, dimensions, empty_border, rule):
    assert choose_rule(foreground, dimensions, empty_border) == rule
    assert rule in RULES


def test_central_field():
    field = central_field((40, 80))
    assert field[5:35, 10:70].all()
    assert field.sum() == 30 * 60


def test_border(ball):
    image = ball((20, 20, 20))
    assert has_empty_border(image)
    assert not has_empty_border(image + np.random.default_rng(0).random(image.shape) + 0.1)
    padded = np.ones((20, 20, 20))
    padded[:2] = 0
    assert not has_empty_border(padded)


def test_threshold_finds_the_head_without_holes_and_specks(ball):
    truth = ball((40, 40, 40)) > 0
    noise = np.random.default_rng(0)
    image = truth * 100.0
    image[18:22, 18:22, 18:22] = 0
    image[1:3, 1:3, 1:3] = 100
    found = threshold_foreground(image + noise.normal(0, 5, image.shape))
    overlap = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert overlap > 0.95
    assert found[20, 20, 20]
    assert not found[1, 1, 1]


def test_threshold_of_a_constant_image_is_everything():
    assert threshold_foreground(np.ones((4, 4, 4))).all()


@pytest.mark.parametrize("shape", [(40, 30), (12, 14, 10), (1, 9), (1, 1, 1)])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_filled_as_by_dilation_from_outside(shape, share):
    mask = np.random.default_rng(0).random(shape) < share
    before = mask.copy()
    np.testing.assert_array_equal(filled(mask), ndimage.binary_fill_holes(mask))
    np.testing.assert_array_equal(mask, before)


def test_filled():
    mask = np.ones((5, 5, 5), dtype=bool)
    mask[2, 2, 2] = False
    assert filled(mask).all()


def test_values_too_near_each_other_for_a_threshold():
    image = np.full((6, 6, 6), np.float32(1e15))
    image[2:4] = np.nextafter(np.float32(1e15), np.float32(np.inf))
    assert threshold_foreground(image).all()


def test_extent_in_millimetres_along_the_axes_of_the_world():
    image = np.zeros((60, 12, 10), np.float32)
    image[10:40, 3:9, 2:8] = 1 + np.random.default_rng(0).random((30, 6, 6))
    turned = np.array([[0, 0, 3.0, 0], [-1, 0, 0, 5], [0, 2, 0, 0], [0, 0, 0, 1]])
    assert extent_of(image, turned) == (18.0, 30.0, 12.0)
    assert extent_of(0 * image, turned) == (0.0, 0.0, 0.0)
