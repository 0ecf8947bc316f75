"""Measure how much single hidden units tell about a group."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.ranks import midranks
from biasaudit.stats.strata import Floats, integer_codes, joint_codes, members_of

__all__ = ["rank_share"]


def rank_share(features: ArrayLike, groups: ArrayLike, blocks: ArrayLike) -> Floats:
    """Share of the variance of each unit's ranks that the groups explain inside blocks.

    Ranks are taken inside every block, so that neither a block's mean nor the scale of a unit counts. With one block
    this is (H - k + 1) / (n - k), H the statistic of Kruskal and Wallis (1952) for k groups; the correction is that of
    Kelley (1935), so that a unit that knows nothing has 0 on average and may fall below.

    Parameters
    ----------
    features
        (n, d) finite activations.
    groups
        (n,) what the units may know, such as the origin.
    blocks
        (n,) what is held fixed, such as the class; a block of one group tells nothing and is left out.

    Returns
    -------
    (d,) shares of at most 1; nan for all where no block holds two groups, and 0 for units that never vary.
    """
    values, groups, blocks = np.asarray(features, dtype=np.float64), integer_codes(groups), integer_codes(blocks)
    parts = [rows for rows in members_of(blocks) if 1 < len(np.unique(groups[rows])) < len(rows)]
    if not parts:
        return np.full(values.shape[1], np.nan)
    total, within = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for rows in parts:
        # Centred first, so that the ranks of a unit that never varies are zero to the last digit.
        ranks = (midranks(values[rows].T) - (len(rows) + 1) / 2) / len(rows)
        total += _squares(ranks)
        within += sum(_squares(ranks[:, own]) for own in members_of(groups[rows]))
    rows = np.concatenate(parts)
    cells = len(np.unique(joint_codes(blocks[rows], groups[rows])))
    ratio = np.divide(within, total, out=np.ones_like(total), where=total > 0)
    share = 1 - ratio * (len(rows) - len(parts)) / (len(rows) - cells)
    return np.where(total > 0, share, 0.0)


def _squares(ranks: Floats) -> Floats:
    """Sum of squares about the mean of every row."""
    return np.asarray(((ranks - ranks.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
