"""The answer key: scores by class and origin, where some origin holds several classes. No audit can replace it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from biasaudit.stats.effects import auc

__all__ = ["AnswerKey", "Cell", "answer_key"]

Texts = npt.NDArray[np.str_]

_FEWEST = 2


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
        AUC of the origin inside a class, of the two origins that the scores part best, weighted likewise; nan without.
    """

    cells: tuple[Cell, ...]
    overall: float
    inside_origin: float
    inside_class: float


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
    The AUC: Hanley and McNeil (1982), Radiology 143:29.
    """
    values, side = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    labels, origins = np.asarray(label, dtype=str), np.asarray(origin, dtype=str)
    within = [_part(values[origins == name], side[origins == name]) for name in np.unique(origins)]
    apart = list(_origins_apart(values, side, origins))
    return AnswerKey(
        tuple(_cells(values, labels, origins)), auc(values, side), _mean(within), max(apart, default=np.nan)
    )


def _cells(values: npt.NDArray[np.float64], labels: Texts, origins: Texts) -> Iterator[Cell]:
    for label, origin in sorted(set(zip(labels.tolist(), origins.tolist(), strict=True))):
        own = values[(labels == label) & (origins == origin)]
        yield Cell(label, origin, len(own), float(own.mean()))


def _origins_apart(values: npt.NDArray[np.float64], side: npt.NDArray[np.bool_], origins: Texts) -> Iterator[float]:
    """AUC of every pair of origins inside the classes that both hold, turned so that it is .5 or more."""
    for first, second in combinations(np.unique(origins).tolist(), 2):
        rows = (origins == first) | (origins == second)
        pairs = [_part(values[rows & (side == own)], origins[rows & (side == own)] == second) for own in (False, True)]
        found = _mean(pairs)
        if np.isfinite(found):
            yield max(found, 1 - found)


def _part(values: npt.NDArray[np.float64], of: npt.NDArray[np.bool_]) -> tuple[float, int]:
    """AUC and number of pairs; none where a side holds too few."""
    n, m = int(of.sum()), int((~of).sum())
    return (auc(values, of), n * m) if min(n, m) >= _FEWEST else (np.nan, 0)


def _mean(parts: Sequence[tuple[float, int]]) -> float:
    pairs = sum(weight for _, weight in parts)
    return float(sum(value * weight for value, weight in parts if weight) / pairs) if pairs else np.nan
