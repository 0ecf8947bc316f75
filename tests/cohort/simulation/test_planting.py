"""What is planted in one image: inside the field, the same at every site, and marked."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.images.field import field_reader
from biasaudit.cohort.simulation.planting import Planter, disease_of
from biasaudit.protocol import FieldSettings
from biasaudit.protocol.planted import DiseaseSettings, PlantingSettings
from biasaudit.records import Grid, Sample, Volume

SHAPE = (32, 40)


def planter(foreground=None, image=None, field=None, **planting):
    chance = np.random.default_rng(1)
    image = chance.normal(100, 20, (1, *SHAPE)).astype(np.float32) if image is None else image
    space = image.shape[1:]
    everywhere = np.ones(space, dtype=bool) if foreground is None else foreground
    volume = Volume(image, everywhere, np.zeros(space, dtype=bool))
    field_of = None if field is None else field_reader(FieldSettings.model_validate(field), Grid(space))
    sample = Sample("s1", (), "", False, {}, has_mask=True)
    return Planter(PlantingSettings.model_validate(planting), sample, volume, field_of), image


@pytest.mark.parametrize("look", ["focal", "diffuse"])
def test_the_disease_lies_inside_the_field_and_is_marked(look):
    own, image = planter(field={"rule": "centre"}, disease={"look": look})
    ill = own.planted("site-1", ill=True)
    changed = (ill.image != image).any(axis=0)
    assert changed[8:-8, 8:-8].any()
    assert not changed[:4].any()
    assert not changed[:, :4].any()
    assert ill.mask.any()
    assert not (ill.mask & ~changed).any()


def test_the_disease_is_the_same_at_every_site():
    own, image = planter()
    first, second = (own.planted(site, ill=True).image for site in ("site-1", "site-2"))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, image)


def test_the_signature_is_that_of_the_second_site_alone():
    own, image = planter(signature={"tone": 1.0})
    np.testing.assert_array_equal(own.planted("site-1", ill=False).image, image)
    assert not np.array_equal(own.planted("site-2", ill=False).image, image)


def test_the_sites_of_one_dataset_share_its_signature():
    own, image = planter(signature={"shading": 1.0}, design="nested")
    images = {site: own.planted(site, ill=False).image for site in ("a1", "a2", "b1", "b2")}
    np.testing.assert_array_equal(images["a1"], image)
    np.testing.assert_array_equal(images["a2"], image)
    np.testing.assert_array_equal(images["b1"], images["b2"])
    assert not np.array_equal(images["b1"], image)


def test_a_benign_finding_is_there_whether_ill_or_not():
    own, image = planter(benign=1.0)
    assert not np.array_equal(own.planted("site-1", ill=False).image, image)
    none, image = planter(benign=0.0)
    np.testing.assert_array_equal(none.planted("site-1", ill=False).image, image)


def test_nothing_is_left_around_a_stripped_brain():
    image = np.zeros((1, 20, 20, 20), dtype=np.float32)
    image[:, 6:14, 6:14, 6:14] = np.random.default_rng(1).normal(100, 10, (8, 8, 8))
    own, _ = planter(image[0] != 0, image, signature={"noise": 2.0})
    planted = own.planted("site-2", ill=True).image
    assert not planted[:, :6].any()
    assert not np.array_equal(planted, image)


def test_strength_scales_the_contrast_of_either_look():
    for look in ("focal", "diffuse"):
        weak, strong = (
            disease_of(DiseaseSettings.model_validate({"look": look, "strength": s})).look for s in (0.5, 1.0)
        )
        for name in ("contrast", "haze", "texture"):
            if look == "diffuse" or name == "contrast":
                assert getattr(weak, name, 0) == pytest.approx(getattr(strong, name, 0) / 2)
