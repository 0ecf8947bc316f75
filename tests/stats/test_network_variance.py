"""Variance between trainings by the seeds of every fold, and intervals that are widened by it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from biasaudit.stats.intervals import Resampled
from biasaudit.stats.network_variance import NetworkVariance, between_seeds, widening
from biasaudit.stats.probes import ProbeShare


def one_seed_alone(networks):
    """The mean over folds of the mean over seeds, one fold being answered by one seed alone: (folds, seeds)."""
    folds, _ = networks.shape
    others = networks.mean(axis=1).sum() - networks.mean(axis=1)
    return (others[:, None] + networks) / folds


@pytest.mark.parametrize(("folds", "seeds"), [(3, 2), (5, 2), (5, 4)])
def test_the_variance_is_that_of_the_mean_over_folds_and_seeds(folds, seeds):
    generator = np.random.default_rng(1)
    fold_means = generator.normal(size=(4000, folds, 1))  # what the folds differ by is not between trainings
    networks = 0.3 * generator.normal(size=(4000, folds, seeds)) + fold_means
    found = [between_seeds(one_seed_alone(own)) for own in networks]
    assert np.mean([own.variance for own in found]) == pytest.approx(0.09 / (folds * seeds), rel=0.05)
    assert {own.freedom for own in found} == {folds * (seeds - 1)}


def test_nothing_known_or_nothing_there_widens_nothing():
    for subjects, variance in ((0.0, 0.1), (0.1, 0.0), (0.1, float("nan")), (float("nan"), 0.1)):
        assert widening(subjects, NetworkVariance(variance, 3), 0.9) == 1.0


def test_networks_alone_give_students_interval():
    factor = widening(1e-12, NetworkVariance(1.0, 3), 0.9)
    assert factor * 1e-6 * stats.norm.ppf(0.95) == pytest.approx(stats.t.ppf(0.95, 3), rel=1e-6)


def test_widened_intervals_cover_the_mean_over_trainings():
    """Subjects and networks both vary: without the networks the interval covers far too little."""
    generator, covered = np.random.default_rng(2), np.zeros(2)
    for _ in range(600):
        networks = 0.2 * generator.normal(size=(5, 2))
        estimate = networks.mean() + 0.05 * generator.normal()
        found = Resampled(estimate, estimate + 0.05 * generator.normal(size=400))
        for place, own in enumerate((None, between_seeds(one_seed_alone(networks)))):
            interval = found.widened(own, 0.9).interval(0.9)
            covered[place] += interval.low <= 0 <= interval.high
    plain, widened = covered / 600
    assert plain < 0.8
    assert 0.86 <= widened <= 0.95


def test_the_error_of_probes_is_widened_likewise():
    share = ProbeShare(0.4, 0.1, 19, 2.0, 0.2)
    networks = NetworkVariance(0.01, 50)
    assert share.widened(None, 0.9) == share
    assert share.widened(networks, 0.9).error == pytest.approx(0.1 * widening(0.01, networks, 0.9))
    assert share.widened(networks, 0.9).error > 0.1 * np.sqrt(2)
