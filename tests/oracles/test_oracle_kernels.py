"""Kernel tests against refitting, double loops and enumeration."""

import itertools

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from biasaudit.stats import feature_tests, kernels


@pytest.fixture
def columns():
    generator = np.random.default_rng(21)
    return kernels.standardised_columns(generator.standard_normal((18, 7)) @ generator.standard_normal((7, 7)))


def leave_one_out_by_refitting(kernel, labels, ridge):
    scores = []
    for left_out in range(labels.size):
        kept = np.arange(labels.size) != left_out
        model = KernelRidge(alpha=ridge, kernel="precomputed").fit(kernel[np.ix_(kept, kept)], labels[kept])
        scores.append(model.predict(kernel[[left_out]][:, kept])[0])
    return np.array(scores)


def centred(kernel):
    n = kernel.shape[0]
    projection = np.eye(n) - 1 / n
    return projection @ kernel @ projection


def rbf(columns, squared_bandwidth):
    n = columns.shape[0]
    kernel = np.empty((n, n))
    for i, j in itertools.product(range(n), range(n)):
        kernel[i, j] = np.exp(-((columns[i] - columns[j]) ** 2).sum() / squared_bandwidth)
    return kernel


def median_of_pairs(columns):
    pairs = itertools.combinations(columns, 2)
    return np.median([((a - b) ** 2).sum() for a, b in pairs])


def mmd_by_double_loop(kernel, group):
    def mean(first, second):
        return np.mean([kernel[i, j] for i in first for j in second if i != j])

    inside, outside = np.flatnonzero(group), np.flatnonzero(~group)
    return mean(inside, inside) + mean(outside, outside) - 2 * mean(inside, outside)


def test_ridge_is_ledoit_wolf(columns):
    shrinkage = ledoit_wolf_shrinkage(columns, assume_centered=True)
    n, d = columns.shape
    expected = n * shrinkage / (1 - shrinkage) * (columns**2).sum() / (n * d)
    assert kernels.shrinkage_ridge(columns @ columns.T, d) == pytest.approx(expected)


def test_half_rank_ridge_halves_the_degrees_of_freedom(columns):
    kernel = centred(rbf(columns, median_of_pairs(columns)))
    ridge = kernels.half_rank_ridge(np.linalg.eigvalsh(kernel))
    freedom = np.trace(kernel @ np.linalg.inv(kernel + ridge * np.eye(18)))
    assert freedom == pytest.approx(np.linalg.matrix_rank(kernel) / 2)


@pytest.mark.parametrize("name", ["linear", "rbf"])
def test_closed_form_scores_equal_refitting(columns, name):
    block = feature_tests.feature_block(columns, np.arange(18))
    if name == "linear":
        kernel, operator = columns @ columns.T, block.linear
        ridge = kernels.shrinkage_ridge(kernel, 7)
    else:
        kernel, operator = centred(rbf(columns, median_of_pairs(columns))), block.rbf
        ridge = kernels.half_rank_ridge(np.linalg.eigvalsh(kernel))
    labels = (np.arange(18) % 3 == 0) - 1 / 3
    np.testing.assert_allclose(operator @ labels, leave_one_out_by_refitting(kernel, labels, ridge))


def test_mmd_is_the_unbiased_double_loop(columns):
    kernel = rbf(columns, feature_tests.MMD_BANDWIDTH_SHARE * median_of_pairs(columns))
    block = feature_tests.feature_block(columns, np.arange(18))
    group = np.arange(18) < 7
    expected = mmd_by_double_loop(kernel, group)
    assert feature_tests.squared_mmd(block.similarity, group[None, :] * 1.0)[0] == pytest.approx(expected)


def test_fourth_powers_are_of_standardised_differences(columns):
    group = np.arange(18) < 7
    expected = sum((column[group].sum() / np.sqrt(7 * 11 / 17 * column.var())) ** 4 for column in columns.T)
    assert feature_tests.fourth_powers(columns, group[None, :] * 1.0)[0] == pytest.approx(expected)


def test_decorrelated_features_are_residuals_of_ridge_regressions(columns):
    """Each is, up to its scale, the feature less what a ridge regression on all others predicts of it."""
    ridge = 2.5
    decorrelated = kernels.decorrelated_columns(columns, *np.linalg.eigh(columns @ columns.T), ridge)
    for j in range(7):
        others = np.delete(columns, j, axis=1)
        residual = columns[:, j] - Ridge(alpha=ridge, fit_intercept=False).fit(others, columns[:, j]).predict(others)
        np.testing.assert_allclose(decorrelated[:, j], residual / residual.std(), atol=1e-9)


def test_statistics_of_two_blocks_and_three_origins_by_loops():
    generator = np.random.default_rng(22)
    features = generator.standard_normal((30, 4))
    origin, blocks = np.tile([0, 1, 2], 10), np.repeat([0, 1], [12, 18])
    parts = [feature_tests.feature_block(features, np.flatnonzero(blocks == b)) for b in (0, 1)]
    result = feature_tests.feature_difference_test(features, origin, blocks, 9, generator)
    linear, mmd, sparse = [], [], []
    for k in range(3):
        scores, labels, discrepancies, powers = [], [], [], []
        for b, part in enumerate(parts):
            inside = np.flatnonzero(blocks == b)
            label = (origin[inside] == k) - np.mean(origin[inside] == k)
            own = kernels.standardised_columns(features[inside])
            gram = own @ own.T
            ridge = kernels.shrinkage_ridge(gram, 4)
            scores.append(leave_one_out_by_refitting(gram, label, ridge))
            labels.append(label)
            kernel = rbf(own, feature_tests.MMD_BANDWIDTH_SHARE * median_of_pairs(own))
            discrepancies.append(inside.size * mmd_by_double_loop(kernel, origin[inside] == k))
            powers.append(feature_tests.fourth_powers(part.columns, (origin[inside] == k)[None, :] * 1.0)[0])
        score, label = np.concatenate(scores), np.concatenate(labels)
        linear.append(score @ label / np.sqrt(score @ score * (label @ label)))
        mmd.append(sum(discrepancies) / 30)
        sparse.append(sum(powers))
    assert result.statistics["linear"] == pytest.approx(np.mean(linear))
    assert result.statistics["mmd"] == pytest.approx(np.mean(mmd))
    assert result.statistics["sparse"] == pytest.approx(np.mean(sparse))
