"""Every kind of signature on pictures and volumes: it acts, scales, repeats, and leaves its input alone."""

import numpy as np
import pytest
from scipy import ndimage

from biasaudit.edits.planting.chance import chance
from biasaudit.edits.planting.signature import SIGNATURES, plant_signature

SHAPES = {"grey": (1, 40, 48), "colour": (3, 40, 48), "volume": (2, 20, 24, 16)}


def _image(shape):
    generator = np.random.default_rng(1)
    smooth = ndimage.gaussian_filter(generator.normal(size=shape), (0, *(2,) * (len(shape) - 1)))
    return (100 + 300 * smooth).astype(np.float32)


def _cases():
    return [(kind, name) for kind in SIGNATURES for name in SHAPES if not (kind == "cast" and name == "grey")]


def _distance(first, second):
    return float(np.sqrt(np.mean((first - second) ** 2)))


@pytest.mark.parametrize(("kind", "shape"), _cases())
def test_acts_the_same_each_time_and_leaves_its_input_alone(kind, shape):
    image = _image(SHAPES[shape])
    before = image.copy()
    planted = plant_signature(image, {kind: 0.8}, chance(3, "a", "one"))
    again = plant_signature(image, {kind: 0.8}, chance(3, "a", "one"))
    assert planted.dtype == np.float32
    assert planted.shape == image.shape
    assert np.isfinite(planted).all()
    np.testing.assert_array_equal(planted, again)
    np.testing.assert_array_equal(image, before)
    assert _distance(planted, image) > 1e-3 * image.std()


@pytest.mark.parametrize("kind", [kind for kind in SIGNATURES if kind not in ("glyph", "ruler")])
def test_a_stronger_signature_changes_more(kind):
    image = _image(SHAPES["colour"])
    changes = [_distance(plant_signature(image, {kind: s}, chance(3, "a", "one")), image) for s in (0.3, 1.0, 2.0)]
    assert changes[0] < changes[1] < changes[2]


def test_no_strength_is_no_change():
    image = _image(SHAPES["grey"])
    np.testing.assert_array_equal(plant_signature(image, {"tone": 0.0}, chance(3, "a", "one")), image)


@pytest.mark.parametrize("kind", ["shading", "cast", "ghost", "tone"])
def test_a_site_shares_what_is_its_own(kind):
    image = _image(SHAPES["colour"])
    first = plant_signature(image, {kind: 1.0}, chance(3, "a", "one"))
    same_site = plant_signature(image, {kind: 1.0}, chance(3, "a", "two"))
    np.testing.assert_array_equal(first, same_site)


def test_noise_differs_between_images_of_a_site():
    image = _image(SHAPES["grey"])
    planted = [plant_signature(image, {"noise": 1.0}, chance(3, "a", name)) - image for name in ("one", "two")]
    assert abs(np.corrcoef(planted[0].ravel(), planted[1].ravel())[0, 1]) < 0.1


def test_shadings_differ_between_sites():
    image = np.tile(np.linspace(1, 2, 48, dtype=np.float32), (1, 40, 1))
    planted = [plant_signature(image, {"shading": 1.0}, chance(3, site, "one")) for site in ("a", "b")]
    assert _distance(*planted) > 0.01


def test_letters_stay_out_of_the_middle_and_a_border_at_the_rim():
    image = _image(SHAPES["grey"])
    for kind in ("glyph", "ruler", "border"):
        change = np.abs(plant_signature(image, {kind: 1.0}, chance(4, "a", "one")) - image)[0]
        assert change[14:-14, 14:-14].max() < 1e-3
        assert change.max() > 1


def test_unknown_kinds_are_refused():
    with pytest.raises(KeyError, match="no such kind of signature: smell"):
        plant_signature(_image(SHAPES["grey"]), {"smell": 1.0}, chance(3, "a", "one"))


def test_a_constant_image_stays_as_it_is():
    image = np.full((1, 16, 16), 7, dtype=np.float32)
    np.testing.assert_array_equal(plant_signature(image, {"noise": 1.0, "tone": 1.0}, chance(3, "a", "one")), image)
