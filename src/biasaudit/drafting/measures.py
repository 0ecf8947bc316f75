"""Tell columns of measurements from indices, codes, clinical scores and columns with gaps."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from biasaudit.cohort.readers.cells import bare_number, read_numbers
from biasaudit.drafting.class_words import any_of, plain, words_of
from biasaudit.drafting.guesses import LABELS, SITES, SPLITS, SUBJECTS, covariate_columns, filled
from biasaudit.records import BoolArray, FloatArray
from biasaudit.stats.effects import auc

__all__ = ["Measures", "as_patterns", "measures_of"]

_FEWEST = 3
_FEWEST_VALUES = 6
_INDEX = frozenset({"", "x", "index", "level", "row", "rowid", "rownames", "rowname", "rownumber", "nr", "no"})
_INDEXED = "an index or identifier"
_GAPS = "empty in some rows"
_CONSTANT = "the same in all rows"
_SCORES = "clinical scores, not measured from the image"
_GIVEN_AWAY = "they tell the class by themselves inside one origin"
_CLINICAL = any_of(
    "ados adi adir srs scq vineland mmse moca cdr cdrsb adas faq gds updrs edss panss hamd hdrs bdi bprs ymrs phq stai "
    "ravlt hoehn severity symptoms"
)
_ALONE = 0.98
_FEW = 3


@dataclass(frozen=True)
class Measures:
    """Columns of numbers of a table without images.

    Attributes
    ----------
    columns : tuple of str
        Proposed as features.
    left_out : mapping of column to text
        Columns of numbers that are not proposed, with the reason.
    gaps : mapping of column to int
        Rows in which those are empty that have gaps.
    telling : tuple of str
        Of the proposed, those that tell the classes apart alone where no origin holds both: as the origin would.
    """

    columns: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, int] = field(default_factory=dict)
    telling: tuple[str, ...] = ()

    @property
    def by_reason(self) -> dict[str, list[str]]:
        """Columns that are left out by the reason, with the number of gaps: ``FIQ (24)``."""
        grouped: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            grouped.setdefault(reason, []).append(f"{name} ({self.gaps[name]})" if name in self.gaps else name)
        return grouped


@dataclass(frozen=True)
class _Column:
    """One column of numbers, NaN where missing, beside class and origin of every row."""

    name: str
    values: FloatArray
    labels: Sequence[str]
    origins: Sequence[str]

    @property
    def present(self) -> BoolArray:
        return np.isfinite(self.values)

    @property
    def given(self) -> FloatArray:
        return self.values[self.present]

    @property
    def kinds(self) -> int:
        return len(np.unique(self.given))


def measures_of(
    frame: pd.DataFrame, but: Iterable[str], labels: Sequence[str] = (), origins: Sequence[str] = ()
) -> Measures:
    """Choose columns of numbers that differ between subjects, if there are at least three.

    Parameters
    ----------
    frame : DataFrame
        One row per image, cells as text.
    but : iterable of str
        Columns that are something else already.
    labels, origins : sequence of str, optional
        Class and origin of every row, empty where missing.
    """
    columns = [_Column(name, values, labels, origins) for name, values in _numbers(frame, but).items()]
    wide = [column for column in columns if column.kinds >= _FEWEST_VALUES]
    if len(wide) < _FEWEST:
        return Measures()
    reasons = {column.name: reason for column in columns if (reason := _reason(column)) is not None}
    if all(column.name in reasons for column in wide):  # better asked for their gaps than left without any
        reasons = {name: reason for name, reason in reasons.items() if reason != _GAPS}
    chosen = [column for column in wide if column.name not in reasons]
    return Measures(
        columns=tuple(column.name for column in chosen),
        left_out=reasons,
        gaps={c.name: int((~c.present).sum()) for c in columns if reasons.get(c.name) == _GAPS},
        telling=tuple(column.name for column in chosen if _separates(column, column.present)),
    )


def as_patterns(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Write families of columns such as ``lh_*_thickness`` as one pattern that matches no other column.

    Parameters
    ----------
    names : sequence of str
        Columns to be named.
    others : sequence of str
        All columns of the table.
    """
    patterns: list[str] = []
    left = list(names)
    for name in names:
        parts = name.split("_")
        if name not in left or len(parts) < 3:
            continue
        pattern = f"{parts[0]}_*_{parts[-1]}"
        family = fnmatch.filter(others, pattern)
        if len(family) >= _FEWEST and set(family) <= set(left):
            patterns.append(pattern)
            left = [column for column in left if column not in family]
    return [*patterns, *left]


def _numbers(frame: pd.DataFrame, but: Iterable[str]) -> dict[str, FloatArray]:
    """Columns of numbers that are not known to be something else; neither age nor sex."""
    named = {plain(name) for names in (SUBJECTS, LABELS, SITES, SPLITS) for name in names}
    taken = {*but, *covariate_columns(frame).values()}
    cells = {str(name): filled(frame[name]) for name in frame.columns if plain(str(name)) not in named}
    return {
        name: _values(column)
        for name, column in cells.items()
        if name not in taken and any(column) and all(bare_number(cell) is not None for cell in column if cell)
    }


def _values(cells: Sequence[str]) -> FloatArray:
    """Numbers of a column; NaN where it is empty or holds a number that stands for nothing, such as -9999."""
    return np.array([np.nan if value is None else value for value in read_numbers(cells).values])


def _reason(column: _Column) -> str | None:
    """Say why a column is not proposed; None where it is, or is too much like a code to be one."""
    if column.kinds == 1:
        return _CONSTANT
    if _is_index(column):
        return _INDEXED
    if set(words_of(column.name)) & _CLINICAL:
        return _SCORES
    if column.kinds < _FEWEST_VALUES:
        return None
    if not column.present.all():
        return _GAPS
    return _GIVEN_AWAY if _gives_away(column) else None


def _is_index(column: _Column) -> bool:
    """Whether the numbers count the rows, or are all different whole ones of a column that is called so."""
    given = column.given
    if column.kinds < len(given) or (given != np.round(given)).any():
        return False
    counted = len(given) == len(column.values) >= _FEWEST_VALUES and given.max() - given.min() == len(given) - 1
    name = plain(column.name).rstrip("0123456789").removeprefix("unnamed")
    return bool(counted) or name in _INDEX or name.endswith("id")


def _gives_away(column: _Column) -> bool:
    """Whether it tells the classes apart inside the origins that hold both, so that it cannot be their signature."""
    if not len(column.labels):
        return False
    rows = [
        column.present & (np.array(column.origins) == origin) for origin in sorted(set(filter(None, column.origins)))
    ]
    both = [own for own in rows if _holds_both(np.array(column.labels)[own])]
    return bool(both) and all(_separates(column, own) for own in both)


def _holds_both(labels: np.ndarray) -> bool:
    _, counts = np.unique(labels[labels != ""], return_counts=True)
    return int((counts >= _FEW).sum()) > 1


def _separates(column: _Column, rows: BoolArray) -> bool:
    """Whether it alone tells one class from the others: an AUC of at least .98 either way."""
    if not len(column.labels):
        return False
    labels, values = np.array(column.labels)[rows], column.values[rows]
    names, counts = np.unique(labels[labels != ""], return_counts=True)
    large = names[counts >= _FEW]
    known = np.isin(labels, large)
    return len(large) > 1 and any(
        abs(auc(values[known], labels[known] == name) - 0.5) >= _ALONE - 0.5 for name in large
    )
