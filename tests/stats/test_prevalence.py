"""Slope of the origins' scores on their log odds: edges, size where origins differ by chance, power where taught."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from biasaudit.stats.prevalence import FEWEST_ORIGINS, prevalence_slope

RUNS = 250


def cohort(generator, shares, chance, taught, size=25):
    """Scores whose origins are `chance` apart at random, and `taught` apart per unit of log odds."""
    origin = np.repeat(np.arange(len(shares)), size)
    positive = np.concatenate([np.arange(size) < round(share * size) for share in shares])
    odds = np.log(np.take(shares, origin) / (1 - np.take(shares, origin)))
    offsets = chance * generator.standard_normal(len(shares))[origin] + taught * odds
    return 2 * positive + offsets + generator.standard_normal(origin.size), positive, origin


def slope(scores, positive, origin, covariates=None):
    columns = np.empty((scores.size, 0)) if covariates is None else covariates
    return prevalence_slope(scores, positive, origin, positive, columns)


def rejected(shares, chance, taught, runs=RUNS):
    generator = np.random.default_rng(7)
    found = [slope(*cohort(generator, shares, chance, taught)) for _ in range(runs)]
    return np.mean([one.p_value <= 0.05 for one in found])


UNEVEN = np.linspace(0.3, 0.7, 12)


@pytest.mark.parametrize("chance", [0.0, 0.3, 1.0])
def test_size_where_origins_differ_by_chance(chance):
    assert rejected(UNEVEN, chance, 0.0) <= binom.ppf(0.999, RUNS, 0.05) / RUNS


def test_power_where_the_labels_taught():
    assert rejected(UNEVEN, 0.1, 0.4, 100) >= 0.9


def test_equal_shares_teach_nothing_and_the_spread_is_that_between_origins():
    generator = np.random.default_rng(8)
    found = [slope(*cohort(generator, np.full(12, 0.4), 0.5, 1.0)) for _ in range(60)]
    assert {one.p_value for one in found} == {1.0}
    assert np.mean([one.spread**2 for one in found]) == pytest.approx(0.25, abs=0.05)


def test_a_slope_downwards_is_not_made_use_of():
    assert slope(*cohort(np.random.default_rng(9), UNEVEN, 0.0, -1.0)).p_value > 0.95


def test_what_covariates_explain_is_held_fixed():
    generator = np.random.default_rng(10)
    scores, positive, origin = cohort(generator, UNEVEN, 0.0, 0.0, 60)
    age = 2 * UNEVEN[origin] + generator.standard_normal(scores.size)
    blind, held = slope(scores + 3 * age, positive, origin), slope(scores + 3 * age, positive, origin, age[:, None])
    assert blind.p_value < 0.01
    assert abs(held.slope) < 0.5 < abs(blind.slope)


def test_few_origins_and_few_subjects_are_not_asked():
    generator = np.random.default_rng(11)
    assert slope(*cohort(generator, UNEVEN[: FEWEST_ORIGINS - 1], 0.0, 0.0)) is None
    assert slope(np.zeros(6), np.arange(6) % 2 == 0, np.arange(6)) is None
    constant = slope(np.zeros(60), np.arange(60) % 7 < 3, np.arange(60) % 6)
    assert 0 < constant.p_value <= 1


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="same subjects"):
        prevalence_slope(np.zeros(4), np.zeros(4, bool), np.zeros(3), np.zeros(4), np.empty((4, 0)))
