"""Covariates as numbers or words, and what must be said of those that can be read as either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from biasaudit.cohort.readers.cells import Numbers, is_missing, quoted_few, read_numbers, with_commas, with_unit
from biasaudit.errors import Fault, gathered

__all__ = ["Covariates", "parse_covariates"]

Covariate = float | str | None
_FEW_NUMBERS = 5
"""Different numbers up to which a column that holds words too may be one of codes: grade 1, 2, 3a, 3b."""
_FEW_WORDS = 10
_BLANK = ("", "n/a")


@dataclass(frozen=True)
class Covariates:
    """The covariates of every row.

    Attributes
    ----------
    rows : list of dict
        Name -> number, word, or None where missing.
    notes : list of str
    faults : list of Fault
    """

    rows: list[dict[str, Covariate]]
    notes: list[str]
    faults: list[Fault]


def parse_covariates(
    columns: Mapping[str, Sequence[str]],
    places: Mapping[str, Sequence[str]],
    count: int,
    *,
    commas: Collection[str] = (),
) -> Covariates:
    """Parse each column as numbers if its cells are numbers, else as words; None where missing.

    A column of numbers in which a few cells are none is a fault: as words every age would be a category of its own,
    and nothing would hold age fixed.

    Parameters
    ----------
    columns : mapping of name to cells
    places : mapping of name to sequence of str
        ``table.tsv:12`` per row.
    count : int
        Number of rows.
    commas : collection of str
        Columns in which ``1,234`` has a decimal comma.
    """
    parsed: dict[str, list[Covariate]] = {}
    notes: list[str] = []
    faults: list[Fault] = []
    for name, cells in columns.items():
        numbers = read_numbers(cells, bounds=True, commas=name in commas)
        faults += _faults(name, cells, numbers, places[name])
        words = bool(numbers.wrong)
        parsed[name] = [None if is_missing(c) else c for c in cells] if words else list(numbers.values)
        notes += [*(_word_notes(name, cells, numbers) if words else _number_notes(name, cells, numbers))]
        notes += _missing_notes(name, cells)
    rows = [{name: values[row] for name, values in parsed.items()} for row in range(count)]
    return Covariates(rows, notes, faults)


def _faults(name: str, cells: Sequence[str], numbers: Numbers, places: Sequence[str]) -> list[Fault]:
    wrong = [cells[row].strip() for row in numbers.wrong]
    where = [places[row] for row in numbers.wrong]
    if numbers.ambiguous:
        commas = quoted_few(with_commas(wrong))
        message = f"covariate {name!r}: commas and points can be read in two ways ({commas})"
        return gathered(where[:1], message, "write numbers with a decimal point and nothing between thousands")
    meant = {value for value in numbers.values if value is not None} | {cell for cell in wrong if with_unit(cell)}
    present = sum(not is_missing(cell) for cell in cells)
    plain = present - sum(not with_unit(cell) for cell in wrong)
    if not wrong or len(meant) <= _FEW_NUMBERS or 2 * plain < present:
        return []
    message = f"covariate {name!r}: no number in {len(wrong)} of {present} cells ({quoted_few(wrong)})"
    remedy = "write numbers without units or words, and `n/a` where there is none: words would be categories"
    return gathered(where, message, remedy)


def _number_notes(name: str, cells: Sequence[str], numbers: Numbers) -> list[str]:
    notes = []
    if numbers.marks:
        notes.append(f"covariate {name!r} is read with {numbers.marks}")
    if numbers.bounds:
        shown = quoted_few([cells[row].strip() for row in numbers.bounds])
        notes.append(f"covariate {name!r}: {shown} ({len(numbers.bounds)} rows) is read as the number itself")
    if numbers.codes:
        shown = quoted_few([cells[row].strip() for row in numbers.codes])
        notes.append(
            f"covariate {name!r}: {shown} ({len(numbers.codes)} rows) is taken for a code of missing values, since no "
            "other number is negative"
        )
    return notes


def _word_notes(name: str, cells: Sequence[str], numbers: Numbers) -> list[str]:
    present = [cell.strip() for cell in cells if not is_missing(cell)]
    words, others = [cells[row].strip() for row in numbers.wrong], len(present) - len(numbers.wrong)
    notes = []
    if others:
        notes.append(f"covariate {name!r} is taken as words: {quoted_few(words)} beside {others} numbers")
    if len(set(present)) > max(_FEW_WORDS, len(present) / 2):
        notes.append(
            f"covariate {name!r}: {len(set(present))} different words in {len(present)} rows; as categories "
            "they cannot be held fixed"
        )
    spelt = Counter(word.casefold() for word in set(present))
    twice = sorted(word for word in set(present) if spelt[word.casefold()] > 1)
    if twice:
        notes.append(f"covariate {name!r}: {quoted_few(twice)} differ in case alone, and are different categories")
    return notes


def _missing_notes(name: str, cells: Sequence[str]) -> list[str]:
    """Say which signs are taken for missing, but for those of BIDS and empty cells."""
    if cells and all(map(is_missing, cells)):
        return [f"covariate {name!r} is missing in every row, so that nothing is held fixed by it"]
    signs = Counter(cell.strip() for cell in cells if is_missing(cell) and cell.strip() not in _BLANK)
    listed = ", ".join(f"{sign!r} ({count} rows)" for sign, count in signs.most_common(5))
    return [f"covariate {name!r}: missing where it is {listed}"] if signs else []
