"""Stratified areas, pair by pair."""

import numpy as np
import pytest

from biasaudit.stats.retraining import overlap_factor, stratified_auc
from biasaudit.stats.subsampling import common_training_size


def slow_area(scores, positive, strata):
    won, pairs = 0.0, 0
    for i in range(len(scores)):
        for j in range(len(scores)):
            if positive[i] and not positive[j] and strata[i] == strata[j]:
                pairs += 1
                won += 1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0
    return won / pairs if pairs else float("nan")


@pytest.mark.parametrize("seed", range(6))
def test_areas(seed):
    generator = np.random.default_rng(seed)
    positive, strata = generator.random(24) < 0.5, generator.integers(0, 4, 24)
    scores = (positive[:, None] + generator.normal(size=(24, 3))).round(1)  # with ties
    expected = [slow_area(column, positive, strata) for column in scores.T]
    np.testing.assert_allclose(stratified_auc(scores, positive, strata), expected)


@pytest.mark.parametrize(("tested", "trained"), [([9, 8, 8], [16, 17, 17]), ([3, 30], [30, 3])])
def test_overlap_is_a_sum_over_folds(tested, trained):
    total = 0.0
    for n, m in zip(tested, trained, strict=True):
        total += n / m
    assert overlap_factor(tested, trained) == pytest.approx((1 + total) ** 0.5)


@pytest.mark.parametrize("seed", range(20))
def test_common_size_is_the_largest_that_every_level_allows(seed):
    generator = np.random.default_rng(seed)
    positive, side = generator.random(90) < 0.4, generator.random(90) < 0.6
    levels = (0.0, 0.4, 0.8)
    fits = []
    for size in range(0, 91, 2):
        for level in levels:
            together = round(size * (1 + level) / 4)
            apart = size // 2 - together
            wanted = {(False, False): together, (True, True): together, (False, True): apart, (True, False): apart}
            if any(((positive == p) & (side == s)).sum() < count for (p, s), count in wanted.items()):
                break
        else:
            fits.append(size)
    assert common_training_size(positive, side, levels) == max(fits)
