"""Shares of the class gap outside of the field: against loops, on planted shares, and their errors of either kind."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.frames import mimicry_share, transplant_share
from biasaudit.stats.intervals import resample_weights


def planted(share, n=160, donors=6, seed=0, spread=0.5):
    """Margins with a class gap of 3 of which `share` goes with the frame; donors have peculiarities of their own."""
    chance = np.random.default_rng(seed)
    positive, fold = np.arange(n) % 2 == 1, np.arange(n) // 2 % 3
    peculiar = chance.normal(0, spread, n)
    own, frame = 3 * (1 - share) * positive + chance.normal(0, 0.7, n), 3 * share * positive + peculiar
    places = np.empty((n, 2, donors), dtype=int)
    for row in range(n):
        for same in (0, 1):
            pool = np.flatnonzero(
                (fold == fold[row]) & (positive == (positive[row] == bool(same))) & (np.arange(n) != row)
            )
            places[row, same] = chance.choice(pool, donors)
    edited = own[:, None, None] + frame[places] + chance.normal(0, 0.1, places.shape)
    return own + frame, edited, places, positive, fold * 2 + positive


def slow_share(full, edited, places, positive, weights):
    """The same by loops over subjects and donors."""
    moved = {True: [], False: []}
    for row, (sick, weight) in enumerate(zip(positive.tolist(), weights.tolist(), strict=True)):
        means = []
        for same in (0, 1):
            drawn = weights[places[row, same]]
            means.append((drawn * edited[row, same]).sum() / drawn.sum() if drawn.sum() else np.nan)
        if np.isfinite(means).all():
            moved[sick].append((weight, (means[0] - means[1]) * (-1 if sick else 1)))
    both = [np.average([change for _, change in own], weights=[weight for weight, _ in own]) for own in moved.values()]
    gap = np.average(full[positive], weights=weights[positive]) - np.average(
        full[~positive], weights=weights[~positive]
    )
    return np.mean(both) / gap


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_planted_share_comes_back(share):
    found = transplant_share(*planted(share, n=600), 500, np.random.default_rng(1))
    assert found.estimate == pytest.approx(share, abs=0.06)
    low, high = np.quantile(found.draws, [0.05, 0.95])
    assert low < found.estimate < high


def test_it_is_what_loops_give():
    full, edited, places, positive, groups = planted(0.4, n=24, donors=2)
    found = transplant_share(full, edited, places, positive, groups, 40, np.random.default_rng(5))
    weights = resample_weights(groups, 40, np.random.default_rng(5)).astype(float)
    assert found.estimate == pytest.approx(slow_share(full, edited, places, positive, np.ones(24)))
    expected = [slow_share(full, edited, places, positive, own) for own in weights]
    assert np.allclose(found.draws, expected)


def test_the_peculiarities_of_donors_widen_the_bound():
    widths = []
    for spread in (0.0, 2.0):
        found = transplant_share(*planted(0.3, n=120, donors=20, spread=spread), 500, np.random.default_rng(1))
        widths.append(np.subtract(*np.quantile(found.draws, [0.95, 0.05])))
    assert widths[1] > 2 * widths[0]


def test_the_lower_bound_holds_as_often_as_it_says():
    lows = [
        np.quantile(transplant_share(*planted(0.1, n=90, seed=seed), 300, np.random.default_rng(seed)).draws, 0.05)
        for seed in range(120)
    ]
    assert np.mean(np.array(lows) > 0.1) <= 0.1


def test_wrong_arguments_are_refused():
    full, edited, places, positive, groups = planted(0.3, n=24)
    edited[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        transplant_share(full, edited, places, positive, groups, 10, np.random.default_rng(1))
    with pytest.raises(ValueError, match="transplanted"):
        transplant_share(full, np.zeros((5, 2, 3)), places, positive, groups, 10, np.random.default_rng(1))


def mimics(share, n=900, seed=0):
    """A target of which `share` of the gap of 3 is the margin of a network that sees the frame alone."""
    chance = np.random.default_rng(seed)
    positive, fold = np.arange(n) % 2 == 1, np.arange(n) // 2 % 3
    mimic = 2.0 * positive + chance.normal(0, 1, n)
    target = 1.5 * share * mimic + 3 * (1 - share) * positive + chance.normal(0, 0.5, n) + fold
    return target, mimic, positive, fold * 2 + positive


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_mimicry_comes_back(share):
    found = mimicry_share(*mimics(share), 300, np.random.default_rng(1))
    assert found.estimate == pytest.approx(share, abs=0.06)
    low, high = np.quantile(found.draws, [0.01, 0.99])
    assert low < share < high


def test_mimicry_is_a_slope_inside_the_healthy_times_a_ratio_of_gaps():
    target, mimic, positive, groups = mimics(0.5, n=60)
    centred = [own - np.array([own[groups == group].mean() for group in groups]) for own in (target, mimic)]
    slope = np.polyfit(centred[1][~positive], centred[0][~positive], 1)[0]
    gaps = [own[positive].mean() - own[~positive].mean() for own in (mimic, target)]
    found = mimicry_share(target, mimic, positive, groups, 10, np.random.default_rng(1))
    assert found.estimate == pytest.approx(slope * gaps[0] / gaps[1])


def test_a_network_that_says_the_same_of_everybody_mimics_nothing():
    target, mimic, positive, groups = mimics(0.5, n=60)
    found = mimicry_share(target, np.zeros_like(mimic), positive, groups, 10, np.random.default_rng(1))
    assert np.isnan(found.estimate)
