"""Bootstrap by weights against a bootstrap that copies the drawn subjects."""

import numpy as np
import pytest

from biasaudit.stats import intervals
from biasaudit.stats.effects import gap_share


@pytest.fixture
def cohort():
    generator = np.random.default_rng(5)
    positive = np.arange(40) % 2 == 0
    scores = (positive + generator.standard_normal(40)).round(1)
    return scores, 0.3 * scores + generator.standard_normal(40), positive


def drawn(weights):
    return np.repeat(np.arange(weights.size), weights.astype(int))


def test_gap_shares_and_means_of_resamples(cohort):
    full, edited, positive = cohort
    weights = intervals.resample_weights(positive, 100, np.random.default_rng(7))
    expected = []
    for row in weights:
        chosen = drawn(row)
        ill, well = chosen[positive[chosen]], chosen[~positive[chosen]]
        expected.append(gap_share(full[ill], edited[ill], full[well], edited[well]))
    shares = intervals.bootstrap_gap_share(full, edited, positive, positive, 100, np.random.default_rng(7))
    np.testing.assert_allclose(shares, expected)
    means = intervals.bootstrap_means(full, positive, 100, np.random.default_rng(7))
    np.testing.assert_allclose(means, [full[drawn(row)].mean() for row in weights])
