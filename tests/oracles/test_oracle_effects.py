"""Effect sizes against loops that follow the definitions."""

import itertools

import numpy as np
import pytest

from biasaudit.stats.effects import auc, auc_many, cramers_v


def auc_by_counting_pairs(scores, positive):
    wins = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, is_positive in zip(scores, positive, strict=True)
        for b, also_positive in zip(scores, positive, strict=True)
        if is_positive and not also_positive
    ]
    return sum(wins) / len(wins)


def bergsma(table):
    n = table.sum()
    chi_squared = 0.0
    for i, j in itertools.product(range(table.shape[0]), range(table.shape[1])):
        expected = table[i].sum() * table[:, j].sum() / n
        chi_squared += (table[i, j] - expected) ** 2 / expected
    rows, columns = table.shape
    phi = max(0, chi_squared / n - (rows - 1) * (columns - 1) / (n - 1))
    corrected = [k - (k - 1) ** 2 / (n - 1) for k in (rows, columns)]
    return np.sqrt(phi / (min(corrected) - 1))


@pytest.mark.parametrize("ties", [False, True])
def test_auc_counts_pairs(ties):
    generator = np.random.default_rng(1)
    scores = generator.standard_normal((5, 31))
    scores = scores.round(0) if ties else scores
    positive = generator.random(31) < 0.4
    expected = [auc_by_counting_pairs(row, positive) for row in scores]
    np.testing.assert_allclose(auc_many(scores, positive), expected)
    assert auc(scores[0], positive) == pytest.approx(expected[0])


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (4, 3)])
def test_cramers_v_is_bergsmas_formula(shape):
    generator = np.random.default_rng(2)
    table = generator.integers(5, 30, shape)
    table[0, 0] += 40
    assert cramers_v(table) == pytest.approx(bergsma(table))
