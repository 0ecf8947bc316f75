from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.cohort.images.template import tissue_priors
from biasaudit.cohort.simulation.phantom import anatomy, render, sites
from biasaudit.protocol import PhantomSettings
from biasaudit.records import Grid
from biasaudit.representations.tissue import TissueRepresentation, tissue_maps


@pytest.fixture(scope="module")
def maps(patient, fine_grid):
    sick, healthy = patient
    priors = tissue_priors(fine_grid)
    return tuple(TissueRepresentation().transform(volume, priors, fine_grid) for volume in (sick, healthy))


def test_the_users_lesion_map_is_the_fourth_channel(patient, fine_grid):
    """The pathology mask of the same volume is not."""
    volume = patient[0]
    given = np.random.default_rng(1).random((4, *fine_grid.shape)).astype(np.float32)
    with_lesions = TissueRepresentation().transform(replace(volume, tissue=given), None, fine_grid)
    without = TissueRepresentation().transform(replace(volume, tissue=given[:3]), None, fine_grid)
    np.testing.assert_array_equal(with_lesions, given)
    assert volume.mask.any()
    assert not without[3].any()


def test_sums_to_1_inside_and_is_0_outside(maps, patient):
    for found, volume in zip(maps, patient, strict=True):
        np.testing.assert_allclose(found[:, volume.foreground].sum(0), 1.0, rtol=1e-4)
        assert (found[:, ~volume.foreground] == 0).all()
        assert found.min() >= 0


@pytest.mark.parametrize(("tissue", "least"), [(0, 0.7), (1, 0.9), (2, 0.3)], ids=["GM", "WM", "CSF"])
def test_correlates_with_the_priors(maps, patient, fine_grid, tissue, least):
    # The phantom's anatomy is deformed by 4 mm, so that even perfect maps correlate less than 1 with the priors.
    inside = patient[1].foreground
    prior = tissue_priors(fine_grid)[tissue][inside]
    assert np.corrcoef(maps[1][tissue][inside], prior)[0, 1] > least


@pytest.mark.parametrize("tissue", [0, 1, 2], ids=["GM", "WM", "CSF"])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_closer_to_the_true_tissue_than_the_priors_are(fine_grid, tissue, index):
    plain = PhantomSettings.model_validate({"dataset_signature": {}, "site_signature": {}})
    subject = anatomy(plain, index, 45.0, fine_grid, False)
    volume = render(plain, subject, sites(plain)[0], fine_grid, pathology=False)
    inside, priors = volume.foreground, tissue_priors(fine_grid)
    found = tissue_maps(volume.image[0], inside, priors)[tissue][inside]
    true = subject.tissue[tissue][inside]
    assert np.corrcoef(found, true)[0, 1] > np.corrcoef(priors[tissue][inside], true)[0, 1] + 0.02


def test_the_data_matter_beside_the_priors(maps, patient, fine_grid):
    priors = tissue_priors(fine_grid)
    other = tissue_maps(patient[1].image[0][::-1].copy(), patient[1].foreground, priors)
    assert np.abs(other - maps[1]).max() > 0.5


def test_the_outlier_class_lights_up_on_lesions(maps, patient):
    sick, healthy = maps
    lesions = patient[0].mask
    elsewhere = patient[0].foreground & ~lesions
    assert sick[3][lesions].mean() > 5 * sick[3][elsewhere].mean()
    assert sick[3][lesions].mean() > healthy[3][lesions].mean() + 0.1


def test_scale_and_shift_do_not_matter(patient, fine_grid, maps):
    scaled = replace(patient[0], image=patient[0].image * 300 + 20)
    found = TissueRepresentation().transform(scaled, tissue_priors(fine_grid), fine_grid)
    np.testing.assert_allclose(found, maps[0], atol=0.02)


def test_iterating_overcomes_vague_priors():
    chance = np.random.default_rng(0)
    true = chance.integers(0, 3, (20, 20, 20))
    image = np.array([1.0, 0.7, 0.1])[true] + chance.normal(0.0, 0.05, true.shape)
    guess = np.where(chance.random(true.shape) < 0.5, true, chance.integers(0, 3, true.shape))
    priors = np.stack([np.where(guess == tissue, 0.6, 0.2) for tissue in range(3)])
    assert (guess == true).mean() < 0.7
    found = tissue_maps(image, np.ones(true.shape, dtype=bool), priors)
    assert (found[:3].argmax(0) == true).mean() > 0.97


def test_the_users_maps_pass_through(random_volume):
    volume = random_volume()
    given = np.random.default_rng(0).random((3, *volume.mask.shape)).astype(np.float32)
    found = TissueRepresentation().transform(replace(volume, tissue=given), None, Grid(volume.mask.shape))
    np.testing.assert_array_equal(found[:3], given)
    assert (found[3] == 0).all()


def test_neither_maps_nor_priors(random_volume):
    volume = random_volume()
    with pytest.raises(ValueError, match="need the user's own maps, or 3-D images in MNI152 space"):
        TissueRepresentation().transform(volume, None, Grid(volume.mask.shape))
