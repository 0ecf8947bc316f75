"""How useful a column is to tell the classes apart, and how well it shows in features: both make a short cut likely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.decoding import decode
from biasaudit.stats.fold_auc import cross_validated_auc_statistic
from biasaudit.stats.prediction import ridge_scores
from biasaudit.stats.strata import Floats, Indices, integer_codes, members_of

__all__ = ["Attribute", "detectability", "levels_inside", "ranked", "utility"]

FEWEST = 4
"""Subjects of a level, inside a class, below which it is not told apart."""

_CHANCE_DRAWS = 49
"""Permutations that say what area chance reaches, where the classifiers are judged by leaving one out."""

Value = float | str | None


@dataclass(frozen=True)
class Attribute:
    """One column: both shares run from 0 (chance) to 1 (without error).

    Attributes
    ----------
    column
        Its name.
    utility
        How well it tells the classes apart.
    detectability
        How well features show it inside classes; None where it does not vary inside any.
    """

    column: str
    utility: float
    detectability: float | None

    @property
    def product(self) -> float | None:
        """Utility times detectability; None where one is not known."""
        return None if self.detectability is None else self.utility * self.detectability


def utility(columns: ArrayLike, positive: ArrayLike, folds: ArrayLike) -> float:
    """Gini coefficient 2 AUC - 1 of held-out ridge scores of the class from one column; 0 where that is below chance.

    Parameters
    ----------
    columns
        (n, d) what `encode_columns` made of the column, gaps included.
    positive
        (n,) booleans.
    folds
        (n,) codes.

    Returns
    -------
    float
        0 to 1.
    """
    codes, blocks = integer_codes(positive), integer_codes(folds)
    if blocks.max(initial=0) == 0 or codes.max(initial=0) == 0:
        return 0.0
    area = cross_validated_auc_statistic(ridge_scores(columns, codes, blocks), codes, blocks)
    return _above_chance(area)


def levels_inside(cells: Sequence[Value], classes: Indices) -> Indices:
    """Levels of a column by which subjects of one class can be told apart, (n,); -1 where a subject takes no part.

    Words are levels, and so is a missing one. Numbers are above or below the median of their class; a missing number
    takes no part. Levels with fewer than four subjects in a class take no part there.

    Parameters
    ----------
    cells
        (n,) numbers or words, None where missing.
    classes
        (n,) codes.
    """
    named = [cell for cell in cells if cell is not None]
    found = np.full(classes.size, -1, dtype=np.intp)
    if any(isinstance(cell, str) for cell in named):
        codes = integer_codes(np.array(["" if cell is None else f"={cell}" for cell in cells]))
    else:
        codes = _halves(np.array([np.nan if cell is None else float(cell) for cell in cells]), classes)
    for members in members_of(classes):
        own = codes[members]
        kept = (own >= 0) & np.isin(own, np.flatnonzero(np.bincount(own[own >= 0]) >= FEWEST))
        found[members[kept]] = own[kept]
    return found


def detectability(
    features: ArrayLike, levels: Indices, blocks: ArrayLike, generator: np.random.Generator
) -> float | None:
    """Gini coefficient of leave-one-out ridge scores of a column's levels from features; 0 where below chance.

    Parameters
    ----------
    features
        (n, d) numbers; rows with one that is not finite take no part.
    levels
        (n,) of `levels_inside`.
    blocks
        (n,) codes inside which subjects are compared: class, and network where features are of several.
    generator
        Source of randomness.

    Returns
    -------
    float or None
        0 to 1; None where no block holds two levels.
    """
    values, codes = np.asarray(features, dtype=np.float64), integer_codes(blocks)
    kept = (levels >= 0) & np.isfinite(values).all(axis=1)
    if np.unique(levels[kept]).size < 2:
        return None
    found = decode(values[kept], levels[kept], codes[kept], _CHANCE_DRAWS, generator)
    return None if np.isnan(found.auc) else _above_chance(found.auc)


def ranked(attributes: Sequence[Attribute]) -> list[Attribute]:
    """Sort by the product, then by the utility; columns whose product is not known come last."""
    return sorted(attributes, key=lambda own: (own.product is None, -(own.product or 0.0), -own.utility, own.column))


def _halves(numbers: Floats, classes: Indices) -> Indices:
    found = np.full(numbers.size, -1, dtype=np.intp)
    for members in members_of(classes):
        known = members[np.isfinite(numbers[members])]
        if known.size:
            found[known] = numbers[known] > np.median(numbers[known])
    return found


def _above_chance(area: float) -> float:
    return float(max(0.0, 2 * area - 1)) if np.isfinite(area) else 0.0
