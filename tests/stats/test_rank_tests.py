"""Rank tests of origin inside strata: size of what is permuted, power, and the edges."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats import rank_tests


@pytest.fixture
def generator():
    return np.random.default_rng(3)


@pytest.mark.parametrize("scale", [rank_tests.normal_scores_within])
def test_scaled_ranks(scale, generator):
    strata = np.array(["a"] * 10 + ["b"] * 7 + ["c"] * 3 + ["d"])
    values = np.concatenate([generator.standard_normal(17), [4, 4, 4, 1]])
    scores = scale(values, strata)
    for stratum, variance in (("a", 1), ("b", 1), ("c", 0), ("d", 0)):
        assert scores[strata == stratum].mean() == pytest.approx(0)
        assert scores[strata == stratum].var() == pytest.approx(variance)
    np.testing.assert_array_equal(np.argsort(scores[:10]), np.argsort(values[:10]))
    np.testing.assert_array_equal(scores, scale(np.exp(values), strata))


def planted(generator, n=200, shift=0.8, flip=False):
    label = np.repeat([0, 1], n // 2)
    origin = generator.integers(0, 2, n)
    direction = np.where(label == 1, -1 if flip else 1, 1)
    scores = 3 * label + shift * direction * origin + generator.standard_normal(n)
    return scores, np.array(["Guys", "HH"])[origin], label


def test_a_planted_shift_is_found_and_reproducible(generator):
    scores, origin, label = planted(generator)
    first, second = (
        rank_tests.origin_dependence_test(scores, origin, label, 999, np.random.default_rng(1)) for _ in range(2)
    )
    assert first.p_value == second.p_value == pytest.approx(0.001)
    assert first.n == 200
    assert first.null.shape == (999,)


def test_opposite_shifts_cancel_only_in_the_pooled_test(generator):
    scores, origin, label = planted(generator, flip=True)
    pooled = rank_tests.origin_dependence_test(scores, origin, label, 499, generator)
    split = rank_tests.origin_dependence_test(scores, origin, label, 499, generator, "per_stratum")
    assert pooled.p_value > 0.05
    assert split.p_value == pytest.approx(1 / 500)


def test_label_alone_is_not_dependence_on_origin(generator):
    """Origin follows the class, and the scores only the class: the stratified test is silent."""
    label = np.repeat([0, 1], 100)
    origin = np.where(generator.random(200) < 0.9, label, 1 - label)
    result = rank_tests.origin_dependence_test(
        5 * label + generator.standard_normal(200), origin, label, 499, generator
    )
    assert result.p_value > 0.05


def test_constant_scores_give_one(generator):
    for statistic in ("pooled", "per_stratum"):
        result = rank_tests.origin_dependence_test(np.ones(10), ["a", "b"] * 5, np.zeros(10), 99, generator, statistic)
        assert result.p_value == 1.0


def test_strata_of_one_origin_contribute_nothing(generator):
    scores, origin, label = planted(generator, n=60)
    lone = rank_tests.origin_dependence_test(scores, origin, label, 199, np.random.default_rng(1))
    padded = rank_tests.origin_dependence_test(
        np.concatenate([scores, [9.0, 8.0, 7.0]]),
        np.concatenate([origin, ["HH", "HH", "IOP"]]),
        np.concatenate([label, [2, 2, 3]]),
        199,
        np.random.default_rng(1),
    )
    assert (padded.statistic, padded.p_value, padded.n) == (lone.statistic, lone.p_value, 60)


def test_nothing_to_compare_says_why(generator):
    result = rank_tests.origin_dependence_test([1.0, 2, 3], ["a", "a", "b"], [0, 0, 1], 99, generator)
    assert np.isnan(result.p_value)
    assert result.reason == "no stratum holds two origins"
    assert result.n == 0


def test_faults_are_named(generator):
    with pytest.raises(ValueError, match="scores hold 1 NaN"):
        rank_tests.origin_dependence_test([np.nan, 1.0], ["a", "b"], [0, 0], 9, generator)
    with pytest.raises(ValueError, match=r"one of \['per_stratum', 'pooled'\], got 'median'"):
        rank_tests.origin_dependence_test([0.0, 1.0], ["a", "b"], [0, 0], 9, generator, "median")
    with pytest.raises(ValueError, match="origin: 3"):
        rank_tests.origin_dependence_test([0.0, 1.0], ["a", "b", "a"], [0, 0], 9, generator)


def test_the_statistic_does_not_know_which_way_the_scores_point(generator):
    scores, codes = generator.standard_normal(12), np.zeros(12, dtype=np.intp)
    ranks = rank_tests.normal_scores_within(scores, codes)
    design = rank_tests.pooled_design(np.arange(12) % 3, codes)
    both = [rank_tests.linear_rank_test(own, design, codes, 9, generator).statistic for own in (ranks, -ranks)]
    assert both[0] == pytest.approx(both[1])
    assert both[0] > 0


def test_origin_names_and_their_order_do_not_matter(generator):
    scores, origin, label = planted(generator, n=40)
    renamed = np.where(origin == "HH", "0", "1")
    results = [
        rank_tests.origin_dependence_test(scores, names, label, 99, np.random.default_rng(2))
        for names in (origin, renamed)
    ]
    assert results[0].p_value == results[1].p_value


def test_scores_that_look_normal_are_tested_as_they_are():
    values, strata = np.random.default_rng(2).standard_normal(60), np.repeat([0, 1], 30)
    scaled = rank_tests.shift_scores(values, strata)
    for s in (0, 1):
        own = values[strata == s]
        np.testing.assert_allclose(scaled[strata == s], (own - own.mean()) / own.std())
    for odd in (np.exp(3 * values), np.where(np.arange(60) == 5, 50.0, values), np.where(values > 2, np.inf, values)):
        np.testing.assert_array_equal(
            rank_tests.shift_scores(odd, strata), rank_tests.normal_scores_within(odd, strata)
        )
