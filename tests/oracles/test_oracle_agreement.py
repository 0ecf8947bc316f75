"""What folds share, by sums over pairs of origins and of folds written out, and origins left out one at a time."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import t

from biasaudit.stats.agreement import fold_agreement


def test_products_of_differences_between_origins_written_out():
    generator = np.random.default_rng(52)
    k, folds, n = 7, 3, 420
    origin, fold, positive = generator.integers(0, k, n), generator.integers(0, folds, n), generator.random(n) < 0.4
    scores = positive + np.resize([-1.0, 1.0], k)[origin] + generator.standard_normal(n)
    found = fold_agreement(scores, positive, origin, positive, fold, np.empty((n, 0)), 0.05)

    means = []
    for a in range(folds):
        columns = np.column_stack([*((origin == s) * 1.0 for s in range(k)), positive * 1.0])[fold == a]
        means.append(np.linalg.solve(columns.T @ columns, columns.T @ scores[fold == a])[:k])

    def square(kept):
        return np.mean([
            (means[a][i] - means[a][j]) * (means[b][i] - means[b][j])
            for a, b in combinations(range(folds), 2)
            for i, j in combinations(kept, 2)
        ])  # fmt: skip

    sides = [(scores[(origin == s) & positive], scores[(origin == s) & ~positive]) for s in range(k)]
    step = np.mean([first.mean() - second.mean() for first, second in sides])
    without = [square([s for s in range(k) if s != left]) for left in range(k)]
    error = np.sqrt((k - 1) ** 2 / k * np.var(without, ddof=1))
    size, low = np.sqrt(square(range(k))), square(range(k)) - t.ppf(0.95, k - 1) * error
    assert low > 0
    assert found.share == pytest.approx(size / (size + step))
    assert found.low == pytest.approx(np.sqrt(low) / (np.sqrt(low) + step))
    assert found.p_value == pytest.approx(t.sf(size**2 / error, k - 1))
