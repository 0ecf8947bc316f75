"""The answer key: scores by class and origin, where some origin holds several classes. No audit can replace it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from biasaudit.stats.effects import auc

__all__ = ["AnswerKey", "Cell", "answer_key"]

Texts = npt.NDArray[np.str_]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_FEWEST = 2
_DRAWS = 400
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class Cell:
    """Subjects of one class and origin.

    Attributes
    ----------
    label, origin : str
    n : int
    mean : float
        Of their scores.
    """

    label: str
    origin: str
    n: int
    mean: float


@dataclass(frozen=True)
class AnswerKey:
    """What separates the scores: the classes inside an origin, or the origins inside a class.

    Attributes
    ----------
    cells : tuple of Cell
    overall : float
        AUC of the class over all subjects; nan with one class.
    inside_origin : float
        AUC of the class inside the origins that hold both, mean weighted by their pairs of subjects; nan without one.
    inside_class : float
        AUC of one origin against another inside a class, root mean square of its departure from .5 weighted likewise,
        without what chance adds to it: .5 where origins differ no more than by chance, 1 where each parts from each.
    origin_over_class : tuple of float
        Bootstrap interval (95 %) of the square of the departure by origin less that by class; nan where either is.
    """

    cells: tuple[Cell, ...]
    overall: float
    inside_origin: float
    inside_class: float
    origin_over_class: tuple[float, float]


def answer_key(
    scores: npt.ArrayLike, positive: npt.ArrayLike, label: npt.ArrayLike, origin: npt.ArrayLike
) -> AnswerKey:
    """Describe scores by class and origin.

    Parameters
    ----------
    scores : float (n,)
        One per subject.
    positive : bool (n,)
        Side of the class.
    label, origin : str (n,)

    Returns
    -------
    AnswerKey

    References
    ----------
    The AUC: Hanley and McNeil (1982), Radiology 143:29. The bootstrap, by class and origin: Efron and Tibshirani
    (1993), An Introduction to the Bootstrap.
    """
    values, side = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    labels, origins = np.asarray(label, dtype=str), np.asarray(origin, dtype=str)
    weights = _draws(side, origins)
    by_class = _mean(_part(values, weights, origins == own, side) for own in np.unique(origins))[0]
    by_origin = _mean(_pairs_of_origins(values, weights, side, origins))[1]
    low, high = _interval(by_origin - np.sign(by_class) * by_class**2)
    return AnswerKey(
        tuple(_cells(values, labels, origins)),
        auc(values, side),
        float(0.5 + by_class[0]),
        float(0.5 + np.sqrt(np.maximum(by_origin[0], 0))),
        (low, high),
    )


def _cells(values: Floats, labels: Texts, origins: Texts) -> Iterator[Cell]:
    for label, origin in sorted(set(zip(labels.tolist(), origins.tolist(), strict=True))):
        own = values[(labels == label) & (origins == origin)]
        yield Cell(label, origin, len(own), float(own.mean()))


def _draws(side: Bools, origins: Texts) -> Floats:
    """How often every subject counts, (1 + draws, n): once, and as drawn anew among those of its class and origin."""
    generator = np.random.default_rng(0)
    weights = np.ones((1 + _DRAWS, len(side)))
    for origin in np.unique(origins):
        for own in (False, True):
            cell = (origins == origin) & (side == own)
            n = int(cell.sum())
            if n:
                weights[1:, cell] = generator.multinomial(n, np.full(n, 1 / n), size=_DRAWS)
    return weights


def _pairs_of_origins(values: Floats, weights: Floats, side: Bools, origins: Texts) -> Iterator[tuple[Floats, Floats]]:
    """Compare every two origins inside each class that both hold."""
    for first, second in combinations(np.unique(origins).tolist(), 2):
        both = (origins == first) | (origins == second)
        for own in (False, True):
            yield _part(values, weights, both & (side == own), origins == second)


def _part(values: Floats, weights: Floats, rows: Bools, of: Bools) -> tuple[Floats, Floats]:
    """Compare two groups of subjects.

    Parameters
    ----------
    values : (n,)
    weights : (draws, n)
    rows, of : bool (n,)
        The subjects in question, and those of one group.

    Returns
    -------
    departure : (2, draws)
        AUC less .5, and an estimate of its square without bias: the mean over two pairs of subjects that share none.
    count : (2, draws)
        Pairs of subjects, 0 where there are too few.
    """
    one, other = np.flatnonzero(rows & of), np.flatnonzero(rows & ~of)
    if min(len(one), len(other)) < _FEWEST:
        return np.zeros((2, len(weights))), np.zeros((2, len(weights)))
    left, right = weights[:, one], weights[:, other]
    above, tied = _wins(values[one], values[other], right)
    below, _ = _wins(values[other], values[one], left)
    total = (left * above).sum(1)
    single = (left**2 * above**2).sum(1) + (right**2 * below**2).sum(1)
    same = 0.25 * ((left**2).sum(1) * (right**2).sum(1) - (left**2 * tied).sum(1))
    pairs = left.sum(1) * right.sum(1)
    apart = (left.sum(1) ** 2 - (left**2).sum(1)) * (right.sum(1) ** 2 - (right**2).sum(1))
    square = np.divide(total**2 - single + same, apart, out=np.zeros_like(total), where=apart > 0)
    return np.stack([total / pairs, square]), np.stack([pairs, np.where(apart > 0, pairs, 0)])


def _wins(values: Floats, others: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Half the weight of the others below less half that above, and the squared weight of ties, (draws, n)."""
    order = np.argsort(others)
    places = [np.searchsorted(others[order], values, side) for side in ("left", "right")]
    start = np.zeros((len(weights), 1))
    sums = np.concatenate([start, np.cumsum(weights[:, order], axis=1)], axis=1)
    squares = np.concatenate([start, np.cumsum(weights[:, order] ** 2, axis=1)], axis=1)
    below, up_to = sums[:, places[0]], sums[:, places[1]]
    return (below + up_to - sums[:, -1:]) / 2, squares[:, places[1]] - squares[:, places[0]]


def _mean(parts: Iterable[tuple[Floats, Floats]]) -> Floats:
    """Mean of departures and of their squares, weighted by pairs, (2, draws)."""
    total, count = np.zeros(()), np.zeros(())
    for departure, pairs in parts:
        total, count = total + departure * pairs, count + pairs
    if not count.shape:
        return np.full((2, 1 + _DRAWS), np.nan)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _interval(draws: Floats) -> tuple[float, float]:
    """Percentiles of the draws behind the first row, where that is known."""
    known = draws[1:][np.isfinite(draws[1:])]
    if not np.isfinite(draws[0]) or not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, _LEVEL)
    return float(low), float(high)
