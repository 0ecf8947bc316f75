"""Bring the logits of different folds onto one scale: they come from different networks.

`standardised_logits` is for questions inside a class, `aligned_logits` for those that compare classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.strata import (
    Floats,
    Indices,
    indicator_matrix,
    integer_codes,
    members_of,
    require_same_length,
    vector_without_nan,
)

__all__ = ["SMALLEST_CELL", "FoldScales", "aligned_logits", "fold_columns", "fold_scales", "standardised_logits"]


SMALLEST_CELL = 3
"""A cell of class and fold with fewer subjects has no spread to speak of: logits are then left as they are."""


def standardised_logits(logits: ArrayLike, positive: ArrayLike, folds: ArrayLike) -> Floats:
    """Logits of mean 0 inside every cell of class and fold, the folds brought to one scale.

    For questions asked inside a class. Ten subjects say little about the scale of their fold, so its logarithm is
    drawn towards the mean over folds as far as the folds differ by no more than chance.

    Parameters
    ----------
    logits
        (n,) finite numbers.
    positive
        (n,) booleans, or names or codes of more classes.
    folds
        (n,) codes.

    Returns
    -------
    (n,) numbers of variance near 1 inside classes. Where a cell has fewer than `SMALLEST_CELL` subjects the fold is
    not told apart: its class is standardised as a whole. A constant cell becomes 0.

    Notes
    -----
    Measured at 50 + 50 subjects in 5 folds, bias .25 (4 000 runs): power .664, against .646 when every fold is
    given its own scale, and .670 on a single network; .653 against .644 when offset and scale differ between folds
    (.415 without any standardisation).

    References
    ----------
    Bartlett and Kendall (1946), Supplement to the Journal of the Royal Statistical Society 8:128 (logarithm of a
    variance); Efron and Morris (1973), Journal of the American Statistical Association 68:117 (shrinkage).
    """
    values, classes = vector_without_nan(logits, "logits"), integer_codes(positive)
    codes = integer_codes(folds)
    require_same_length(logits=values, positive=classes, folds=codes)
    standardised = np.zeros(values.size)
    for members in members_of(classes):
        parts = list(members_of(codes[members])) if _told_apart(codes[members]) else [np.arange(members.size)]
        centred = [values[members[part]] - values[members[part]].mean() for part in parts]
        for part, deviations, scale in zip(parts, centred, _shrunken_scales(centred), strict=True):
            standardised[members[part]] = deviations / scale
    return standardised


def _shrunken_scales(parts: list[Floats]) -> Floats:
    """Return the standard deviation of every part, drawn towards their geometric mean; infinite for a constant part."""
    freedom = np.array([max(1, part.size - 1) for part in parts])
    variances = np.array([part @ part for part in parts]) / freedom
    varies = variances > 0
    scales = np.full(len(parts), np.inf)
    if varies.any():
        logarithms = np.log(variances[varies])
        noise = float((2 / freedom[varies]).mean())
        between = max(0.0, float(logarithms.var(ddof=1)) - noise) if logarithms.size > 1 else 0.0
        shrunken = logarithms.mean() + between / (between + noise) * (logarithms - logarithms.mean())
        scales[varies] = np.exp(shrunken / 2)
    return scales


def _told_apart(folds: Indices) -> bool:
    return min(rows.size for rows in members_of(folds)) >= SMALLEST_CELL


def fold_columns(positive: ArrayLike, folds: ArrayLike) -> Floats:
    """Mark the folds that `standardised_logits` tells apart, for tests that hold these folds fixed.

    Folds are dealt evenly over origins. Scores centred inside folds therefore vary less under permutation of the
    origin inside a class than a test that knows nothing of folds supposes, which made its size .058 instead of .050.

    Parameters
    ----------
    positive
        (n,) booleans, or names or codes of more classes.
    folds
        (n,) codes.

    Returns
    -------
    (n, k) zeros and ones, 0 throughout in a class whose folds are not told apart.
    """
    classes, codes = integer_codes(positive), integer_codes(folds)
    columns = indicator_matrix(codes)
    for members in members_of(classes):
        if not _told_apart(codes[members]):
            columns[members] = 0.0
    return columns


def aligned_logits(logits: ArrayLike, positive: ArrayLike, folds: ArrayLike) -> Floats:
    """Logits with the midpoint of the classes and the spread inside classes made equal between folds.

    For questions that compare classes. One affine map per fold, so that ratios of differences of means inside a fold
    are untouched.

    Parameters
    ----------
    logits
        (n,) finite numbers.
    positive
        (n,) booleans.
    folds
        (n,) codes.

    Returns
    -------
    (n,) numbers in units of the spread inside classes, 0 halfway between the classes; the logits as they are if a
    fold has fewer than `SMALLEST_CELL` subjects of a class, or a spread of 0.
    """
    return fold_scales(logits, positive, folds).applied_to(logits, "logits")


@dataclass(frozen=True)
class FoldScales:
    """Midpoint and spread of the logits in every subject's fold.

    Attributes
    ----------
    centre
        (n,) midpoint of the classes.
    spread
        (n,) standard deviation inside classes.
    """

    centre: Floats
    spread: Floats

    def applied_to(self, logits: ArrayLike, name: str) -> Floats:
        """Bring logits (n,) of the same networks onto one scale; `name` is what an error calls them."""
        aligned: Floats = (vector_without_nan(logits, name) - self.centre) / self.spread
        return aligned


def fold_scales(logits: ArrayLike, positive: ArrayLike, folds: ArrayLike) -> FoldScales:
    """Measure the midpoint of the classes and the spread inside classes of every fold.

    Parameters
    ----------
    logits
        (n,) finite numbers.
    positive
        (n,) booleans.
    folds
        (n,) codes.

    Returns
    -------
    FoldScales
        0 and 1 throughout if a fold has fewer than `SMALLEST_CELL` subjects of a class, or a spread of 0.
    """
    values, truth = vector_without_nan(logits, "logits"), np.asarray(positive, dtype=bool)
    unscaled = FoldScales(np.zeros(values.size), np.ones(values.size))
    centre, spread = np.zeros(values.size), np.ones(values.size)
    for rows in members_of(integer_codes(folds)):
        first, second = values[rows][truth[rows]], values[rows][~truth[rows]]
        if min(first.size, second.size) < SMALLEST_CELL:
            return unscaled
        squares = first.var() * first.size + second.var() * second.size
        if not squares > 0:
            return unscaled
        centre[rows] = (first.mean() + second.mean()) / 2
        spread[rows] = np.sqrt(squares / (rows.size - 2))
    return FoldScales(centre, spread)
