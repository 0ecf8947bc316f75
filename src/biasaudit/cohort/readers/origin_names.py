"""Spellings of one origin: 3 and 3.0 are one, field strengths by their number, and names that are alike are told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

__all__ = ["one_spelling"]

_NUMBER = re.compile(r"([+-]?(?:0|[1-9]\d*)(?:[.,]\d+)?)\s*(?:t|tesla)?", re.IGNORECASE)
"""A number, also as a field strength; 01 and 1 may be codes of two places."""
_WHOLE = re.compile(r"[+-]?\d+(?:[.,]0+)?")
"""A whole number; 1.1 and 1.10 may be versions of a program."""
_NOT_A_LETTER = re.compile(r"[\W_]+")
_NEAR = 0.05
_FIELD = re.compile("field|tesla|strength|magnet", re.IGNORECASE)
_SHOWN = 4


def one_spelling(origins: Sequence[str], factor: str) -> tuple[dict[str, str], list[str]]:
    """Join origins that are one number, and say which others are probably one.

    Whole numbers are joined (``3``, ``3.0``); field strengths also by their unit and any digits (``1.5``, ``1.50T``).

    Parameters
    ----------
    origins : sequence of str
        One per sample.
    factor : str
        Name of the origin factor: tells field strengths, and stands in the notes.

    Returns
    -------
    dict of str to str
        Spelling -> the commonest spelling of the same number, where that is another.
    list of str
        Notes.
    """
    counts = Counter(origin for origin in origins if origin)
    numbers: dict[float, list[str]] = {}
    for origin in sorted(counts, key=lambda name: (-counts[name], len(name), name)):
        if (value := _number(origin)) is not None:
            numbers.setdefault(value, []).append(origin)
    same = [[own for own in spellings if _is_joined(own, factor)] for spellings in numbers.values()]
    joined = {other: spellings[0] for spellings in same for other in spellings[1:]}
    notes = [
        f"{factor}: {' and '.join(map(repr, sorted(spellings)))} are one number and one origin"
        for spellings in same
        if len(spellings) > 1
    ]
    left = [origin for origin in counts if origin not in joined]
    notes += _equal_notes([[own for own in spellings if own in left] for spellings in numbers.values()], counts, factor)
    return joined, [*notes, *_twin_notes(left, counts, factor), *_near_notes(numbers, counts, factor)]


def _is_joined(origin: str, factor: str) -> bool:
    return bool(_FIELD.search(factor) or _WHOLE.fullmatch(origin.strip()))


def _equal_notes(equal: Sequence[Sequence[str]], counts: Mapping[str, int], factor: str) -> list[str]:
    """Name origins that are equal as numbers but may be codes, such as versions."""
    return [
        f"{factor}: {_listed(sorted(names), counts)} may be one number and are different origins: give them one "
        "spelling if they are one"
        for names in equal
        if len(names) > 1
    ]


def _number(text: str) -> float | None:
    found = _NUMBER.fullmatch(text.strip())
    return float(found[1].replace(",", ".")) if found else None


def _twin_notes(origins: Sequence[str], counts: Mapping[str, int], factor: str) -> list[str]:
    """Name origins that differ in case, blanks, marks or leading zeros only."""
    twins: dict[str, list[str]] = {}
    for origin in sorted(origins):
        if _number(origin) is None or origin.isdigit():
            twins.setdefault(_bare(origin), []).append(origin)
    return [
        f"{factor}: {_listed(names, counts)} differ in case, blanks or marks only and are different origins: give them "
        "one spelling if they are one"
        for key, names in twins.items()
        if key and len(names) > 1
    ]


def _bare(origin: str) -> str:
    letters = _NOT_A_LETTER.sub("", origin).casefold()
    return letters.lstrip("0") if letters.isdigit() else letters


def _near_notes(numbers: Mapping[float, Sequence[str]], counts: Mapping[str, int], factor: str) -> list[str]:
    """Name field strengths that are nearly equal: a magnet sold as 3 tesla may write 2.89."""
    if not _FIELD.search(factor):
        return []
    values = sorted(value for value in numbers if value > 0)
    return [
        f"{factor}: {_listed([numbers[low][0], numbers[high][0]], counts)} are nearly one field strength and different "
        "origins: give them one spelling if they are one"
        for low, high in pairwise(values)
        if high - low < _NEAR * high
    ]


def _listed(names: Sequence[str], counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name!r} ({counts[name]})" for name in names[:_SHOWN])
