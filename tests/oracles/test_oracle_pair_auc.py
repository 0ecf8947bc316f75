"""The AUC over pairs and its two variances, pair by pair, against the sorted computation."""

import numpy as np
import pytest

from biasaudit.stats.pair_auc import Block, pair_auc


def paper_faithful(scores, blocks):
    """Loop over pairs; DeLong's variance sums squared components, Hanley and McNeil's counts shared subjects."""
    total = sum(block.weight for block in blocks)
    pairs = {}
    for block in blocks:
        for i in block.positive:
            for j in block.negative:
                pairs[i, j] = block.weight / total / (block.positive.size * block.negative.size)
    won = {pair: (scores[pair[0]] > scores[pair[1]]) + (scores[pair[0]] == scores[pair[1]]) / 2 for pair in pairs}
    area = sum(share * won[pair] for pair, share in pairs.items())
    delong = sum(
        sum(share * (won[pair] - area) for pair, share in pairs.items() if pair[side] == subject) ** 2
        for side in (0, 1)
        for subject in range(scores.size)
    )
    shared = sum(
        first * second
        for one, first in pairs.items()
        for two, second in pairs.items()
        if (one[0] == two[0]) != (one[1] == two[1])
    )
    return area, delong, sum(share**2 for share in pairs.values()), shared


def test_pairs_by_hand():
    generator = np.random.default_rng(8)
    scores = generator.integers(0, 6, size=18).astype(float)
    blocks = [
        Block(np.array([0, 1, 2]), np.array([9, 10, 11, 12]), 2.0),
        Block(np.array([0, 1, 2]), np.array([13, 14]), 0.7),
        Block(np.array([3, 4]), np.array([13, 14]), 1.0),
        Block(np.array([5]), np.array([15, 16, 17]), 0.4),
    ]
    found = pair_auc(scores, blocks)
    area, delong, single, shared = paper_faithful(scores, blocks)
    assert found.estimate == pytest.approx(area)
    assert found.influence @ found.influence == pytest.approx(delong)
    spread = (1 - 0.8) / (2 - 0.8) + 0.8 / 1.8
    assert found.variance(0.8) == pytest.approx(0.16 * (single + shared / 2 * spread))
