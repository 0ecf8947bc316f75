"""Choose what a test holds fixed beside the class: severity, and the covariates that the protocol names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from biasaudit.checks.premises import lesion_volume, patients
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, FloatArray
from biasaudit.stats.conditional import centred_covariates, smooth_columns
from biasaudit.stats.strata import indicator_matrix, integer_codes, split_strata

__all__ = ["FEW_VALUES", "SMALLEST_STRATUM", "Adjustment", "adjustment", "listed"]

FEW_VALUES = 4
"""A numeric covariate with so many values or fewer is a category: sex coded 0 and 1, field strength."""

SMALLEST_STRATUM = 10
"""Subjects of a class whom a category must hold to become a stratum of its own."""

SEVERITY = "severity"

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Adjustment:
    """What a test holds fixed beside the class.

    Attributes
    ----------
    groups : int (n,)
        The classes; in the mirror question the origins.
    strata : int (n,)
        Who may be exchanged: group x categories.
    columns : float (n, c)
        Continuous covariates, curved, of mean 0 inside groups.
    held : tuple of str
        What is held fixed, in words.
    notes : tuple of str
        What could not be held fixed, or only in part, and why.
    """

    groups: Codes
    strata: Codes
    columns: FloatArray
    held: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def all_columns(self) -> FloatArray:
        """Columns and the indicators of the strata, of mean 0 inside groups, for adjustments without permutation."""
        if not self.held:
            return self.columns
        return centred_covariates(np.column_stack([self.columns, indicator_matrix(self.strata)]), self.groups)


def adjustment(
    evidence: ArmEvidence, protocol: Protocol, rows: BoolArray, groups: npt.ArrayLike, *, severity: bool = True
) -> Adjustment:
    """Gather the severity of the patients, where all of it is known, and the protocol's covariates.

    Parameters
    ----------
    evidence, protocol
        Of one arm and factor; `protocol.cohort.covariates` says which covariates, in which order.
    rows : bool (n,)
        The subjects in question, m of them.
    groups : (m,)
        What is held fixed in any case.
    severity : bool
        False where the label is in question, which severity follows.

    Returns
    -------
    Adjustment
        Of the m subjects. A missing number is replaced by the mean of its group and marked by a column of its own;
        a missing category is a category.
    """
    codes = integer_codes(groups)
    found = Adjustment(codes, codes, np.empty((codes.size, 0)))
    volume = lesion_volume(evidence) if severity and patients(evidence)[rows].any() else None
    if volume is not None:
        found = _with_columns(found, SEVERITY, volume[rows][:, None])
    for name in protocol.cohort.covariates:
        found = _with_covariate(found, name, evidence, rows)
    return found


def _with_covariate(found: Adjustment, name: str, evidence: ArmEvidence, rows: BoolArray) -> Adjustment:
    if name in evidence.categories:
        return _with_categories(found, name, evidence.categories[name][rows])
    if name not in evidence.covariates:
        return _noted(found, f"{name} is not among the cohort's covariates and is not held fixed")
    values = np.where(np.isfinite(evidence.covariates[name]), evidence.covariates[name], np.nan)[rows]
    known = np.isfinite(values)
    distinct = np.unique(values[known])
    if distinct.size < 2 and (known.all() or not known.any()):
        what = "is the same for everybody" if distinct.size else "is known for nobody"
        return _noted(found, f"{name} {what}: nothing to hold fixed")
    if distinct.size <= FEW_VALUES:
        return _with_categories(found, name, np.where(known, values.astype(str), ""))
    found = _with_columns(found, name, smooth_columns(values, found.groups))
    missing = int((~known).sum())
    return _noted(found, f"{name} is missing for {missing} and taken as the mean there") if missing else found


def _with_categories(found: Adjustment, name: str, levels: npt.NDArray[np.str_]) -> Adjustment:
    if np.unique(levels).size < 2:
        return _noted(found, f"{name} is the same for everybody: nothing to hold fixed")
    strata, merged = split_strata(found.strata, levels, SMALLEST_STRATUM)
    if np.array_equal(strata, integer_codes(found.strata)):
        return _noted(
            found, f"{name} is not held fixed: no two of its values have {SMALLEST_STRATUM} subjects in a stratum"
        )
    found = replace(found, strata=strata, held=(*found.held, name))
    if not merged:
        return found
    return _noted(found, f"{merged} subjects with a rare or missing {name} join the most frequent value")


def _with_columns(found: Adjustment, name: str, columns: FloatArray) -> Adjustment:
    centred = centred_covariates(columns, found.groups)
    return replace(found, columns=np.column_stack([found.columns, centred]), held=(*found.held, name))


def _noted(found: Adjustment, note: str) -> Adjustment:
    return replace(found, notes=(*found.notes, note))


def listed(words: Sequence[str]) -> str:
    """Join words: ``age, sex and severity``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
