import numpy as np
import pytest
from sklearn.linear_model import Ridge

from biasaudit.stats.fold_auc import cross_validated_auc_statistic
from biasaudit.stats.prediction import PENALTY, encode_columns, ridge_prediction_test, ridge_scores


@pytest.fixture
def chance():
    return np.random.default_rng(3)


def draw(chance, n=60, columns=4, classes=2, shift=0.0):
    codes = np.arange(n) % classes
    matrix = chance.normal(size=(n, columns))
    matrix[:, 0] += shift * codes
    return matrix, codes, np.arange(n) // classes % 5


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("columns", [3, 90])
def test_scores_are_those_of_scikit_learn(chance, classes, columns):
    matrix, codes, folds = draw(chance, columns=columns, classes=classes)
    expected = np.empty((codes.size, classes))
    for fold in range(5):
        held, own = folds == fold, folds != fold
        centre, scale = matrix[own].mean(0), matrix[own].std(0)
        ridge = Ridge(alpha=PENALTY * (own.sum() + columns))
        ridge.fit((matrix[own] - centre) / scale, np.eye(classes)[codes[own]])
        expected[held] = ridge.predict((matrix[held] - centre) / scale)
    np.testing.assert_allclose(ridge_scores(matrix, codes, folds), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_statistic_and_null_are_those_of_trainings_done_again(chance, classes):
    """Slow and literal: the classifier is trained anew for every permuted label."""
    matrix, codes, folds = draw(chance, n=30, classes=classes)
    found = ridge_prediction_test(matrix, codes, folds, 20, np.random.default_rng(1))
    literal = cross_validated_auc_statistic(ridge_scores(matrix, codes, folds), codes, folds)
    assert found.test.statistic == pytest.approx(literal, abs=1e-12)
    again = np.random.default_rng(1)
    indices = np.tile(np.arange(30), (20, 1))
    for fold in range(5):
        members = np.flatnonzero(folds == fold)
        indices[:, members] = members[np.argsort(again.random((20, members.size)), axis=1)]
    null = [
        cross_validated_auc_statistic(ridge_scores(matrix, codes[row], folds), codes[row], folds) for row in indices
    ]
    np.testing.assert_allclose(found.test.null, null, atol=1e-12)


def test_a_planted_difference_is_found(chance):
    found = ridge_prediction_test(*draw(chance, n=120, shift=1.5), 199, chance)
    assert found.test.p_value == 1 / 200
    assert found.accuracy > 0.7 > found.baseline == 0.5


@pytest.mark.parametrize("columns", [np.empty((12, 0)), np.zeros((12, 2))])
def test_nothing_to_predict_with_or_from(chance, columns):
    codes, folds = np.arange(12) % 2, np.arange(12) // 2 % 3
    found = ridge_prediction_test(columns, codes, folds, 19, chance)
    assert found.test.p_value == 1 if columns.shape[1] else np.isnan(found.test.p_value)


def test_one_fold_or_one_class_in_every_fold(chance):
    matrix, codes, _ = draw(chance, n=12)
    assert np.isnan(ridge_prediction_test(matrix, codes, np.zeros(12), 19, chance).test.p_value)
    assert np.isnan(ridge_prediction_test(matrix, codes, codes, 19, chance).test.p_value)


def test_gaps_are_refused(chance):
    matrix, codes, folds = draw(chance)
    matrix[3, 1] = np.nan
    with pytest.raises(ValueError, match="impute what is missing first"):
        ridge_prediction_test(matrix, codes, folds, 19, chance)


def test_columns_of_numbers_and_words():
    encoded = encode_columns(
        {
            "age": [30.0, None, 50.0, 40.0],
            "sex": ["f", "m", "f", None],
            "constant": [1.0, 1.0, 1.0, 1.0],
            "everybody's own": ["a", "b", "c", "d"],
            "nothing": [None, None, None, None],
        }
    )
    assert encoded.owner == ("age", "age", "sex", "sex")
    np.testing.assert_array_equal(encoded.of("age"), [[30, 0], [40, 1], [50, 0], [40, 0]])
    np.testing.assert_array_equal(encoded.of("sex"), [[1, 0], [0, 0], [1, 0], [0, 1]])


def test_many_categories_share_a_column():
    cells = [str(number % 14) for number in range(280)]
    assert encode_columns({"scanner": cells}).matrix.shape == (280, 11)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "columns", "classes"), [(60, 5, 2), (100, 60, 2), (90, 8, 3)])
def test_size(n, columns, classes):
    chance = np.random.default_rng(11)
    runs = 1000
    hits = sum(
        ridge_prediction_test(*draw(chance, n, columns, classes), 99, chance).test.p_value <= 0.05 for _ in range(runs)
    )
    assert abs(hits / runs - 0.05) < 2.6 * np.sqrt(0.05 * 0.95 / runs)
