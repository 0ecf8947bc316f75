from __future__ import annotations

import numpy as np
import pytest

from biasaudit.representations.combat import CombatRepresentation, harmonise

pytest.importorskip("pycombat")
SITES, PER_SITE, FEATURES = 6, 40, 30


@pytest.fixture
def table():
    """Return features with offsets and spreads of every site, age in every other feature, the sites and the ages."""
    chance = np.random.default_rng(3)
    site = np.repeat(np.arange(SITES), PER_SITE)
    age = chance.normal(0, 1, site.size) + 0.4 * site
    spread = chance.uniform(0.6, 1.6, (SITES, FEATURES))
    features = chance.normal(0, 1, (site.size, FEATURES)) * spread[site]
    features += chance.normal(0, 3, (SITES, FEATURES))[site]
    features[:, ::2] -= 0.8 * age[:, None]
    return features, site.astype(str), age


def training_rows(site: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.arange(site.size) % 4 != 0)


def between_sites(features: np.ndarray, site: np.ndarray) -> float:
    """Share of the variance that lies between sites, averaged over features."""
    means = np.array([features[site == own].mean(0) for own in np.unique(site)])
    return float((means.var(0) / features.var(0)).mean())


def test_the_site_vanishes_from_held_out_rows_too(table):
    features, site, _ = table
    training = training_rows(site)
    held = np.setdiff1d(np.arange(site.size), training)
    moved = harmonise(features, training, site)
    assert between_sites(features[held], site[held]) > 0.7
    assert between_sites(moved[held], site[held]) < 0.2
    spreads = np.array([moved[site == own].std(0) for own in np.unique(site)])
    assert spreads.std(0).mean() < 0.12


def test_held_out_rows_have_no_part_in_the_fit(table):
    features, site, _ = table
    training = training_rows(site)
    spoilt = features.copy()
    spoilt[::4] = 99.0
    np.testing.assert_array_equal(
        harmonise(features, training, site)[training], harmonise(spoilt, training, site)[training]
    )


def test_a_held_out_row_is_moved_as_if_it_were_alone(table):
    features, site, age = table
    training = training_rows(site)
    alone = np.append(training, 0)
    together = harmonise(features, training, site, age[:, None])
    apart = harmonise(features[alone], np.arange(training.size), site[alone], age[alone, None])
    np.testing.assert_allclose(apart[-1], together[0], atol=1e-9)


def test_a_feature_that_is_constant_at_one_origin_is_survived(table):
    features, site, _ = table
    features[site == "2", 4] = 0.0
    assert np.isfinite(harmonise(features, training_rows(site), site)).all()


def test_a_feature_that_varies_between_origins_alone_is_refused(table):
    features, site, _ = table
    features[:, 4] = site.astype(float)
    with pytest.raises(ValueError, match="does not vary within any origin"):
        harmonise(features, training_rows(site), site)


def test_a_covariate_that_is_kept_keeps_its_effect(table):
    features, site, age = table

    def slope(values: np.ndarray) -> float:
        return float(np.mean([np.polyfit(age, column, 1)[0] for column in values[:, ::2].T]))

    training = training_rows(site)
    assert slope(harmonise(features, training, site, age[:, None])) == pytest.approx(-0.8, abs=0.06)
    assert slope(harmonise(features, training, site)) > -0.7


def test_an_origin_that_training_never_saw_is_refused(table):
    features, site, _ = table
    with pytest.raises(ValueError, match="cannot harmonise '0'"):
        harmonise(features, np.flatnonzero(site != "0"), site)


def test_the_shape_of_the_inputs_is_kept(table):
    features, site, _ = table
    inputs = features.astype(np.float32)[:, None, :, None]
    moved = CombatRepresentation().harmonise(inputs, training_rows(site), site, None)
    assert moved.shape == inputs.shape
    assert moved.dtype == np.float32
