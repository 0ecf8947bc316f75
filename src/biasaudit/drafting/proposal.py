"""Propose an audit of a profile: label, classes, origins, covariates, folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from biasaudit.drafting.class_words import looks_healthy
from biasaudit.drafting.guesses import (
    Classes,
    OriginColumn,
    covariate_columns,
    guess_classes,
    label_column,
    most_origins,
    origin_column,
    origin_columns,
)
from biasaudit.drafting.profile import Profile
from biasaudit.protocol import DATASET
from biasaudit.records import Regime
from biasaudit.stats.design import regime

__all__ = ["Proposal", "class_of", "numbers_by_class", "propose_protocol", "regime_of", "unused_columns"]

_FOLDS = 5


@dataclass(frozen=True)
class Proposal:
    """The guesses behind a drafted protocol.

    Attributes
    ----------
    label : str or None
        Column of the class, or ``dataset`` where each dataset holds one class; None if no column looks like one.
    labels : tuple of str
        One per image; empty where missing.
    classes : Classes
    small : tuple of str
        Classes with fewer subjects than there are folds, left out by `select`.
    origins : tuple of OriginColumn
        Chosen, the primary one first.
    others : tuple of OriginColumn
        Further columns that say where an image comes from.
    covariates : mapping of ``age`` and ``sex`` to columns
    folds : int
    """

    label: str | None
    labels: tuple[str, ...]
    classes: Classes
    small: tuple[str, ...]
    origins: tuple[OriginColumn, ...]
    others: tuple[OriginColumn, ...]
    covariates: Mapping[str, str]
    folds: int

    @property
    def kept(self) -> np.ndarray:
        """Mark the images that have one of the classes, bool (n,)."""
        names = {self.classes.negative, *self.classes.positive}
        return np.array([bool(label) and label in names for label in self.labels])


def propose_protocol(profile: Profile) -> Proposal:
    """Guess the label, classes, origins and covariates of an audit from the columns of a profile."""
    label = _label(profile)
    labels = tuple(profile.column(label)) if label else ("",) * len(profile.subject)
    classes, small, folds = _classes(labels, profile)
    chosen, others = _origins(profile, label)
    return Proposal(
        label=label,
        labels=labels,
        classes=classes,
        small=small,
        origins=chosen,
        others=others,
        covariates=covariate_columns(profile.frame, [column.name for column in chosen]),
        folds=folds,
    )


def regime_of(proposal: Proposal, column: OriginColumn) -> Regime | None:
    """Regime of the design for one origin column, among the images that have a class and an origin.

    None where the classes are not known yet; of two labels it does not matter which of them is healthy.
    """
    labelled = np.array([bool(label) for label in proposal.labels])
    values = sorted(set(filter(None, proposal.labels)))
    negative = proposal.classes.negative
    if negative is None and len(values) != 2:
        return None
    rows = (labelled if negative is None else proposal.kept) & np.array([bool(value) for value in column.values])
    labels, origins = np.array(proposal.labels)[rows], np.array(column.values)[rows]
    return regime(labels != (values[0] if negative is None else negative), origins, labels)


def unused_columns(profile: Profile, proposal: Proposal) -> dict[str, list[str]]:
    """Group the columns that the draft does not use: by their regime as origins, ``one value``, ``many values``...

    Columns that are known to say where images come from are in `Proposal.others`.
    """
    origins = {column.name for column in (*proposal.origins, *proposal.others)}
    used = {proposal.label, profile.settings.get("split"), *origins, *proposal.covariates.values()}
    by_kind: dict[str, list[str]] = {}
    for name in map(str, profile.frame.columns):
        if name not in used:
            by_kind.setdefault(_kind(profile, proposal, origin_column(profile.frame, name)), []).append(name)
    return by_kind


def _kind(profile: Profile, proposal: Proposal, column: OriginColumn) -> str:
    if column.levels < 2:
        return "one value" if column.levels else "empty"
    if column.levels > most_origins(profile.subject):
        return "many values"
    return regime_of(proposal, column) or "few values"


def _label(profile: Profile) -> str | None:
    """Choose the column of the class, or the dataset itself where each holds one class and some have no labels."""
    label = label_column(profile.frame)
    if len(set(profile.dataset)) < 2:
        return label
    values = _values_by_dataset(profile, label)
    silent = [name for name, labels in values.items() if not labels]
    return DATASET if silent and max(map(len, values.values())) <= 1 else label


def _values_by_dataset(profile: Profile, label: str | None) -> dict[str, set[str]]:
    """Labels that occur in each dataset."""
    cells = profile.column(label) if label else [""] * len(profile.dataset)
    labels: dict[str, set[str]] = {name: set() for name in profile.dataset}
    for name, cell in zip(profile.dataset, cells, strict=True):
        labels[name] |= {cell} - {""}
    return labels


def _guessed(labels: Sequence[str], profile: Profile) -> Classes:
    """Guess the healthy class; where datasets are the classes, the only one without a disease label is healthy."""
    column = label_column(profile.frame)
    guess = guess_classes(labels, column or "", profile.frame.columns)
    by_dataset = _values_by_dataset(profile, column)
    if guess.negative is not None or set(labels) != set(by_dataset):
        return guess
    ill = sorted(
        name for name, its_labels in by_dataset.items() if its_labels and not any(map(looks_healthy, its_labels))
    )
    healthy = sorted(set(by_dataset) - set(ill))
    if not ill or len(healthy) != 1:
        return guess
    return Classes(healthy[0], tuple(ill), f"only {', '.join(ill)} names a disease")


def _classes(labels: Sequence[str], profile: Profile) -> tuple[Classes, tuple[str, ...], int]:
    """Split the classes into large enough and too small ones, and choose the number of folds."""
    subjects = dict(zip(profile.subject, labels, strict=True))
    sizes = Counter(filter(None, subjects.values()))
    whole = _guessed(labels, profile)
    small = tuple(name for name in whole.positive if sizes[name] < _FOLDS) if len(whole.positive) > 1 else ()
    large = tuple(name for name in whole.positive if name not in small)
    if not large:
        large, small = whole.positive, ()
    present = [sizes[name] for name in (whole.negative, *large) if name is not None and name in sizes]
    folds = max(2, min([_FOLDS, *present]))
    return replace(whole, positive=large), small, folds


def _origins(profile: Profile, label: str | None) -> tuple[tuple[OriginColumn, ...], tuple[OriginColumn, ...]]:
    """Choose the dataset where there are several, then the first column that divides it further.

    Sites are proposed before scanners, and these before vendors, because the larger unit contains the smaller.
    """
    candidates = origin_columns(profile.frame, profile.subject, [label] if label else [])
    chosen: list[OriginColumn] = []
    if len(set(profile.dataset)) > 1 or (
        profile.reader == "bids" and not any(_usable(column) for column in candidates)
    ):
        chosen.append(OriginColumn(DATASET, profile.dataset, 0))
    for column in candidates:
        if len(chosen) < (2 if len(profile.source) > 1 else 1) and _usable(column) and not _same(column, chosen):
            chosen.append(column)
    if not chosen:  # one origin in all: the audit will say that there is nothing to compare
        chosen += [column for column in candidates if column.missing == 0][:1]
    return tuple(chosen), tuple(column for column in candidates if column not in chosen)


def _usable(column: OriginColumn) -> bool:
    return column.missing == 0 and column.levels > 1


def _same(column: OriginColumn, others: Sequence[OriginColumn]) -> bool:
    """Whether a column groups the images exactly as one of the others does."""
    return any(len(set(zip(column.values, o.values, strict=True))) == column.levels == o.levels for o in others)


def class_of(proposal: Proposal, profile: Profile) -> dict[str, str]:
    """Class of every subject that has one."""
    rows = zip(profile.subject, proposal.labels, proposal.kept, strict=True)
    return {subject: label for subject, label, kept in rows if kept}


def numbers_by_class(proposal: Proposal, profile: Profile, column: str) -> dict[str, np.ndarray]:
    """Numeric cells of one column by class, one per subject, missing ones left out."""
    first = {subject: row for row, subject in reversed(list(enumerate(profile.subject)))}
    values = pd.to_numeric(profile.frame[column], errors="coerce").to_numpy(dtype=float)
    by_class: dict[str, list[float]] = {}
    for subject, label in class_of(proposal, profile).items():
        by_class.setdefault(label, []).append(float(values[first[subject]]))
    return {label: np.array(numbers)[np.isfinite(numbers)] for label, numbers in by_class.items()}
