"""Cut the evidence of two arms to the subjects that both runs scored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from biasaudit.records import ArmEvidence
from biasaudit.stats.design import regime

__all__ = ["Group", "ScoredSubject", "SharedRows", "Unit", "by_subject", "n_subjects", "shared_rows", "units_of"]


class Group(NamedTuple):
    """Class and origin of some images of a subject."""

    positive: bool
    origin: str


class Unit(NamedTuple):
    """One row of the evidence: a subject, in one of its groups."""

    subject: str
    group: Group


@dataclass(frozen=True)
class ScoredSubject:
    """Classes and origins of a subject, and the fold that held it out."""

    groups: tuple[Group, ...]
    fold: int


def units_of(arm: ArmEvidence) -> list[Unit]:
    """Return subject, class and origin of every row."""
    groups = map(Group, arm.positive.tolist(), arm.origin.tolist())
    return list(map(Unit, arm.subject.tolist(), groups))


def by_subject(arm: ArmEvidence) -> dict[str, ScoredSubject]:
    """Gather the groups of every subject in the order of the rows."""
    found: dict[str, ScoredSubject] = {}
    for unit, fold in zip(units_of(arm), arm.fold.tolist(), strict=True):
        before = found[unit.subject].groups if unit.subject in found else ()
        found[unit.subject] = ScoredSubject((*before, unit.group), fold)
    return found


@dataclass(frozen=True)
class SharedRows:
    """Evidence of both arms on the rows that they share, in the order of the first."""

    first: ArmEvidence
    second: ArmEvidence


def shared_rows(first: ArmEvidence, second: ArmEvidence) -> SharedRows:
    """Return the rows that both arms have: same subject, class and origin."""
    place = {unit: row for row, unit in enumerate(units_of(second))}
    rows = [row for row, unit in enumerate(units_of(first)) if unit in place]
    others = [place[unit] for unit in units_of(first) if unit in place]
    return SharedRows(_rows(first, rows), _rows(second, others))


def n_subjects(arm: ArmEvidence) -> int:
    """Count the subjects of an arm."""
    return len(np.unique(arm.subject))


def _rows(arm: ArmEvidence, rows: list[int]) -> ArmEvidence:
    columns: tuple[str, ...] = ("subject", "positive", "origin", "fold", "severity", "logit", "logit_erased")
    columns += ("label", "patient", "erasable")
    fields: dict[str, Any] = {name: values[rows] for name in columns if (values := getattr(arm, name)) is not None}
    for name in ("covariates", "categories"):
        fields[name] = {key: values[rows] for key, values in getattr(arm, name).items()}
    kept = replace(arm, **fields)
    return replace(kept, regime=regime(kept.positive, kept.origin, kept.label))
