"""Guess from names and values which column is the label, which value is healthy, which columns are origins.

A guess is only ever a proposal for the person who reads the protocol; nothing is computed from one.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from biasaudit.cohort.readers.cells import is_missing

__all__ = [
    "Classes",
    "OriginColumn",
    "as_patterns",
    "covariate_columns",
    "feature_columns",
    "filled",
    "guess_classes",
    "label_column",
    "looks_healthy",
    "most_origins",
    "named_column",
    "origin_column",
    "origin_columns",
    "plain",
]

LABELS = [
    "diagnosis",
    "label",
    "class",
    "dx",
    "group",
    "diagnosticgroup",
    "target",
    "finding",
    "condition",
    "disease",
    "pathology",
    "casecontrol",
    "status",
]
SUBJECTS = ["subject", "subjectid", "participantid", "participant", "patientid", "patient", "subid", "id"]
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
_HEALTHY = re.compile(
    r"^(0|0\.0|no|none|false|absent|negative|normal|healthy|hc|cn|nc|hv|hs|con|ctl|ctrl|nonms|benign"
    r"|nofindings?|nodisease|noindication)$|^(healthy|normal|control|unaffected|cognitivelynormal|ixi|hcp|camcan)"
)
_MOST_CLASSES = 8
_FEWEST_FEATURES = 3
_FEWEST_VALUES = 6
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
    """

    negative: str | None
    positive: tuple[str, ...]
    why: str


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


def plain(name: str) -> str:
    """Letters and digits only, in lower case: ``Field Strength`` -> ``fieldstrength``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def filled(values: Iterable[object]) -> list[str]:
    """Cells as text, empty where missing."""
    return ["" if is_missing(str(value)) else str(value) for value in values]


def looks_healthy(value: str) -> bool:
    """Whether a class or dataset of this name probably holds healthy subjects."""
    return _HEALTHY.search(plain(value) or value) is not None


def named_column(frame: pd.DataFrame, names: Sequence[str], fits: Callable[[list[str]], bool]) -> str | None:
    """First column with one of these names, preferred names first, whose cells fit."""
    by_name: dict[str, str] = {}
    for column in frame.columns:
        by_name.setdefault(plain(str(column)), str(column))
    candidates = [by_name[name] for name in names if name in by_name]
    return next((column for column in candidates if fits(filled(frame[column]))), None)


def label_column(frame: pd.DataFrame) -> str | None:
    """Column that probably holds the class: by its name, and a few values that repeat."""

    def few(cells: list[str]) -> bool:
        given = [cell for cell in cells if cell]
        return 1 <= len(set(given)) <= min(_MOST_CLASSES, max(1, len(given) // 2))

    return named_column(frame, LABELS, few)


def guess_classes(values: Iterable[str]) -> Classes:
    """Tell the healthy value from the others.

    Parameters
    ----------
    values : iterable of str
        Cells of the label column.
    """
    present = sorted(set(filter(None, values)))
    healthy = [value for value in present if looks_healthy(value)]
    others = tuple(value for value in present if value not in healthy)
    if len(healthy) == 1 and others:
        return Classes(healthy[0], others, f"{healthy[0]!r} looks like the healthy class")
    if len(healthy) == 1:
        return Classes(healthy[0], (), f"every label is {healthy[0]!r}: there are no patients")
    if len(present) == 1:
        return Classes(None, others, f"every label is {present[0]!r}: there are no healthy subjects")
    listed = ", ".join(map(repr, healthy or present))
    what = "all look healthy" if healthy else "none looks healthy"
    return Classes(None, (), f"of {listed} {what}" if present else "no label is filled in")


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


def feature_columns(frame: pd.DataFrame, but: Iterable[str]) -> list[str]:
    """Columns of numbers that differ between subjects, if there are at least three; neither age nor an identifier."""
    named = {plain(name) for names in (SUBJECTS, LABELS, SITES, SPLITS) for name in names}
    taken = {*but, *covariate_columns(frame).values()}
    columns = [str(column) for column in frame.columns if plain(str(column)) not in named and str(column) not in taken]
    measures = [column for column in columns if _is_measure(filled(frame[column]))]
    return measures if len(measures) >= _FEWEST_FEATURES else []


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
        if len(family) >= _FEWEST_FEATURES and set(family) <= set(left):
            patterns.append(pattern)
            left = [column for column in left if column not in family]
    return [*patterns, *left]


def _is_measure(cells: Sequence[str]) -> bool:
    """Whether every cell is a number or missing, and there are too many values for a code."""
    given = [cell for cell in cells if cell]
    try:
        return len({float(cell) for cell in given}) >= _FEWEST_VALUES
    except ValueError:
        return False
