"""Estimate the shares of the features' variance that the disease and the origin explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.kernels import standardised_columns
from biasaudit.stats.strata import Floats, Indices, indicator_matrix, integer_codes, members_of, require_same_length

__all__ = ["VariancePartition", "variance_partition"]


@dataclass(frozen=True)
class VariancePartition:
    """Outcome of `variance_partition`.

    Attributes
    ----------
    disease
        Share of the variance owed to the class beyond the origin, about 0 for noise and at most 1; nan where the origin
        determines the class.
    origin
        Share owed to the origin beyond the class; nan where the class determines the origin.
    """

    disease: float
    origin: float


def variance_partition(
    features: ArrayLike, positive: ArrayLike, origin: ArrayLike, blocks: ArrayLike
) -> VariancePartition:
    """Part the variance of standardised features between class and origin.

    Sums of squares are taken inside blocks and added up. What chance explains is subtracted (the residual mean square
    for every degree of freedom spent), so that features of pure noise give 0 on average.

    Parameters
    ----------
    features
        (n, d) finite features; those of different blocks need not be comparable.
    positive
        (n,) booleans or codes of the class.
    origin
        (n,) names or codes.
    blocks
        (n,) codes: the network that made the features.

    Returns
    -------
    VariancePartition

    References
    ----------
    McArdle and Anderson (2001), Ecology 82:290 (partial sums of squares of many variables); Kelley (1935), PNAS 21:554
    (the correction, epsilon squared).
    """
    values = np.asarray(features, dtype=np.float64)
    classes, origins, folds = integer_codes(positive), integer_codes(origin), integer_codes(blocks)
    require_same_length(features=values, positive=classes, origin=origins, blocks=folds)
    sums = np.zeros(4)  # total, residual, beyond the origin, beyond the class
    freedom = np.zeros(3)  # residual, beyond the origin, beyond the class
    for members in members_of(folds):
        squares, spent = _of_block(values[members], classes[members], origins[members])
        sums += squares
        freedom += spent
    total, residual, disease, site = sums
    if total == 0 or freedom[0] <= 0:
        return VariancePartition(float("nan"), float("nan"))
    noise = residual / freedom[0]
    shares = [
        float((own - spent * noise) / total) if spent else float("nan")
        for own, spent in ((disease, freedom[1]), (site, freedom[2]))
    ]
    return VariancePartition(*shares)


def _of_block(features: Floats, classes: Indices, origins: Indices) -> tuple[Floats, Floats]:
    columns = standardised_columns(features)
    n = classes.size
    class_design = indicator_matrix(classes, int(classes.max()) + 1)
    origin_design = indicator_matrix(origins, int(origins.max()) + 1)
    (by_class, rank_class), (by_origin, rank_origin), (by_both, rank_both) = (
        _explained(columns, design)
        for design in (class_design, origin_design, np.hstack([class_design, origin_design]))
    )
    total = float((columns**2).sum())
    squares = np.array([total, total - by_both, by_both - by_origin, by_both - by_class])
    # Every column spends its own degrees of freedom, and all of them share the design's.
    freedom = np.array([n - rank_both, rank_both - rank_origin, rank_both - rank_class], dtype=np.float64)
    return squares, freedom


def _explained(columns: Floats, design: Floats) -> tuple[float, int]:
    """Sum of squares that a design explains, and its rank."""
    left, values, _ = np.linalg.svd(design, full_matrices=False)
    rank = int((values > 1e-9 * values[0]).sum())
    return float(((left[:, :rank].T @ columns) ** 2).sum()), rank
