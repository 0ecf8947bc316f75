"""Share of the class gap that probes show: exact values, coverage, size and power, and how many it takes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from biasaudit.stats.probes import FEWEST, Mean, ProbeShare, Spread, mean_by_origin, probe_share, probes_needed

SIMULATIONS = 1000


def simulated(omega: float, k: int, chance: np.random.Generator, gap: float = 4.0, n: int = 60) -> ProbeShare:
    healthy, ill = chance.normal(0, 1, n), chance.normal(gap, 1.5, n)
    probes = chance.normal(omega * gap, np.sqrt((1 - omega) + omega * 2.25), k)
    one = ["a"] * k
    return probe_share(mean_by_origin(probes, one), mean_by_origin(healthy, ["b"] * n), mean_by_origin(ill, ["a"] * n))


def test_the_share_is_the_place_of_the_probes_between_the_classes():
    share = probe_share(Mean(1.0, 0.1, 9), Mean(0.0, 0.2, 9), Mean(4.0, 0.3, 9))
    assert share.estimate == 0.25
    assert share.gap == 4.0
    assert share.error == pytest.approx(np.sqrt(0.1 + 0.75**2 * 0.2 + 0.25**2 * 0.3) / 4)
    assert share.gap_error == pytest.approx(np.sqrt(0.5))


def test_patients_that_may_be_among_the_probes_are_taken_away_at_most():
    mixed = probe_share(Mean(1.0, 0.1, 9), Mean(0.0, 0.2, 9), Mean(4.0, 0.3, 9), prevalence=0.25)
    assert mixed.estimate == 0.0
    assert mixed.error > probe_share(Mean(0.0, 0.1, 9), Mean(0.0, 0.2, 9), Mean(4.0, 0.3, 9)).error


def test_the_error_is_that_of_the_bootstrap():
    """Oracle: resample the three groups."""
    chance = np.random.default_rng(5)
    healthy, ill, probes = chance.normal(0, 1, 80), chance.normal(3, 1.5, 80), chance.normal(1, 1.2, 40)
    share = probe_share(*(mean_by_origin(values, ["x"] * len(values)) for values in (probes, healthy, ill)))

    def mean(values):
        return chance.choice(values, (20000, len(values))).mean(1)

    drawn_healthy = mean(healthy)
    draws = (mean(probes) - drawn_healthy) / (mean(ill) - drawn_healthy)
    assert share.error == pytest.approx(draws.std(), rel=0.05)


@pytest.mark.parametrize("k", [5, 20])
@pytest.mark.parametrize("omega", [0.0, 0.5, 0.9])
def test_the_interval_covers_the_truth(omega, k):
    chance = np.random.default_rng(k)
    intervals = [simulated(omega, k, chance).interval(0.9) for _ in range(SIMULATIONS)]
    covered = np.mean([each.low <= omega <= each.high for each in intervals])
    assert 0.88 <= covered <= 0.97


def test_the_test_has_its_size_and_power():
    chance = np.random.default_rng(3)
    at_bound = np.mean([simulated(0.1, 20, chance).p_above(0.1) <= 0.05 for _ in range(SIMULATIONS)])
    beyond = np.mean([simulated(0.5, 20, chance).p_above(0.1) <= 0.05 for _ in range(200)])
    assert at_bound <= 0.065
    assert beyond >= 0.98


def test_a_p_value_is_never_zero():
    assert ProbeShare(1.0, 1e-9, 30, 4.0, 0.1).p_above(0.1) > 0


def test_origins_count_by_their_share_of_the_other_class():
    scores, origins = [0.0, 2.0, 10.0, 12.0], ["a", "a", "b", "b"]
    found = mean_by_origin(scores, origins, [0.25, 0.25, 0.75, 0.75])
    assert found.value == 0.25 * 1 + 0.75 * 11
    assert found.freedom == 2
    assert found.variance == pytest.approx(2.0 * (0.25**2 / 2 + 0.75**2 / 2))


def test_an_origin_with_one_probe_counts_by_its_share_and_brings_its_uncertainty():
    scores = [0.0, 1.0, 2.0, 10.0]
    found = mean_by_origin(scores, ["a", "a", "a", "b"], [0.15, 0.15, 0.15, 0.85])
    assert found.value == pytest.approx(0.15 * 1 + 0.85 * 10)
    assert found.freedom == 2
    assert found.variance == pytest.approx(1.0 * (0.15**2 / 3 + 0.85**2))
    few = mean_by_origin([0.0, 10.0], ["a", "b"], [0.5, 0.5])
    assert few == Mean(5.0, 50.0 * 0.5, 1)


def test_so_many_probes_as_are_named_have_the_power():
    spread = Spread(0.3, 0.4, 80, 80)
    count = probes_needed(spread, 0.0, 0.25, 0.05)
    assert count is not None
    chance = np.random.default_rng(8)
    shown = []
    for _ in range(600):
        errors = spread.error(0.0, count)
        t = chance.normal(0, 1) * errors, errors * np.sqrt(chance.chisquare(count - 1) / (count - 1))
        shown.append(t[0] + stats.t.ppf(0.95, count - 1) * t[1] < 0.25)
    assert np.mean(shown) == pytest.approx(0.8, abs=0.06)
    assert count > probes_needed(Spread(0.2, 0.3, 80, 80), 0.0, 0.25, 0.05) >= FEWEST


def test_where_the_class_gap_is_too_uncertain_no_number_of_probes_will_do():
    assert probes_needed(Spread(5.0, 5.0, 20, 20), 0.0, 0.25, 0.05) is None
