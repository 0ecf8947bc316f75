"""Guess from names and values which column is the label, which value is healthy, which columns are origins.

A guess is only ever a proposal for the person who reads the protocol; nothing is computed from one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from biasaudit.cohort.readers.cells import bare_number, or_empty
from biasaudit.drafting.class_words import looks_healthy, plain, sounds_benign, words_of
from biasaudit.drafting.codings import Coding, as_code, known_coding

__all__ = [
    "Classes",
    "OriginColumn",
    "covariate_columns",
    "filled",
    "guess_classes",
    "label_column",
    "most_origins",
    "named_column",
    "origin_column",
    "origin_columns",
]

LABELS = [
    "diagnosis",
    "label",
    "class",
    "dx",
    "dxgroup",
    "group",
    "diagnosticgroup",
    "researchgroup",
    "subjecttype",
    "benignmalignant",
    "phenotype",
    "diag",
    "target",
    "finding",
    "condition",
    "disease",
    "pathology",
    "casecontrol",
    "status",
]
_LABEL_WORDS = ("diagnosis", "dx", "label", "class", "group", "status", "finding", "disease", "pathology")
_SPOKEN = frozenset({"control", "controls", "healthy", "hc"})
SUBJECTS = [
    "subject",
    "subjectid",
    "participantid",
    "participant",
    "patientid",
    "patient",
    "subid",
    "sub",
    "subjid",
    "subjectkey",
    "subjects",
    "ptid",
    "rid",
    "patno",
    "mrid",
    "scandirid",
    "pid",
    "caseid",
    "lesionid",
    "bidsname",
    "id",
]
SITES = [
    "site",
    "siteid",
    "sitename",
    "center",
    "centre",
    "hospital",
    "institution",
    "institutionname",
    "origin",
    "source",
    "dataset",
    "study",
    "cohort",
    "scanner",
    "scannerid",
    "stationname",
    "deviceserialnumber",
    "manufacturersmodelname",
    "scannermodel",
    "manufacturer",
    "vendor",
    "magneticfieldstrength",
    "fieldstrength",
    "receivecoilname",
]
MASKS = ["mask", "lesion", "lesionmask", "roi", "tumor", "tumour", "seg", "segmentation"]
MAPS = ("jacobian", "logjac")
BRAIN_MASKS = ["brainmask", "brain", "skullmask", "bodymask"]
SPLITS = ["split", "partition", "subset"]
TISSUES = (("gm", "wm", "csf"), ("wp1", "wp2", "wp3"), ("p1", "p2", "p3"), ("c1", "c2", "c3"))
_COVARIATES = {"age": re.compile(r"^age($|[^a-z])", re.IGNORECASE), "sex": re.compile(r"^(sex|gender)", re.IGNORECASE)}
_MOST_CLASSES = 8
_MOST_ORIGINS_PER_SUBJECT = 0.5


@dataclass(frozen=True)
class Classes:
    """Guessed healthy class and pathology classes of the label column, with the reason.

    Attributes
    ----------
    negative : str or None
        The value that looks healthy; None where none does or several do.
    positive : tuple of str
        All other values; empty where the healthy one is not known.
    why : str
    meanings : mapping of str to str
        What the values mean, where they are number codes of a public data set.
    """

    negative: str | None
    positive: tuple[str, ...]
    why: str
    meanings: Mapping[str, str] = field(default_factory=dict)

    def named(self, value: str) -> str:
        """Name of a value: its meaning where it is a code."""
        return self.meanings.get(value, value)


@dataclass(frozen=True)
class OriginColumn:
    """A column that says where images come from.

    Attributes
    ----------
    name : str
    values : tuple of str
        One per image; empty where missing.
    missing : int
        Images for which it is empty; an origin factor must be known for all.
    """

    name: str
    values: tuple[str, ...]
    missing: int

    @property
    def levels(self) -> int:
        """Number of origins."""
        return len(set(filter(None, self.values)))


def filled(values: Iterable[object]) -> list[str]:
    """Cells as text, empty where missing."""
    return [or_empty(str(value)) for value in values]


def named_column(frame: pd.DataFrame, names: Sequence[str], fits: Callable[[list[str]], bool]) -> str | None:
    """First column with one of these names, preferred names first, whose cells fit."""
    by_name: dict[str, str] = {}
    for column in frame.columns:
        by_name.setdefault(plain(str(column)), str(column))
    candidates = [by_name[name] for name in names if name in by_name]
    return next((column for column in candidates if fits(filled(frame[column]))), None)


def label_column(frame: pd.DataFrame) -> str | None:
    """Column that probably holds the class, by its name or by values such as ``patient`` and ``control``.

    Of several, the first whose healthy class is known; then the first of several values.
    """
    cells = {str(column): filled(frame[column]) for column in frame.columns}
    few = {column: values for column, values in cells.items() if _few(values)}
    whole = [column for name in LABELS for column in few if plain(column) == name]
    coded = [column for column in few if known_coding(column, few[column], cells)]
    known = [column for column in (*whole, *coded, *_by_a_word(few)) if _is_told(few[column], column, cells)]
    telling = [column for column in few if _tells_control(few[column])]
    several = [column for column in whole if len(set(filter(None, few[column]))) > 1]
    return next(iter([*known, *(telling if len(telling) == 1 else []), *several, *whole]), None)


def _by_a_word(columns: Iterable[str]) -> list[str]:
    """Columns of whose name a word says class: ``primary_diagnosis``; not those that are called like something else."""
    others = (*SITES, *SUBJECTS)
    return [c for word in _LABEL_WORDS for c in columns if word in words_of(c) and plain(c) not in others]


def _is_told(cells: Sequence[str], column: str, columns: Iterable[str]) -> bool:
    guess = guess_classes(cells, column, columns)
    return guess.negative is not None and bool(guess.positive)


def _few(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell]
    return 1 <= len(set(given)) <= min(_MOST_CLASSES, max(1, len(given) // 2))


def _tells_control(cells: Sequence[str]) -> bool:
    """Whether the values speak for themselves: one of them is called control or healthy."""
    values = sorted(set(filter(None, cells)))
    spoken = [value for value in values if looks_healthy(value) and set(words_of(value)) & _SPOKEN]
    return len(values) > 1 and len(spoken) == 1


def guess_classes(values: Iterable[str], column: str = "", columns: Iterable[str] = ()) -> Classes:
    """Tell the healthy value from the others.

    Parameters
    ----------
    values : iterable of str
        Cells of the label column.
    column : str
        Its name, by which the number codes of public data sets are known.
    columns : iterable of str
        All columns of the table.
    """
    present = sorted(set(filter(None, values)))
    coding = known_coding(column, present, columns)
    if coding is not None:
        return _decoded(present, coding)
    healthy = [value for value in present if looks_healthy(value, present)]
    if not healthy:
        healthy = [value for value in present if sounds_benign(value)]
    others = tuple(value for value in present if value not in healthy)
    if len(present) > 2 and all(bare_number(value) is not None for value in present):
        return Classes(None, (), f"what do the numbers {', '.join(present)} mean?")
    if len(healthy) == 1 and others:
        return Classes(healthy[0], others, f"{healthy[0]!r} looks like the healthy class")
    if len(healthy) == 1:
        return Classes(healthy[0], (), f"every label is {healthy[0]!r}: there are no patients")
    if len(present) == 1:
        return Classes(None, others, f"every label is {present[0]!r}: there are no healthy subjects")
    listed = ", ".join(map(repr, healthy or present))
    what = "all look healthy" if healthy else "none looks healthy"
    return Classes(None, (), f"of {listed} {what}" if present else "no label is filled in")


def _decoded(present: Sequence[str], coding: Coding) -> Classes:
    """Read the number codes of a public data set."""
    meanings = {value: coding.meanings[as_code(value)] for value in present}
    meant = ", ".join(f"{value} {meaning}" for value, meaning in meanings.items())
    others = tuple(value for value in present if as_code(value) != coding.negative)
    negative = next((value for value in present if value not in others), None)
    if negative is None:
        return Classes(None, others, f"no healthy subjects: by the coding of {coding.source} the labels are {meant}")
    if not others:
        return Classes(negative, (), f"no patients: by the coding of {coding.source} the labels are {meant}")
    return Classes(negative, others, f"coding of {coding.source}: {meant}", meanings)


def origin_columns(frame: pd.DataFrame, subjects: Sequence[str], but: Iterable[str]) -> tuple[OriginColumn, ...]:
    """Columns whose name says site, scanner, vendor, field strength, and that have fewer values than subjects.

    Parameters
    ----------
    frame : DataFrame
        One row per image, cells as text.
    subjects : sequence of str
        One per image.
    but : iterable of str
        Columns that are something else already.
    """
    taken = set(but)
    by_name: Mapping[str, str] = {plain(str(c)): str(c) for c in reversed(list(frame.columns)) if str(c) not in taken}
    candidates = [origin_column(frame, by_name[name]) for name in SITES if name in by_name]
    return tuple(column for column in candidates if 1 <= column.levels <= most_origins(subjects))


def most_origins(subjects: Sequence[str]) -> int:
    """Largest number of values with which a column still counts as one of origins: half the number of subjects."""
    return max(2, int(len(set(subjects)) * _MOST_ORIGINS_PER_SUBJECT))


def origin_column(frame: pd.DataFrame, name: str) -> OriginColumn:
    """Make an `OriginColumn` of a column of the table."""
    values = tuple(filled(frame[name]))
    return OriginColumn(name, values, sum(not value for value in values))


def covariate_columns(frame: pd.DataFrame, but: Iterable[str] = ()) -> dict[str, str]:
    """Map ``age`` and ``sex`` to the first column that is named like it and not empty."""
    taken = set(but)
    columns = [str(column) for column in frame.columns if str(column) not in taken and any(filled(frame[column]))]
    fitting = {what: [c for c in columns if pattern.search(c)] for what, pattern in _COVARIATES.items()}
    return {what: names[0] for what, names in fitting.items() if names}
