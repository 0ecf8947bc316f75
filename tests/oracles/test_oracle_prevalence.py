"""The slope on prevalence against formulas of meta-regression written out, and numpy's weighted fit."""

import numpy as np
import pytest
from scipy.stats import t

from biasaudit.stats.prevalence import prevalence_slope


def test_meta_regression_written_out():
    generator = np.random.default_rng(51)
    k, size = 8, 30
    origin, share = np.repeat(np.arange(k), size), np.repeat(np.linspace(0.25, 0.75, k), size)
    positive = generator.random(k * size) < share
    scores = positive + 0.6 * generator.standard_normal(k)[origin] + generator.standard_normal(k * size)
    found = prevalence_slope(scores, positive, origin, positive, np.empty((k * size, 0)))

    columns = np.column_stack([*((origin == s) * 1.0 for s in range(k)), positive * 1.0])
    fitted = np.linalg.solve(columns.T @ columns, columns.T @ scores)
    variance = ((scores - columns @ fitted) ** 2).sum() / (k * size - k - 1)
    means, noise = fitted[:k], np.full(k, variance / size)
    odds = np.array([
        np.log((positive[origin == s].sum() + 0.5) / ((~positive[origin == s]).sum() + 0.5)) for s in range(k)
    ])  # fmt: skip

    w = 1 / noise
    line = np.polyfit(odds, means, 1, w=np.sqrt(w))
    q = (w * (means - np.polyval(line, odds)) ** 2).sum()
    x = np.column_stack([np.ones(k), odds])
    hat = np.diag(w) - np.diag(w) @ x @ np.linalg.inv(x.T @ np.diag(w) @ x) @ x.T @ np.diag(w)
    between = max(0.0, (q - (k - 2)) / np.trace(hat))

    w = 1 / (noise + between)
    line, covariance = np.polyfit(odds, means, 1, w=np.sqrt(w), cov="unscaled")
    left = (w * (means - np.polyval(line, odds)) ** 2).sum() / (k - 2)
    error = np.sqrt(covariance[0, 0] * max(1.0, left))
    assert between > 0
    assert found.spread == pytest.approx(np.sqrt(between))
    assert found.slope == pytest.approx(line[0])
    assert found.p_value == pytest.approx(t.sf(line[0] / error, k - 2))
