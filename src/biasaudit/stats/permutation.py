"""Permutations that exchange subjects only inside strata, and the p-values that follow from them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from biasaudit.stats.strata import (
    Floats,
    Indices,
    integer_codes,
    joint_codes,
    members_of,
)

CELLS_PER_BLOCK = 2**21
"""Numbers held at once by one block of permutations; bounds the memory of a test."""


RELATIVE_TOLERANCE = 1e-9
"""Statistics closer than this are equal: sums in another order differ in their last digits."""


@dataclass(frozen=True)
class TestResult:
    """Outcome of one test.

    Attributes
    ----------
    statistic
        The observed statistic; nan if there was nothing to compare.
    p_value
        From 1 / (1 + m) to 1; nan if there was nothing to compare.
    n
        Subjects that took part.
    null
        (m,) the statistic under each permutation; empty if there was nothing to compare.
    reason
        Why `p_value` is nan; empty otherwise.
    """

    __test__: ClassVar[bool] = False  # the name begins with Test, and pytest would collect it

    statistic: float
    p_value: float
    n: int
    null: Floats = field(repr=False)
    reason: str = ""


def nothing_to_compare(reason: str) -> TestResult:
    """Outcome of a test that could not be made.

    Parameters
    ----------
    reason
        What is missing, one clause.

    Returns
    -------
    TestResult
        With nan for statistic and p-value, and 0 subjects.
    """
    return TestResult(float("nan"), float("nan"), 0, np.empty(0), reason)


def permutation_indices(strata: ArrayLike, n_permutations: int, generator: np.random.Generator) -> Indices:
    """Draw permutations that exchange subjects only inside strata.

    Parameters
    ----------
    strata
        (n,) codes or names.
    n_permutations
        Number of permutations m, at least 1.
    generator
        Source of randomness.

    Returns
    -------
    (m, n) indices: `values[indices]` are the permuted values, and `strata[indices]` equals
    `strata` in every row.

    Raises
    ------
    ValueError
        If `n_permutations` is below 1.
    """
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be 1 or more, got {n_permutations}")
    codes = integer_codes(strata)
    indices = np.tile(np.arange(codes.size, dtype=np.intp), (n_permutations, 1))
    for members in members_of(codes):
        if members.size > 1:
            keys = generator.random((n_permutations, members.size))
            indices[:, members] = members[np.argsort(keys, axis=1)]
    return indices


def permutation_blocks(
    strata: ArrayLike, n_permutations: int, generator: np.random.Generator, width: int = 1
) -> Iterator[Indices]:
    """Yield `permutation_indices` in blocks of bounded memory.

    Parameters
    ----------
    strata
        (n,) codes or names.
    n_permutations
        Number of permutations in all.
    generator
        Source of randomness.
    width
        Numbers that the caller holds per permutation and subject.

    Yields
    ------
    (b, n) indices; the blocks add up to `n_permutations` rows.

    Raises
    ------
    ValueError
        If `n_permutations` is below 1.
    """
    codes = integer_codes(strata)
    size = max(1, CELLS_PER_BLOCK // max(1, codes.size * width))
    for start in range(0, max(n_permutations, 1), size):
        yield permutation_indices(codes, min(size, n_permutations - start), generator)


def smallest_p(strata: ArrayLike, groups: ArrayLike, n_permutations: int) -> float:
    """Smallest p-value that permuting group labels inside strata can give, but for chance.

    Parameters
    ----------
    strata
        (n,) codes or names.
    groups
        (n,) codes or names of what is permuted.
    n_permutations
        Number of permutations m.

    Returns
    -------
    float
        The larger of 1 / (1 + m) and 1 / the number of arrangements that differ.
    """
    codes, names = integer_codes(strata), integer_codes(groups)
    sizes, cells = np.bincount(codes), np.bincount(joint_codes(codes, names))
    arrangements = float(gammaln(sizes + 1).sum() - gammaln(cells + 1).sum())
    return max(1 / (1 + n_permutations), float(np.exp(-arrangements)))


def p_value(observed: float, null: ArrayLike) -> float:
    """Permutation p-value, the observed arrangement counted as one of the permutations.

    Parameters
    ----------
    observed
        The observed statistic, large if the null hypothesis is wrong.
    null
        (m,) the statistic under permutation; nan count as large.

    Returns
    -------
    (1 + #{null >= observed}) / (1 + m), never 0; nan if `observed` is nan. Values within
    `RELATIVE_TOLERANCE` count as equal.

    References
    ----------
    Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39.
    """
    if np.isnan(observed):
        return float("nan")
    values = np.asarray(null, dtype=np.float64)
    floor = observed - RELATIVE_TOLERANCE * max(1.0, abs(observed))
    return (1 + int((~(values < floor)).sum())) / (1 + values.size)
