"""Studentised permutations: edges, and size where origins differ in spread alone (power: tests/calibration)."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.rank_tests import pooled_design
from biasaudit.stats.strata import centre_within
from biasaudit.stats.studentised import studentised_test, wald_statistics


def outcome(ranks, origin, strata=None, m=199, seed=1):
    codes = np.zeros(len(ranks), dtype=np.intp) if strata is None else strata
    blocks = (m, np.random.default_rng(seed))
    return studentised_test(
        centre_within(np.asarray(ranks), codes), pooled_design(origin, codes), origin, codes, blocks
    )


def test_constant_scores_give_one():
    result = outcome(np.ones(10), np.arange(10) % 2)
    assert (result.statistic, result.p_value) == (0.0, 1.0)


def test_origins_without_spread_that_differ_are_found():
    """Saturated scores: every origin has one value of its own."""
    origin = np.repeat([0, 1, 2], 8)
    result = outcome(1.0 * origin, origin)
    assert np.isfinite(result.statistic)
    assert result.p_value == pytest.approx(1 / 200)


def test_one_tied_origin_and_cells_of_one_subject():
    generator = np.random.default_rng(2)
    origin = np.array([0] * 10 + [1] * 10 + [2, 3])
    scores = np.where(origin == 0, 0.0, generator.standard_normal(22))
    result = outcome(scores, origin)
    assert np.isfinite(result.statistic)
    assert 0 < result.p_value <= 1
    every = outcome(generator.standard_normal(6), np.arange(6))  # no cell has a spread
    assert every.p_value > 0.9


def test_order_names_direction_and_scale_do_not_matter():
    generator = np.random.default_rng(3)
    origin, scores = np.arange(30) % 3, generator.standard_normal(30)
    first = outcome(scores, origin)
    for again in (outcome(scores, 2 - origin), outcome(-scores, origin), outcome(7 * scores, origin)):
        assert again.statistic == pytest.approx(first.statistic)
        assert again.p_value == first.p_value


def test_a_wider_spread_of_what_was_observed_lowers_the_statistic():
    generator = np.random.default_rng(4)
    origin, scores = np.arange(30) % 2, centre_within(generator.standard_normal(30), np.zeros(30, dtype=np.intp))
    codes = np.zeros(30, dtype=np.intp)
    plain, wide = (
        studentised_test(
            scores, pooled_design(origin, codes), origin, codes, (19, np.random.default_rng(5)), np.full(30, scale)
        )
        for scale in (1.0, 2.0)
    )
    assert wide.statistic == pytest.approx(plain.statistic / 4)
    np.testing.assert_allclose(wide.null, plain.null)


def test_rows_are_told_apart():
    generator = np.random.default_rng(6)
    rows, origin = generator.standard_normal((3, 20)), np.arange(20) % 2
    members = np.eye(2)[origin]
    columns = members[:, :1] - 0.5
    together = wald_statistics(rows, columns, members)
    apart = [wald_statistics(row[None], columns, members)[0] for row in rows]
    np.testing.assert_allclose(together, apart)


def test_no_permutations_are_refused():
    with pytest.raises(ValueError, match="1 or more"):
        outcome([1.0, 2.0, 3.0, 4.0], np.arange(4) % 2, m=0)
