from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.attribute_ranking import Attribute, detectability, levels_inside, ranked, utility
from biasaudit.stats.prediction import encode_columns


@pytest.fixture
def cohort():
    """Two classes of 120 in three folds."""
    return np.arange(240) % 2 == 1, np.arange(240) // 2 % 3, np.random.default_rng(0)


def useful(cells, positive, folds):
    return utility(encode_columns({"column": cells}).of("column"), positive, folds)


def test_utility_is_the_gini_coefficient_of_the_class(cohort):
    positive, folds, chance = cohort
    assert useful(np.where(positive, "x", "y").tolist(), positive, folds) == 1.0
    noisy = np.where(chance.random(240) < 0.2, ~positive, positive)
    # An AUC of .8 of two levels that are right four times in five.
    assert useful(np.where(noisy, "x", "y").tolist(), positive, folds) == pytest.approx(0.6, abs=0.1)
    assert useful(chance.normal(size=240).tolist(), positive, folds) < 0.15
    absent = [None if ill else 1.0 for ill in positive]
    assert useful(absent, positive, folds) == 1.0


def test_one_class_or_one_fold_is_no_use(cohort):
    positive, folds, _ = cohort
    column = np.ones((240, 1)) * positive[:, None]
    assert utility(column, np.zeros(240, dtype=bool), folds) == 0.0
    assert utility(column, positive, np.zeros(240, dtype=int)) == 0.0


def test_what_shows_inside_classes_is_detectable(cohort):
    positive, folds, chance = cohort
    site = np.where(chance.random(240) < 0.5, "a", "b")
    features = chance.normal(size=(240, 6))
    features[:, 2] += 4 * (site == "a")
    features[folds == 1] *= -3  # another network: nothing is compared across
    levels = levels_inside(site.tolist(), positive.astype(int))
    found = detectability(features, levels, 2 * folds + positive, chance)
    assert found > 0.9
    assert detectability(chance.normal(size=(240, 6)), levels, positive.astype(int), chance) < 0.25


def test_what_the_class_decides_is_not_detectable_inside_it(cohort):
    positive, _, chance = cohort
    features = chance.normal(size=(240, 3)) + 5 * positive[:, None]
    levels = levels_inside(np.where(positive, "b", "a").tolist(), positive.astype(int))
    assert detectability(features, levels, positive.astype(int), chance) is None


def test_levels_of_numbers_words_and_gaps():
    classes = np.repeat([0, 1], 10)
    numbers = [float(value) for value in range(19)] + [None]
    assert levels_inside(numbers, classes).tolist() == [0] * 5 + [1] * 5 + [0] * 5 + [1] * 4 + [-1]
    words = ["x"] * 5 + [None] * 4 + ["rare"] + ["x"] * 10
    assert len(set(levels_inside(words, classes)[:9])) == 2
    assert levels_inside(words, classes)[9] == -1
    assert (levels_inside([None] * 20, classes) == -1).all()


def test_rows_that_are_not_finite_take_no_part(cohort):
    positive, _, chance = cohort
    features = chance.normal(size=(240, 3))
    levels = levels_inside(chance.normal(size=240).tolist(), positive.astype(int))
    features[::2] = np.nan
    assert detectability(features, levels, positive.astype(int), chance) is not None
    assert detectability(np.full((240, 3), np.nan), levels, positive.astype(int), chance) is None


def test_the_order_is_by_the_product_and_the_unknown_come_last():
    rows = [Attribute("seen", 0.1, 0.9), Attribute("hidden", 1.0, None), Attribute("both", 0.6, 0.5)]
    assert [own.column for own in ranked(rows)] == ["both", "seen", "hidden"]
    assert rows[1].product is None
