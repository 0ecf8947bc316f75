"""Reliance of a crossed cohort: the fast bootstrap against the plain statistic, its bounds, and strata."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from biasaudit.stats.effects import pair_weights
from biasaudit.stats.intervals import percentile_interval, resample_weights
from biasaudit.stats.reliance import Responses, crossed_reliance
from biasaudit.stats.strata import joint_codes


def ratio_by_loops(scores, erased, positive, origin, weights, times):
    """The statistic of one resample, pairs of origins weighted as in the sample."""
    squares, kept = [], []
    for c, row in zip((False, True), weights, strict=True):
        cells = {s: erased[(positive == c) & (origin == s)] for s in np.unique(origin)}
        freedom = sum(x.size - 1 for x in cells.values())
        pooled = sum(((x - x.mean()) ** 2).sum() for x in cells.values()) / freedom
        for (i, first), (j, second) in combinations(enumerate(cells.values()), 2):
            noise = pooled / first.size + pooled / second.size
            squares.append((first.mean() - second.mean()) ** 2 - times * noise)
            kept.append(row[i, j])
    site = np.sqrt(max(0.0, np.average(squares, weights=kept)))
    steps = [
        scores[positive & (origin == s)].mean() - scores[~positive & (origin == s)].mean() for s in np.unique(origin)
    ]
    return site / (site + abs(np.mean(steps)))


@pytest.mark.parametrize(("names", "times"), [("ab", 1.0), ("abc", 1.5), ("abcd", 5 / 3)])
@pytest.mark.parametrize("after_erasure", [False, True])
def test_bootstrap_equals_the_statistic_of_every_resample(after_erasure, names, times):
    """The noise of k independent differences is subtracted 2 - 2 / k times."""
    generator = np.random.default_rng(1)
    positive = np.arange(90) % 2 == 1
    origin = generator.choice(list(names), 90)
    logits = 2 * positive + (origin == "b") + generator.normal(size=90)
    # Lesions that weigh the same at every origin add nothing to the difference between origins.
    erased = logits - 2 * positive if after_erasure else logits
    site = erased if after_erasure else None
    responses = Responses(logits, positive, origin, np.zeros(90), erased=site)
    fast = crossed_reliance(responses, 20, np.random.default_rng(4)).draws
    sizes = np.array([[np.sum((positive == c) & (origin == s)) for s in names] for c in (False, True)])
    cells = [[erased[(positive == c) & (origin == s)] for s in names] for c in (False, True)]
    pooled = [sum(x.size * x.var() for x in row) / sum(x.size - 1 for x in row) for row in cells]
    pairs = pair_weights(np.array(pooled)[:, None] / sizes)
    weights = resample_weights(joint_codes(positive, origin), 20, np.random.default_rng(4)).astype(int)
    for ratio, counts in zip(fast, weights, strict=True):
        rows = np.repeat(np.arange(90), counts)
        slow = ratio_by_loops(logits[rows], erased[rows], positive[rows], origin[rows], pairs, times)
        assert ratio == pytest.approx(slow)


@pytest.mark.parametrize("origins", [2, 12])
def test_the_lower_bound_keeps_below_what_is_true(origins):
    """Of 60 cohorts whose scores do not depend on the origin at most 9 may be above 0: beyond that p < .001."""
    generator = np.random.default_rng(3)
    number = np.arange(300)
    positive = number // origins % 2 == 1
    above = []
    for _ in range(60):
        scores = positive + generator.normal(size=300)
        found = crossed_reliance(Responses(scores, positive, number % origins, np.zeros(300)), 199, generator)
        above.append(percentile_interval(found.estimate, found.draws, 0.9).low > 0)
    assert sum(above) <= 9


@pytest.mark.parametrize("weight", [1.0, 0.2])
def test_lesions_that_weigh_less_at_one_origin_count(weight):
    generator = np.random.default_rng(8)
    positive, origin = np.arange(400) % 2 == 1, np.arange(400) // 2 % 2
    rest = 1.0 * origin + generator.normal(size=400)
    lesions = positive * 4.0 * np.where(origin == 1, weight, 1.0)
    responses = Responses(rest + lesions, positive, origin, np.arange(400) // 4 % 4, erased=rest)
    estimate = crossed_reliance(responses, 9, np.random.default_rng(6)).estimate
    site = np.sqrt((1.0**2 + (1.0 - 4.0 * (1 - weight)) ** 2) / 2)
    truth = site / (site + 2.0 * (1 + weight))
    assert estimate == pytest.approx(truth, abs=0.05)


def test_erasure_narrows_the_reliance_of_a_network_that_reads_lesions():
    generator = np.random.default_rng(5)
    positive, origin = np.arange(160) % 2 == 1, np.arange(160) // 2 % 2
    rest = 0.8 * origin + generator.normal(size=160)
    lesions = np.where(positive, generator.lognormal(1.0, 0.9, 160), 0.0)
    folds = np.arange(160) // 4 % 4
    widths = {}
    for name, erased in (("as it is", None), ("erased", rest)):
        responses = Responses(rest + lesions, positive, origin, folds, erased=erased)
        draws = crossed_reliance(responses, 400, np.random.default_rng(6)).draws
        widths[name] = float(np.ptp(np.quantile(draws, [0.05, 0.95])))
    assert widths["erased"] < 0.9 * widths["as it is"]
