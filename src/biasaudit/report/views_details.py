"""What a check stored beside its answer, laid out for a reader: pairs of words and values, and small tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biasaudit.report.words import NOTHING, finite, measured, probability

__all__ = ["DetailTable", "Details", "details_of", "text_of"]

_SHOWN_ELSEWHERE = frozenset(
    {
        *("attributes", "attributes_seen_in", "balance", "null", "table", "can_answer", "cannot_answer"),
        *("may_flag", "healthy", "after_matching", "sensitivity", "p_holm", "independent_text"),
    }
)
"""Details that a section, a figure or the sentence of the finding shows, or that are for the verdict alone."""

_WORDS = {
    "auc": "AUC",
    "covariate_notes": "covariates",
    "corroborates": "points at the origin",
    "class_gap": "class gap, logits",
    "class_gap_error": "its standard error",
    "pathology_part": "of it owed to the lesions, logits",
    "pathology_part_error": "standard error of that part",
    "e_value": "E-value",
    "e_value_low": "E-value, lower bound",
    "equivalent": "shown to be alike",
    "guard": "not judged, since",
    "n_needed": "subjects needed",
    "n_pairs": "pairs compared",
    "needed_mixed": "probes needed to show MIXED",
    "needed_none": "probes needed to show PATHOLOGY",
    "needed_origin": "probes needed to show ORIGIN",
    "pair": "origins furthest apart",
    "mmd": "MMD",
    "rbf": "RBF",
    "p_rbf": "p, RBF",
    "p_mmd": "p, MMD",
}
_ACRONYMS = {"auc": "AUC", "mmd": "MMD", "snr": "SNR", "cnr": "CNR"}


@dataclass(frozen=True)
class DetailTable:
    """A table of details; its first column holds the names of the rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Details:
    """Details of one finding."""

    pairs: tuple[tuple[str, str], ...] = ()
    tables: tuple[DetailTable, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pairs or self.tables)


def details_of(stored: Mapping[str, Any]) -> Details:
    """Lay out what a check stored; what says nothing (null, empty text, an empty list) is left out.

    Parameters
    ----------
    stored : mapping of str to anything that JSON holds

    Returns
    -------
    Details
    """
    told = {key: value for key, value in stored.items() if key not in _SHOWN_ELSEWHERE and not _says_nothing(value)}
    nested = {key: value for key, value in told.items() if _is_nested(value)}
    pairs = tuple((_named(key), _shown(key, value)) for key, value in told.items() if key not in nested)
    return Details(pairs, tuple(_table(key, value) for key, value in nested.items()))


def text_of(value: object) -> str:
    """Write a stored value: text as it is, numbers rounded, yes or no, a list with commas, pairs as `name: value`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return measured(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {text_of(own)}" for key, own in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(text_of, value))
    return NOTHING if value is None else str(value)


def _says_nothing(value: object) -> bool:
    """Whether a value is null, empty, or holds nothing else."""
    if isinstance(value, Mapping):
        return all(map(_says_nothing, value.values()))
    if isinstance(value, list):
        return all(map(_says_nothing, value))
    return value is None or value == ""


def _is_nested(value: object) -> bool:
    """Whether a value takes a table: a mapping, or a list of mappings or of lists."""
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value)


def _named(key: str) -> str:
    if key in _WORDS:
        return _WORDS[key]
    if key.startswith("p_"):
        return f"p, {_spelt(key.removeprefix('p_'))}"
    return f"p, {_spelt(key.removesuffix('_p'))}" if key.endswith("_p") else _spelt(key)


def _spelt(key: str) -> str:
    return " ".join(_ACRONYMS.get(word, word) for word in key.split("_"))


def _shown(key: str, value: object) -> str:
    """Write a value; a p-value by the rule of p-values."""
    is_probability = key == "p" or key.startswith("p_") or key.endswith(("_p", "p_value"))
    return probability(value) if is_probability and finite(value) is not None else text_of(value)


def _table(key: str, value: Any) -> DetailTable:
    """Lay out a mapping of names to numbers or to records, or a list of records."""
    if isinstance(value, Mapping):
        records: Sequence[Any] = [
            {"": name, **own} if isinstance(own, Mapping) else {"": name, "value": _shown(key, own)}
            for name, own in value.items()
        ]
    else:
        records = [each if isinstance(each, Mapping) else dict(enumerate(_listed(each), start=1)) for each in value]
    columns = list(dict.fromkeys(key for record in records for key in record))
    rows = tuple(
        tuple(_shown(str(column), record[column]) if column in record else NOTHING for column in columns)
        for record in records
    )
    return DetailTable(_named(key), tuple(_named(str(column)) for column in columns), rows)


def _listed(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [value]
