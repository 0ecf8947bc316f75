"""Holm and minimum p against their definitions."""

import numpy as np
import pytest

from biasaudit.stats.multiplicity import holm, minimum_p


def holm_by_definition(p_values):
    """Smallest level at which the step-down procedure rejects each hypothesis, by search."""
    levels = np.unique([min(1.0, p * f) for p in p_values for f in range(1, len(p_values) + 1)])
    adjusted = []
    for index in range(len(p_values)):
        for level in levels:
            order = np.argsort(p_values, kind="stable")
            rejected = []
            for step, hypothesis in enumerate(order):
                if p_values[hypothesis] * (len(p_values) - step) > level + 1e-15:
                    break
                rejected.append(hypothesis)
            if index in rejected:
                adjusted.append(level)
                break
        else:
            adjusted.append(1.0)
    return adjusted


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_the_step_down_procedure(seed):
    p_values = np.random.default_rng(seed).random(6) ** 3
    np.testing.assert_allclose(holm(p_values), holm_by_definition(p_values))


def test_minimum_p_by_loops():
    generator = np.random.default_rng(8)
    rows = generator.standard_normal((40, 3)).round(1)
    m = rows.shape[0]
    p = [[sum(other[t] >= row[t] for other in rows) / m for t in range(3)] for row in rows]
    keys = [(min(each), float(np.round(np.prod(each) ** (1 / 3), 12))) for each in p]
    for index in range(m):
        expected = sum(key <= keys[index] for key in keys) / m
        combined, each = minimum_p(rows[index], np.delete(rows, index, axis=0))
        assert combined == pytest.approx(expected)
        np.testing.assert_allclose(each, p[index])
