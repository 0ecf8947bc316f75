"""Coverage of the bootstrap intervals and size of the bootstrap p-values."""

import numpy as np
from calibration.simulation import plausible_rates
from scipy.special import ndtr

from biasaudit.stats import intervals


def test_auc_interval_covers():
    generator = np.random.default_rng(300)
    positive, truth = np.arange(100) % 2 == 0, ndtr(1 / np.sqrt(2))
    hits = []
    for _ in range(400):
        scores = positive + generator.standard_normal(100)
        interval = intervals.bootstrap_auc(scores, positive, positive, 400, generator)
        hits.append(interval.low <= truth <= interval.high)
    assert plausible_rates(0.93, 400)[0] <= np.mean(hits) <= plausible_rates(0.96, 400)[1]


def test_paired_difference_has_nominal_size():
    generator = np.random.default_rng(301)
    positive, rejected = np.arange(100) % 2 == 0, []
    for _ in range(400):
        common = positive + 0.7 * generator.standard_normal(100)
        first, second = common + generator.standard_normal((2, 100))
        p = intervals.bootstrap_auc_difference(first, second, positive, positive, 400, generator).two_sided_p
        rejected.append(p <= 0.05)
    assert np.mean(rejected) <= plausible_rates(0.06, 400)[1]


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
