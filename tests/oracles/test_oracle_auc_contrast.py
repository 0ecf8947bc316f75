"""Zou and Donner's square-and-add by hand, from the bounds of either AUC and the correlation of their pairs."""

import numpy as np
import pytest

from biasaudit.stats.auc_contrast import auc_difference
from biasaudit.stats.pair_auc import inside_folds, pair_auc


def covariance(first, second, positive):
    """DeLong, DeLong and Clarke-Pearson (1988), equations 5 to 7, with the numbers of subjects as divisors."""

    def components(scores):
        ill, well = scores[positive], scores[~positive]
        won = (ill[:, None] > well[None, :]) + (ill[:, None] == well[None, :]) / 2
        return won.mean(axis=1) - won.mean(), won.mean(axis=0) - won.mean()

    return sum(
        float((one * two).mean() / one.size) for one, two in zip(components(first), components(second), strict=True)
    )


@pytest.mark.parametrize("seed", range(5))
def test_square_and_add(seed):
    generator = np.random.default_rng(seed)
    positive = np.arange(40) % 3 == 0
    shared = generator.normal(size=40)
    first, second = (gap * positive + shared + generator.normal(size=40) for gap in (1.5, 0.5))
    one, two = (pair_auc(scores, inside_folds(positive, np.zeros(40))) for scores in (first, second))
    low, high = (
        (one.interval(0.9).low, two.interval(0.9).high),
        (one.interval(0.9).high, two.interval(0.9).low),
    )
    r = covariance(first, second, positive) / np.sqrt(
        covariance(first, first, positive) * covariance(second, second, positive)
    )
    assert r < 1 - 2 / 40
    difference = one.estimate - two.estimate

    def reach(bounds):
        a, b = one.estimate - bounds[0], bounds[1] - two.estimate
        return np.sqrt(a**2 + b**2 - 2 * r * a * b)

    found = auc_difference(one, two, 0.9).interval
    assert found.low == pytest.approx(difference - reach(low))
    assert found.high == pytest.approx(difference + reach(high))
