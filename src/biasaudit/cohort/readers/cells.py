"""What a cell of a table says: nothing, a number, or a word; one rule for every column and list."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite

__all__ = [
    "Numbers",
    "bare_number",
    "folded",
    "is_missing",
    "or_empty",
    "quoted_few",
    "read_numbers",
    "with_commas",
    "with_unit",
]

# As people, R, pandas, SAS, SPSS, databases and spreadsheets write them; a failed formula says nothing either.
_MISSING = frozenset(
    (
        *("", "n/a", "na", "n.a.", "n.a", "nan", "-nan", "none", "null", "(null)", "nil", "nat", "\\n"),
        *("<na>", "#n/a", "#n/a n/a", "#na", "#nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
        *("-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "??", "_"),
        *("#null!", "#value!", "#ref!", "#div/0!", "#name?", "#num!"),
    )
)
_SAS = re.compile(r"\.[a-z_]")
_CODES = (-9.0, -88.0, -99.0, -999.0, -9999.0, -99999.0)

_POWER = r"(?:[eE][+-]?\d+)?"
_PLAIN = re.compile(rf"[+-]?(?:\d+(?:\.\d*)?|\.\d+){_POWER}", re.ASCII)
_COMMA = re.compile(rf"[+-]?(?:\d+(?:,\d*)?|,\d+){_POWER}", re.ASCII)
_GROUPS_BY_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_GROUPS_BY_POINT = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?", re.ASCII)
_BOUND = re.compile(r"(?:(?:[<>]=?|[\u2264\u2265])\s*(?P<before>\S+)|(?P<after>\S+?)\s*\+)")
_UNIT = re.compile(
    r"(?P<number>[+-]?[\d.,]+)\s*(?:y|yo|yrs?\.?|years?|jahre?|ans?|m|mos?|months?|w|wks?|weeks?|d|days?|kg|g|mg|cm|mm3?|ml|%)",
    re.ASCII | re.IGNORECASE,
)
_SHOWN = 3


@dataclass(frozen=True)
class Numbers:
    """The cells of one column, taken as numbers.

    Attributes
    ----------
    values : tuple of float or None
        None where a cell is missing or no number.
    wrong : tuple of int
        Rows whose cell is there and no number.
    bounds : tuple of int
        Rows such as ``89+`` and ``<5``, whose bound is taken.
    codes : tuple of int
        Rows whose number stands for a missing one: the column's only negative ones, such as -9 and -9999.
    marks : str
        How numbers are written, where not plainly: with decimal commas or marks between thousands.
    ambiguous : bool
        Commas and points can be read in two ways, or in none that fits the whole column: no number is taken.
    """

    values: tuple[float | None, ...]
    wrong: tuple[int, ...]
    bounds: tuple[int, ...] = ()
    codes: tuple[int, ...] = ()
    marks: str = ""
    ambiguous: bool = False


def is_missing(text: str) -> bool:
    """Whether a cell says nothing: blank, or a sign for "missing" of R, pandas, SAS, SPSS or a spreadsheet."""
    word = text.strip().lower()
    return word in _MISSING or _SAS.fullmatch(word) is not None


def or_empty(text: str) -> str:
    """Return the text of a cell, empty where it is a sign for "missing"."""
    return "" if is_missing(text) else text


def folded(text: str) -> str:
    """Spell a value so that ``1``, ``1.0`` and ``01``, or ``TRUE`` and ``true``, are the same."""
    number = bare_number(text.strip())
    return text.strip().casefold() if number is None else f"{number:.17g}"


def bare_number(text: str) -> float | None:
    """Return a finite number that is written plainly, in ASCII; None for anything else."""
    number = float(text) if _PLAIN.fullmatch(text) else None
    return number if number is not None and abs(number) != float("inf") else None


def read_numbers(cells: Sequence[str], *, bounds: bool = False, commas: bool = False, codes: bool = True) -> Numbers:
    """Read a column as numbers.

    Decimal commas and marks between thousands are read where the whole column agrees on them; ``1,234`` alone may be
    either, and is not.

    Parameters
    ----------
    cells : sequence of str
    bounds : bool
        Whether ``89+``, ``>89`` and ``<5`` are taken as 89, 89 and 5.
    commas : bool
        Whether ``1,234`` has a decimal comma, as in tables that are split by semicolons.
    codes : bool
        Whether numbers that stand for a missing one, such as -9, are taken as missing.
    """
    read = _read_numbers(cells, bounds, commas)
    return _without_codes(read) if codes else read


def _read_numbers(cells: Sequence[str], bounds: bool, commas: bool) -> Numbers:
    if not commas and all(map(_PLAIN.fullmatch, cells)) and (values := _all_finite(cells)):
        return Numbers(tuple(values), ())
    texts = ["" if is_missing(cell) else cell.strip().replace("\u2212", "-") for cell in cells]
    stripped = [_without_bound(text) if bounds else text for text in texts]
    marks, convert = _notation(stripped, commas)
    if convert is None:
        return Numbers((None,) * len(texts), tuple(row for row, text in enumerate(texts) if text), ambiguous=True)
    read = [convert(text) for text in stripped]
    wrong = tuple(row for row, text in enumerate(texts) if text and read[row] is None)
    bound = tuple(row for row, text in enumerate(texts) if text != stripped[row] and read[row] is not None)
    return Numbers(tuple(read), wrong, bound, marks=marks)


def _all_finite(cells: Sequence[str]) -> list[float | None]:
    """Read plain numbers, as most columns are; nothing if one is too large to be finite."""
    values = [float(cell) for cell in cells]
    return list(values) if all(map(isfinite, values)) else []


def _without_codes(read: Numbers) -> Numbers:
    codes = frozenset(rows := _missing_codes(read.values))
    values = tuple(None if row in codes else value for row, value in enumerate(read.values))
    return replace(read, values=values, codes=rows) if rows else read


def with_unit(text: str) -> bool:
    """Whether a number is followed by a unit: ``45 y``, ``012M``, ``70 kg``."""
    return _UNIT.fullmatch(text.strip()) is not None


def quoted_few(values: Sequence[str]) -> str:
    """Quote the first few different values, and say how many more there are."""
    different = list(dict.fromkeys(values))
    listed = ", ".join(repr(value if len(value) <= 40 else value[:37] + "...") for value in different[:_SHOWN])
    return f"{listed} and {len(different) - _SHOWN} more" if len(different) > _SHOWN else listed


def with_commas(cells: Sequence[str]) -> list[str]:
    """Keep the cells whose commas, or else points, may mean two things."""
    stripped = [cell.strip() for cell in cells]
    return [cell for cell in stripped if "," in cell] or [cell for cell in stripped if "." in cell]


def _without_bound(text: str) -> str:
    found = _BOUND.fullmatch(text)
    number = (found["before"] or found["after"]) if found else text
    return number if _is_any_number(number) else text


def _is_any_number(text: str) -> bool:
    return any(shape.fullmatch(text) for shape in (_PLAIN, _COMMA, _GROUPS_BY_COMMA, _GROUPS_BY_POINT))


def _notation(texts: Sequence[str], commas: bool) -> tuple[str, Callable[[str], float | None] | None]:
    """Find how a column writes its numbers; None for the reading where that cannot be told."""
    numbers = [text for text in texts if text and _is_any_number(text)]
    if all(_PLAIN.fullmatch(text) for text in numbers):
        return ("", None) if commas and _thousands_of_some(numbers) else ("", bare_number)
    by_point = all(_PLAIN.fullmatch(text) or _GROUPS_BY_COMMA.fullmatch(text) for text in numbers)
    by_comma = all(_COMMA.fullmatch(text) or _GROUPS_BY_POINT.fullmatch(text) for text in numbers)
    if by_point == by_comma and not (by_comma and commas):
        return "", None
    by_point = by_point and not by_comma
    return ("commas between thousands", _of_groups) if by_point else ("decimal commas", _of_comma)


def _thousands_of_some(texts: Sequence[str]) -> bool:
    """Whether points may part thousands, as in 987 and 1.234, where commas are decimal."""
    pointed = [text for text in texts if "." in text]
    return 0 < len(pointed) < len(texts) and all(_GROUPS_BY_POINT.fullmatch(text) for text in pointed)


def _of_groups(text: str) -> float | None:
    return bare_number(text.replace(",", "")) if _is_any_number(text) else None


def _of_comma(text: str) -> float | None:
    return bare_number(text.replace(".", "").replace(",", ".")) if _is_any_number(text) else None


def _missing_codes(values: Sequence[float | None]) -> tuple[int, ...]:
    negative = [row for row, value in enumerate(values) if value is not None and value < 0]
    there = sum(value is not None for value in values)
    return tuple(negative) if len(negative) < there and all(values[row] in _CODES for row in negative) else ()
