"""What networks of different folds share: edges, size where each has chance of its own, power where all agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from biasaudit.stats.agreement import fold_agreement
from biasaudit.stats.prevalence import FEWEST_ORIGINS

RUNS, FOLDS = 200, 4


def cohort(generator, shared, chance, size=8):
    """Scores whose origins are moved alike in all folds by `shared` (k,), and in every fold by chance of its own."""
    k = len(shared)
    origin, fold = np.tile(np.repeat(np.arange(k), size), FOLDS), np.repeat(np.arange(FOLDS), k * size)
    positive = np.arange(origin.size) % 2 == 0
    offsets = np.asarray(shared)[origin] + chance * generator.standard_normal((FOLDS, k))[fold, origin]
    return 1.5 * positive + offsets + generator.standard_normal(origin.size), positive, origin, fold


def agreement(scores, positive, origin, fold, covariates=None):
    columns = np.empty((scores.size, 0)) if covariates is None else covariates
    return fold_agreement(scores, positive, origin, positive, fold, columns, 0.05)


def many(shared, chance, runs=RUNS):
    generator = np.random.default_rng(13)
    return [agreement(*cohort(generator, shared, chance)) for _ in range(runs)]


@pytest.mark.parametrize("chance", [0.0, 0.3, 1.0])
def test_size_where_every_fold_has_chance_of_its_own(chance):
    found = many(np.zeros(12), chance)
    assert np.mean([one.p_value <= 0.05 for one in found]) <= binom.ppf(0.999, RUNS, 0.05) / RUNS
    assert np.mean([one.low > 0 for one in found]) == np.mean([one.p_value < 0.05 for one in found])


def test_power_and_share_where_folds_agree():
    found = many(np.tile([-0.5, 0.5], 6), 0.3, 60)
    size = np.sqrt(12 / 11 / 2)  # of a mean pair of origins that are 0 or 1 apart
    assert np.mean([one.p_value <= 0.05 for one in found]) >= 0.95
    assert np.median([one.share for one in found]) == pytest.approx(size / (size + 1.5), abs=0.03)
    assert np.mean([one.low <= size / (size + 1.5) for one in found]) >= 0.9


def test_what_covariates_explain_is_held_fixed():
    scores, positive, origin, fold = cohort(np.random.default_rng(14), np.zeros(12), 0.0, 40)
    age = (origin % 2) + np.random.default_rng(15).standard_normal(scores.size)
    blind, held = (agreement(scores + 3 * age, positive, origin, fold, each) for each in (None, age[:, None]))
    assert blind.low > 0.4 > 0.2 > held.share


def test_what_cannot_be_asked():
    scores, positive, origin, fold = cohort(np.random.default_rng(16), np.zeros(6), 0.0)
    assert agreement(scores, positive, origin, fold) is not None
    assert agreement(scores, positive, origin, np.zeros_like(fold)) is None  # one network
    assert agreement(scores, positive, np.minimum(origin, FEWEST_ORIGINS - 2), fold) is None
    assert agreement(scores, np.ones_like(positive), origin, fold) is None
    assert agreement(np.zeros(scores.size), positive, origin, fold) is None
    kept = (origin != 2) | (fold != 1)
    assert agreement(scores[kept], positive[kept], origin[kept], fold[kept]) is None  # a fold without an origin


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="same subjects"):
        agreement(np.zeros(4), np.zeros(4, bool), np.zeros(3), np.zeros(4))
