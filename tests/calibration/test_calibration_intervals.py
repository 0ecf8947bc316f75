"""Coverage of the intervals, and size of the p-values."""

import numpy as np
import pytest
from calibration.simulation import plausible_rates
from scipy.special import ndtr, ndtri

from biasaudit.stats import intervals
from biasaudit.stats.auc_contrast import auc_difference
from biasaudit.stats.pair_auc import folds_overlap, inside_folds, pair_auc


@pytest.mark.parametrize(("area", "n"), [(0.6, 32), (0.9, 32), (0.99, 32), (0.9, 100), (0.99, 100), (0.75, 300)])
@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_auc_interval_covers(area, n, spread):
    generator = np.random.default_rng(300)
    positive, folds = np.arange(n) % 2 == 0, np.arange(n) // 2 % 3
    pairs, hits = inside_folds(positive, folds), []
    for _ in range(400):
        scores = np.where(positive, spread, 1.0) * generator.standard_normal(n)
        found = pair_auc(scores + positive * ndtri(area) * np.hypot(1, spread), pairs).interval(0.95)
        hits.append(found.low <= area <= found.high)
    assert plausible_rates(0.93, 400)[0] <= np.mean(hits) <= plausible_rates(0.99, 400)[1]


def fold_networks(n, n_folds, gap, generator):
    """Held-out scores, and the true AUC, of ridge classifiers on 40 features whose offsets differ between folds."""
    positive, folds = np.arange(n) % 2 == 0, np.arange(n) // 2 % n_folds
    features = generator.standard_normal((n, 40))
    features[:, 0] += gap * positive
    scores, truth = np.zeros(n), []
    for fold in range(n_folds):
        rest = folds != fold
        centred = features[rest] - features[rest].mean(axis=0)
        weights = np.linalg.solve(centred.T @ centred + 20 * np.eye(40), centred.T @ (2.0 * positive[rest] - 1))
        scores[~rest] = features[~rest] @ weights + 3 * generator.standard_normal()
        truth.append(ndtr(gap * weights[0] / np.sqrt(2 * weights @ weights)))
    return scores, positive, folds, float(np.mean(truth))


@pytest.mark.parametrize(("n", "n_folds"), [(32, 3), (100, 5)])
@pytest.mark.parametrize("gap", [0.0, 2.0])
def test_auc_of_cross_validation_covers(n, n_folds, gap):
    """Where nothing is learned, competence (a lower bound above one half) has at most its nominal size of .025."""
    generator = np.random.default_rng(303)
    hits, above = [], []
    for _ in range(400):
        scores, positive, folds, truth = fold_networks(n, n_folds, gap, generator)
        found = pair_auc(scores, inside_folds(positive, folds)).interval(0.95, folds_overlap(folds))
        hits.append(found.low <= truth <= found.high)
        above.append(found.low > 0.5)
    assert np.mean(hits) >= plausible_rates(0.95, 400)[0]
    if gap == 0:
        assert np.mean(above) <= plausible_rates(0.025, 400)[1]
    else:
        assert np.mean(above) > 0.3


def test_paired_difference_has_nominal_size():
    generator = np.random.default_rng(301)
    positive, rejected = np.arange(100) % 2 == 0, []
    pairs = inside_folds(positive, np.arange(100) // 2 % 5)
    for _ in range(400):
        common = positive + 0.7 * generator.standard_normal(100)
        first, second = common + generator.standard_normal((2, 100))
        rejected.append(auc_difference(pair_auc(first, pairs), pair_auc(second, pairs), 0.95).p_value <= 0.05)
    assert np.mean(rejected) <= plausible_rates(0.06, 400)[1]


@pytest.mark.parametrize(
    ("areas", "n"),
    [((0.5, 0.5), 20), ((0.95, 0.95), 50), ((0.99, 0.99), 20), ((0.999, 0.98), 20), ((0.999, 0.98), 100)],
)
@pytest.mark.parametrize("correlation", [0.3, 0.8])
def test_difference_covers_up_to_two_perfect_scores(areas, n, correlation):
    """n per class; DeLong's interval holds that of .999 and .98 in .72 to .90 of such runs (docs/benchmarks.md)."""
    generator = np.random.default_rng(304)
    positive, hits = np.arange(2 * n) % 2 == 0, []
    pairs = inside_folds(positive, np.zeros(2 * n))
    for _ in range(150):
        shared, own = generator.standard_normal(2 * n), generator.standard_normal((2, 2 * n))
        noise = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
        first, second = (
            pair_auc(each + np.sqrt(2) * ndtri(area) * positive, pairs) for each, area in zip(noise, areas, strict=True)
        )
        found = auc_difference(first, second, 0.95).interval
        assert found.high - found.low > 0
        hits.append(found.low <= areas[0] - areas[1] <= found.high)
    assert np.mean(hits) >= plausible_rates(0.95, 150)[0]


def test_gap_share_covers_and_its_p_value_holds():
    """True share .4, class gap 2, within-class SD 1.3 as in the prototype of DESIGN.md."""
    generator = np.random.default_rng(302)
    positive, hits, rejected = np.arange(100) % 2 == 0, [], []
    for _ in range(400):
        full = 2 * positive + 1.3 * generator.standard_normal(100)
        edited = full - 1.2 * positive + 0.3 * generator.standard_normal(100)
        shares = intervals.bootstrap_gap_share(full, edited, positive, positive, 400, generator)
        interval = intervals.percentile_interval(0.4, shares, 0.95)
        hits.append(interval.low <= 0.4 <= interval.high)
        rejected.append(intervals.one_sided_p(shares, 0.4) <= 0.05)
    assert plausible_rates(0.93, 400)[0] <= np.mean(hits)
    assert np.mean(rejected) <= plausible_rates(0.06, 400)[1]
