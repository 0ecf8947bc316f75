"""Diseases stay inside their field, are as strong and as frequent as asked, and repeat."""

import numpy as np
import pytest

from biasaudit.edits.planting.diffuse import Diffuse
from biasaudit.edits.planting.disease import Disease, plant_disease
from biasaudit.edits.planting.focal import Focal

LOOKS = [Focal(0.1, 2.0), Focal(0.08, -1.5, count=3, texture=0.5), Diffuse(haze=1.0), Diffuse(texture=0.8, grain=1.5)]
SHAPES = [(1, 40, 48), (3, 40, 48), (1, 20, 24, 22)]


def _scene(shape):
    image = np.random.default_rng(1).normal(100, 20, shape).astype(np.float32)
    field = np.zeros(shape[1:], dtype=bool)
    field[tuple(slice(size // 4, -size // 4) for size in shape[1:])] = True
    return image, field


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_outside_the_field_is_touched(look, shape):
    image, field = _scene(shape)
    for seed in range(20):
        planted = plant_disease(image, field, Disease(look, spread=0.5), np.random.default_rng(seed))
        np.testing.assert_array_equal(planted[:, ~field], image[:, ~field])
        assert np.abs(planted - image).max() > 1
        assert planted.dtype == np.float32


@pytest.mark.parametrize("look", LOOKS)
def test_the_same_patient_has_the_same_disease(look):
    image, field = _scene(SHAPES[0])
    planted = [plant_disease(image, field, Disease(look, 0.7, 0.3), np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(*planted)


def test_it_is_seen_in_the_share_of_patients_that_is_asked():
    image, field = _scene(SHAPES[0])
    changed = [
        np.any(plant_disease(image, field, Disease(LOOKS[0], visible=0.3), np.random.default_rng(seed)) != image)
        for seed in range(400)
    ]
    assert 0.22 < np.mean(changed) < 0.38


def test_contrast_is_in_standard_deviations_of_the_field():
    image, field = _scene(SHAPES[0])
    strong = [
        np.abs(plant_disease(image, field, Disease(LOOKS[0]), np.random.default_rng(s)) - image).max()
        for s in range(40)
    ]
    assert np.mean(strong) / image[:, field].std() == pytest.approx(2.0, rel=0.1)


def test_patients_differ_as_much_as_asked():
    image, field = _scene(SHAPES[0])
    disease = Disease(Diffuse(haze=1.0), spread=0.6)
    shifts = [np.abs(plant_disease(image, field, disease, np.random.default_rng(s)) - image).mean() for s in range(200)]
    assert np.log(shifts).std() == pytest.approx(np.hypot(0.6, 0.15), rel=0.2)


def test_an_empty_field_gets_nothing():
    image, field = _scene(SHAPES[0])
    for look in LOOKS:
        planted = plant_disease(image, np.zeros_like(field), Disease(look), np.random.default_rng(1))
        np.testing.assert_array_equal(planted, image)
