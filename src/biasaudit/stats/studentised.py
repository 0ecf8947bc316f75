"""Permutation test of a shift between origins that stays valid where origins spread differently.

A permutation test of the difference of means takes for granted that subjects of one class are exchangeable between
origins. Where a small origin has the larger spread, its statistic varies more than under permutation, and a network
whose scores differ between origins in spread alone is flagged. Divided by an estimate of its own variance, made anew
for every permutation, the statistic has the same limiting distribution in both.
"""

from __future__ import annotations

import numpy as np

from biasaudit.stats.permutation import RELATIVE_TOLERANCE, TestResult, p_value, permutation_blocks
from biasaudit.stats.strata import Floats, Indices, indicator_matrix, integer_codes

__all__ = ["POOLED_WEIGHT", "SMALL_CELLS", "studentised_test", "wald_statistics"]

POOLED_WEIGHT, SMALL_CELLS = 0.5, 10.0
"""How many observations' worth of the variance pooled over cells enters a cell's own.

The larger of the first number and the second over the mean size of the cells. Cells of one subject, or whose scores are
all alike, then have a variance, and many small cells do not drown the shift in the noise of theirs; in cells of some
subjects it fades. At 260 subjects of 36 origins in two classes the power is .75 where half an observation throughout
would have .65, and one common variance .82.
"""

_SMALLEST_DIRECTION = 1e-6
"""Share of the largest singular value below which a direction of the design is rounding."""


def studentised_test(
    ranks: Floats,
    design: Floats,
    cells: Indices,
    strata: Indices,
    blocks: tuple[int, np.random.Generator],
    null_scale: Floats | None = None,
) -> TestResult:
    """Permutation test of a Wald-type statistic: do scores shift between origins inside strata?

    Parameters
    ----------
    ranks
        (n,) scores of mean 0 inside strata.
    design
        (n, c) columns of mean 0 inside strata; those that follow from others count once.
    cells
        (n,) codes of the sets of subjects who share a variance: class x origin.
    strata
        (n,) codes: ranks are permuted inside.
    blocks
        Number of permutations m, and the source of randomness.
    null_scale
        (n,) factor on the spread of the observed scores, where permuting understates how much they vary; by default 1.

    Returns
    -------
    TestResult
        Exact where subjects are exchangeable inside strata, whatever their distribution; of nominal size in large
        samples where cells of equal mean differ in spread. p = 1 if the scores are constant inside strata.

    Raises
    ------
    ValueError
        If the number of permutations is below 1.

    Notes
    -----
    The hypothesis is that the scores handed in have equal means: of scores as they are no difference of means, of
    normal scores of ranks no difference of their means, which for symmetric scores is a relative effect of one half.
    With two origins the statistic is the square of Welch's. Measured size and power: docs/benchmarks.md.

    References
    ----------
    Janssen (1997), Statistics & Probability Letters 36:9; Chung and Romano (2013), Annals of Statistics 41:484; Pauly,
    Brunner and Konietschke (2015), Journal of the Royal Statistical Society B 77:461 (several groups); DiCiccio and
    Romano (2017), Journal of the American Statistical Association 112:1211 (regression).
    """
    n_permutations, generator = blocks
    columns, members = _directions(design), indicator_matrix(integer_codes(cells))
    scaled = ranks if null_scale is None else ranks * null_scale
    observed = float(wald_statistics(ranks[None, :], columns, members, scaled[None, :])[0])
    r = columns.shape[1]
    width = 2 + r + 3 * r * r // ranks.size
    arrangements = permutation_blocks(strata, n_permutations, generator, width)
    null = np.concatenate([wald_statistics(ranks[indices], columns, members) for indices in arrangements])
    return TestResult(observed, p_value(observed, null), ranks.size, null)


def _directions(design: Floats) -> Floats:
    """Orthonormal columns (n, r) that span the design."""
    left, sizes, _ = np.linalg.svd(design, full_matrices=False)
    kept: Floats = left[:, sizes > _SMALLEST_DIRECTION * sizes.max(initial=0.0)]
    return kept


def wald_statistics(rows: Floats, columns: Floats, members: Floats, spread: Floats | None = None) -> Floats:
    """Square the sums of scores and columns, each divided by what its own cells say of its variance.

    Parameters
    ----------
    rows
        (m, n) scores of mean 0.
    columns
        (n, r) linearly independent columns.
    members
        (n, k) indicators of the cells that share a variance; no cell is empty.
    spread
        (m, n) scores to measure the variances with; by default `rows`.

    Returns
    -------
    (m,) statistics u' V^-1 u, with u = rows @ columns; 0 where u is 0.
    """
    sums = rows @ columns
    variances = _cell_variances(rows if spread is None else spread, members)
    products = np.stack([columns[own > 0].T @ columns[own > 0] for own in members.T])
    usable = variances.max(axis=1) > 0
    covariance = np.tensordot(variances[usable], products, axes=1)
    found = np.zeros(rows.shape[0])
    found[usable] = (sums[usable] * np.linalg.solve(covariance, sums[usable][..., None])[..., 0]).sum(axis=1)
    return found


def _cell_variances(rows: Floats, members: Floats) -> Floats:
    """Variance (m, k) of every cell, drawn towards the pooled variance."""
    sizes = members.sum(axis=0)
    weight = max(POOLED_WEIGHT, SMALL_CELLS / sizes.mean())
    squares = np.maximum(0.0, rows**2 @ members - (rows @ members) ** 2 / sizes)
    freedom = float((sizes - 1).sum())
    inside = squares.sum(axis=1, keepdims=True) / max(1.0, freedom)
    total = (rows**2).mean(axis=1, keepdims=True)
    pooled = np.maximum(inside if freedom > 0 else total, RELATIVE_TOLERANCE * total)
    variances: Floats = (squares + weight * pooled) / (sizes - 1 + weight)
    return variances
