"""Estimate how many subjects a statement would take."""

from __future__ import annotations

from math import ceil

from scipy.special import ndtri

__all__ = ["FEASIBLE", "equivalence_cell_size", "feasible"]

FEASIBLE = 1_000_000
"""Larger numbers of subjects say that the estimate itself leaves no room, not what to collect."""


def feasible(subjects: float) -> int | None:
    """Round a number of subjects up; None if nobody could collect them."""
    return ceil(subjects) if subjects <= FEASIBLE else None


def equivalence_cell_size(delta: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Subjects of each class in each of two origins that let an AUC be shown to lie within `delta` of .5.

    Two one-sided tests (Schuirmann 1987, doi:10.1007/BF01068419) of the AUC of origin from the scores, averaged over
    two classes, where the truth is .5. With m subjects on each side of one class the variance of the AUC is about
    1 / (6 m) (Mann & Whitney 1947, doi:10.1214/aoms/1177730491), half of that for the mean of two classes.

    Parameters
    ----------
    delta : float
        Largest difference from .5 that counts as none, 0 to .5.
    alpha : float
        Level of each one-sided test.
    power : float
        Chance that both reject.

    Examples
    --------
    >>> equivalence_cell_size(0.10)
    72
    """
    quantiles = ndtri(1 - alpha) + ndtri((1 + power) / 2)
    return ceil(float(quantiles) ** 2 / (12 * delta**2))
