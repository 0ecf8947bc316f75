"""Can a few measures of each subject predict a class? A ridge classifier that is trained anew under every permutation.

Because ridge scores are linear in the labels, one factorisation per fold serves all permutations, and refitting costs
a matrix product (Golland and Fischl 2003, doi:10.1007/978-3-540-45087-0_28, for the permutation of whole classifiers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.permutation import TestResult, nothing_to_compare, p_value, permutation_blocks
from biasaudit.stats.ranks import midranks
from biasaudit.stats.strata import Booleans, Floats, Indices, indicator_matrix, integer_codes, members_of

__all__ = ["Encoded", "Prediction", "encode_columns", "ridge_prediction_test", "ridge_scores"]

PENALTY = 0.1
"""Ridge penalty as a share of training subjects plus columns: a column alone is shrunken by about a tenth."""

MOST_LEVELS = 10
"""Categories of a column that get an indicator of their own; rarer ones share one."""

Value = float | str | None


@dataclass(frozen=True)
class Encoded:
    """Columns of numbers and words as one matrix.

    Attributes
    ----------
    matrix
        (n, d) numbers without gaps.
    owner
        (d,) name of the column that each came from.
    """

    matrix: Floats
    owner: tuple[str, ...]

    def of(self, name: str) -> Floats:
        """Return the columns that one named column became."""
        return self.matrix[:, [own == name for own in self.owner]]


@dataclass(frozen=True)
class Prediction:
    """What a cross-validated ridge classifier makes of the columns.

    Attributes
    ----------
    test
        Its mean fold AUC against classifiers trained on labels permuted inside folds, one-sided.
    scores
        (n, k) held-out scores, one column per class.
    accuracy
        Share of subjects put in their own class, as against `baseline`, that of the commonest class.
    baseline
    """

    test: TestResult
    scores: Floats
    accuracy: float
    baseline: float


def encode_columns(columns: Mapping[str, Sequence[Value]]) -> Encoded:
    """Numbers with the median where missing, words as indicators, and an indicator of what is missing.

    Parameters
    ----------
    columns
        Name -> (n,) numbers or words; None where missing. Constant columns, and words that differ between nearly all
        subjects, become nothing but the indicator of missing cells.

    Returns
    -------
    Encoded
    """
    parts: list[Floats] = []
    owner: list[str] = []
    for name, cells in columns.items():
        own = [column for column in (*_values(cells), _missing(cells)) if np.ptp(column) > 0]
        parts += own
        owner += [name] * len(own)
    count = len(next(iter(columns.values()), ()))
    return Encoded(np.stack(parts, axis=1) if parts else np.empty((count, 0)), tuple(owner))


def ridge_scores(columns: ArrayLike, codes: ArrayLike, folds: ArrayLike) -> Floats:
    """Held-out scores of ridge classifiers, one per fold, columns standardised on the training folds.

    Parameters
    ----------
    columns
        (n, d) numbers.
    codes
        (n,) classes from 0 to k - 1.
    folds
        (n,) codes or names.

    Returns
    -------
    (n, k) scores; larger speaks for the class.
    """
    labels = indicator_matrix(np.asarray(codes, dtype=np.intp))
    scores = np.empty(labels.shape)
    for held, operator in _operators(np.asarray(columns, dtype=np.float64), integer_codes(folds)):
        scores[held] = operator @ np.delete(labels, held, axis=0)
    return scores


def ridge_prediction_test(
    columns: ArrayLike, codes: ArrayLike, folds: ArrayLike, n_permutations: int, generator: np.random.Generator
) -> Prediction:
    """Test whether the columns predict the class, the classifier trained anew under every permutation.

    Parameters
    ----------
    columns
        (n, d) numbers without NaN.
    codes
        (n,) classes from 0 to k - 1, each of them present.
    folds
        (n,) codes or names; labels are exchanged inside folds.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.

    Returns
    -------
    Prediction
        One-sided; p = nan with a reason if there is no column or no fold holds two classes.

    Raises
    ------
    ValueError
        If `columns` holds NaN.
    """
    matrix, labels, fold_codes = np.asarray(columns, dtype=np.float64), np.asarray(codes), integer_codes(folds)
    if not np.isfinite(matrix).all():
        raise ValueError("columns must be finite; impute what is missing first")
    baseline = float(np.bincount(labels).max(initial=0) / max(1, labels.size))
    mixed = any(np.unique(labels[rows]).size > 1 for rows in members_of(fold_codes))
    if matrix.shape[1] == 0 or not mixed or np.unique(fold_codes).size < 2:
        reason = "no fold holds two classes" if matrix.shape[1] else "no column varies"
        return Prediction(nothing_to_compare(reason), np.zeros((labels.size, 0)), np.nan, baseline)
    operators = _operators(matrix, fold_codes)
    scores = ridge_scores(matrix, labels, fold_codes)
    observed = float(_mean_area(operators, labels[None])[0])
    blocks = permutation_blocks(fold_codes, n_permutations, generator, width=2 * scores.shape[1])
    null = np.concatenate([_mean_area(operators, labels[indices]) for indices in blocks])
    test = TestResult(observed, p_value(observed, null), labels.size, null)
    return Prediction(test, scores, float((scores.argmax(axis=1) == labels).mean()), baseline)


def _operators(columns: Floats, folds: Indices) -> list[tuple[Indices, Floats]]:
    """For every fold its rows and the matrix that turns training labels into their scores."""
    found = []
    for held in members_of(folds):
        training = np.delete(columns, held, axis=0)
        spread = training.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        known, asked = (training - training.mean(0)) / scale, (columns[held] - training.mean(0)) / scale
        penalty = PENALTY * sum(training.shape)
        solved = np.linalg.solve(known @ known.T + penalty * np.eye(len(known)), known).T
        # Labels are centred on their training mean, which is added again as the intercept.
        centre = np.eye(len(known)) - 1 / len(known)
        found.append((held, asked @ solved @ centre + 1 / len(known)))
    return found


def _mean_area(operators: list[tuple[Indices, Floats]], labels: Indices) -> Floats:
    """Mean over folds of the macro one-versus-rest AUC, (m,) for (m, n) labels."""
    areas = []
    n_classes = int(labels.max()) + 1
    for held, operator in operators:
        training, truth = np.delete(labels, held, axis=1), labels[:, held]
        own = [
            _areas(midranks((training == code) @ operator.T), truth == code)
            # Two classes have the same area.
            for code in range(1 if n_classes == 2 else n_classes)
        ]
        known = [area for area in own if area is not None]
        if known:
            areas.append(np.mean(known, axis=0))
    mean: Floats = np.mean(areas, axis=0)
    return mean


def _areas(ranks: Floats, members: Booleans) -> Floats | None:
    """AUC (m,) of (m, n) ranks; as many members in every row, since labels are exchanged inside folds."""
    size = int(members[0].sum())
    rest = members.shape[1] - size
    if not size or not rest:
        return None
    areas: Floats = ((ranks * members).sum(axis=1) - size * (size + 1) / 2) / (size * rest)
    return areas


def _values(cells: Sequence[Value]) -> list[Floats]:
    known = [cell for cell in cells if cell is not None]
    if not known:
        return []
    if any(isinstance(cell, str) for cell in known):
        return _indicators([None if cell is None else str(cell) for cell in cells])
    numbers = np.array([np.nan if cell is None else float(cell) for cell in cells])
    return [np.where(np.isfinite(numbers), numbers, np.median(numbers[np.isfinite(numbers)]))]


def _indicators(cells: Sequence[str | None]) -> list[Floats]:
    words, counts = np.unique([cell for cell in cells if cell is not None], return_counts=True)
    if words.size > max(2, len(cells) // 2):
        return []
    kept = words[np.argsort(-counts, kind="stable")][:MOST_LEVELS].tolist()
    if len(kept) == 2 and words.size == 2:
        kept = kept[:1]
    named = [np.array([float(cell == word) for cell in cells]) for word in kept]
    rest = np.array([float(cell is not None and cell not in kept) for cell in cells])
    return [*named, rest] if words.size > MOST_LEVELS else named


def _missing(cells: Sequence[Value]) -> Floats:
    return np.array([float(cell is None) for cell in cells])
