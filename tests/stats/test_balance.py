"""Balance of covariates, matching, and the strength of what is not known."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.balance import Balance, balance, e_value, matched, mean_difference

FIRST, SECOND = np.arange(8) < 4, np.arange(8) >= 4


def test_numbers_by_pooled_standard_deviations():
    found = balance([1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 7.0, None], FIRST, SECOND)
    assert found.difference == pytest.approx((5 - 2.5) / np.sqrt((1.25 + 8 / 3) / 2))
    assert found.variance_ratio == pytest.approx((8 / 3) / 1.25)
    assert found.missing == (0.0, 0.25)


def test_words_by_the_level_that_differs_most():
    found = balance(["f", "f", "f", "m", "m", "m", None, "f"], FIRST, SECOND)
    assert abs(found.difference) == pytest.approx((3 / 4 - 1 / 3) / np.sqrt((3 / 16 + 2 / 9) / 2))
    assert np.isnan(found.variance_ratio)


def test_a_small_difference_is_held_against_its_error_and_an_infinite_one_as_well():
    small = Balance(0.1, 0.05, 1.0, (0.0, 0.0))
    assert small.z == pytest.approx(2.0, rel=0.01)
    assert Balance(np.inf, 0.5, 1.0, (0.0, 0.0)).z == 4.0
    assert balance(["a", "b", "c", "a"] * 2, FIRST, SECOND).compared == 3


def test_nothing_in_common_and_nothing_known():
    assert balance(["f"] * 4 + ["m"] * 4, FIRST, SECOND).difference in (np.inf, -np.inf)
    assert np.isnan(balance([1.0] * 4 + [None] * 4, FIRST, SECOND).difference)
    assert mean_difference([2.0, 2.0], [2.0, 2.0]) == 0


def test_matching_takes_the_difference_away_and_counts_who_is_left():
    generator = np.random.default_rng(1)
    group = np.arange(300) % 3 == 0
    columns = generator.normal(size=(300, 2)) + np.outer(group, [1.0, 0.0])
    kept = matched(columns, group)
    assert kept[group].sum() == kept[~group].sum() > 50
    before, after = (
        mean_difference(columns[rows & ~group, 0], columns[rows & group, 0]) for rows in (group | True, kept)
    )
    assert before > 0.7
    assert abs(after) < 0.15


def test_groups_without_overlap_are_not_matched():
    group = np.arange(40) < 20
    assert not matched(np.where(group, 10.0, 0.0)[:, None] + np.linspace(0, 1, 40)[:, None], group).any()


def test_e_value_of_the_paper():
    """VanderWeele and Ding (2017): a risk ratio of 3.9 has an E-value of 7.26."""
    assert e_value(np.log(3.9) / 0.91) == pytest.approx(7.26, abs=0.01)
    assert e_value(-0.4) == e_value(0.4) > 1
    assert e_value(0.4, 0.3) == 1.0


def test_a_binary_trait_of_that_strength_explains_the_difference():
    """Two groups of which one has the trait more often by the E-value, and the trait moves the score alone."""
    ratio = e_value(0.4)
    generator = np.random.default_rng(2)
    trait = np.concatenate([generator.random(40_000) < 0.1, generator.random(40_000) < 0.1 * ratio])
    high = generator.random(80_000) < np.where(trait, 0.1 * ratio, 0.1)
    risks = high[40_000:].mean() / high[:40_000].mean()
    assert 1.0 < risks < np.exp(0.91 * 0.4) * 1.05
