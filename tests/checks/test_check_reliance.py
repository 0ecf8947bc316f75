"""The fast bootstrap of the reliance against the plain statistic on the same resamples."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from biasaudit.stats.effects import auc, pair_weights
from biasaudit.stats.fold_scales import fold_columns, standardised_logits
from biasaudit.stats.intervals import percentile_interval, resample_weights
from biasaudit.stats.origin_effect import origin_effect, without_covariates
from biasaudit.stats.reliance import Responses, crossed_reliance
from biasaudit.stats.strata import HeldFixed, joint_codes


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


def test_effect_is_the_auc_inside_classes():
    generator = np.random.default_rng(2)
    positive = np.arange(80) % 2 == 1
    origin = np.where(np.arange(80) // 2 % 2, "b", "a")
    scores = 5 * positive + (origin == "b") + generator.normal(size=80)
    effect = origin_effect(scores, origin, HeldFixed(positive), 99, generator, 0.9)
    each = [auc(scores[side], origin[side] == "b") for side in (~positive, positive)]
    assert effect.pairs == (("a", "b"),)
    assert effect.by_class[:, 0] == pytest.approx(each)
    assert effect.estimate[0] == pytest.approx(np.mean(each))
    assert effect.low[0] < effect.estimate[0] < effect.high[0]


def test_covariates_are_removed_beside_the_origin_in_every_resample():
    """Against least squares with a column for every origin, on subjects repeated as often as they were drawn."""
    generator = np.random.default_rng(6)
    classes, origin = np.repeat([0, 1], 30), np.arange(60) % 3
    covariates = generator.normal(size=(60, 2)) + origin[:, None]
    values = covariates @ [1.0, -2.0] + origin + generator.normal(size=60)
    cells = joint_codes(classes, origin)
    weights = resample_weights(cells, 4, generator).astype(float)
    fast = without_covariates(values, covariates, classes, cells, weights)
    for adjusted, counts in zip(fast, weights.astype(int), strict=True):
        for side in (0, 1):
            inside = np.flatnonzero(classes == side)
            rows = np.repeat(inside, counts[inside])
            design = np.column_stack([covariates[rows], origin[rows][:, None] == np.arange(3)])
            slopes = np.linalg.lstsq(design, values[rows], rcond=None)[0][:2]
            centred = covariates[inside] - covariates[inside].mean(axis=0)
            np.testing.assert_allclose(adjusted[inside], values[inside] - centred @ slopes)


def test_scales_of_folds_are_drawn_together_as_far_as_they_differ_by_chance():
    generator = np.random.default_rng(7)
    folds, positive = np.arange(100) % 5, np.arange(100) // 5 % 2 == 1
    alike = generator.normal(size=100)
    apart = alike * np.exp([0, 2, 4, 6, 8])[folds]
    cells = [np.flatnonzero((folds == fold) & positive) for fold in range(5)]

    def spreads(logits):
        return np.array([logits[cell].std(ddof=1) for cell in cells])

    assert np.ptp(spreads(standardised_logits(apart, positive, folds))) < 0.1
    factors = spreads(standardised_logits(alike, positive, folds)) / spreads(alike)
    assert factors.max() / factors.min() < 1.05
    assert spreads(alike).max() / spreads(alike).min() > 1.2
    assert standardised_logits(np.where(folds == 2, 1.0, alike), positive, folds)[folds == 2].tolist() == [0.0] * 20


def test_folds_are_told_apart_in_every_class_by_itself():
    """Seven subjects of one class are too few for five folds; those of the others are not."""
    label = np.repeat(["healthy", "ms", "tumour"], [60, 60, 7])
    folds = np.arange(127) % 5
    columns = fold_columns(label, folds)
    assert (columns[label == "tumour"] == 0).all()
    assert (columns[label != "tumour"].sum(axis=1) == 1).all()
