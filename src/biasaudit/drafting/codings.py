"""Number codes of diagnoses in public data sets, by the names of their columns.

What a number means cannot be guessed: in ABIDE 1 is autism and 2 is control. Only 0 beside 1 has a usual meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from biasaudit.cohort.readers.cells import bare_number
from biasaudit.drafting.class_words import plain

__all__ = ["Coding", "as_code", "known_coding"]


@dataclass(frozen=True)
class Coding:
    """What the numbers of a column mean.

    Attributes
    ----------
    source : str
        The data set.
    columns : frozenset of str
        Names of the column, letters and digits only.
    negative : str
        Code of the healthy class.
    meanings : mapping of code to text
    beside : frozenset of str
        One of these columns must be there too; empty where the name of the column is telling enough.
    """

    source: str
    columns: frozenset[str]
    negative: str
    meanings: Mapping[str, str]
    beside: frozenset[str] = field(default_factory=frozenset)


_STAGES = {"1": "cognitively normal", "2": "MCI", "3": "dementia"}
_CHANGES = {
    **_STAGES,
    "4": "normal to MCI",
    "5": "MCI to dementia",
    "6": "normal to dementia",
    "7": "MCI to normal",
    "8": "dementia to MCI",
    "9": "dementia to normal",
}
_DEMENTIA = {"0": "no dementia", "0.5": "very mild", "1": "mild", "2": "moderate", "3": "severe"}
_PARKINSON = {"1": "Parkinson's disease", "2": "control", "3": "SWEDD", "4": "prodromal"}
_ADHD = {"0": "typically developing", "1": "combined", "2": "hyperactive", "3": "inattentive"}
_AUTISM = {"0": "control", "1": "autism", "2": "Asperger's", "3": "PDD-NOS", "4": "Asperger's or PDD-NOS"}
_ADNI = frozenset({"rid", "ptid", "viscode"})

_CODINGS = (
    Coding("ABIDE", frozenset({"dxgroup"}), "2", {"1": "autism", "2": "control"}),
    Coding("ABIDE", frozenset({"dsmivtr", "pdddsmivtr"}), "0", _AUTISM),
    Coding("ADNI", frozenset({"dxcurren"}), "1", _STAGES),
    Coding("ADNI", frozenset({"dxchange"}), "1", _CHANGES),
    Coding("ADNI", frozenset({"diagnosis", "dx"}), "1", _STAGES, _ADNI),
    Coding("OASIS", frozenset({"cdr", "cdrglobal", "cdglobal", "cdrtot", "globalcdr"}), "0", _DEMENTIA),
    Coding("PPMI", frozenset({"apprdx"}), "2", _PARKINSON),
    Coding("PPMI", frozenset({"cohort"}), "2", _PARKINSON, frozenset({"patno"})),
    Coding("ADHD-200", frozenset({"dx"}), "0", _ADHD, frozenset({"scandirid", "adhdindex", "adhdmeasure"})),
)


def known_coding(column: str, values: Iterable[str], columns: Iterable[str]) -> Coding | None:
    """Find the data set whose column this is.

    Parameters
    ----------
    column : str
    values : iterable of str
        Its cells; codes may be written as ``1`` or ``1.0``.
    columns : iterable of str
        All columns of the table.

    Returns
    -------
    Coding or None
        None where the name or a value is another.
    """
    name, beside = plain(column), {plain(other) for other in columns}
    codes = {as_code(value) for value in values if value}
    fitting = (coding for coding in _CODINGS if name in coding.columns and codes <= set(coding.meanings))
    return next((coding for coding in fitting if codes and (not coding.beside or coding.beside & beside)), None)


def as_code(value: str) -> str:
    """Write a number in its shortest way, as ``1`` for ``1.0``; any other text as it is."""
    number = bare_number(value)
    return value if number is None else f"{number:g}"
