"""Match the arms of two runs and compare each pair on the subjects that both scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from biasaudit.comparison.pair import ComparedArm, compare_pair
from biasaudit.comparison.shared_rows import SharedRows, by_subject, n_subjects, shared_rows
from biasaudit.comparison.stored_arm import StoredArm, StoredRun
from biasaudit.records import ArmEvidence, Comparison

__all__ = ["ArmNames", "ArmPair", "MatchedArms", "compare_arms", "matched_arms"]


_SMALLEST_CLASS = 4


class ArmNames(NamedTuple):
    """Names of an arm in the first and in the second run."""

    first: str
    second: str


@dataclass(frozen=True)
class ArmPair:
    """One arm of either run, and their differences where the same subjects were held out by the same folds.

    Attributes
    ----------
    arms : ArmNames
    subjects : int
        Subjects that the differences are of.
    unpaired : str
        Why there are no differences; empty if there are.
    differences : tuple of Comparison
        First run minus second.
    notes : tuple of str
        What the differences leave out.
    """

    arms: ArmNames
    subjects: int = 0
    unpaired: str = ""
    differences: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--json`` prints."""
        return {
            "arms": list(self.arms),
            "subjects": self.subjects,
            "unpaired": self.unpaired or None,
            "differences": [
                {key: value for key, value in each.to_dict().items() if key != "arms"} for each in self.differences
            ],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class MatchedArms:
    """One arm of the first run and the arm of the second that belongs to it."""

    first: StoredArm
    second: StoredArm

    @property
    def names(self) -> ArmNames:
        """Names of both arms."""
        return ArmNames(self.first.name, self.second.name)


def matched_arms(first: StoredRun, second: StoredRun) -> list[MatchedArms]:
    """Pair arms of the same name; where there are none, the primary arms."""
    others = {arm.name: arm for arm in second.arms}
    shared = [MatchedArms(arm, others[arm.name]) for arm in first.arms if arm.name in others]
    return shared or [MatchedArms(_primary(first), _primary(second))]


def _primary(run: StoredRun) -> StoredArm:
    return next(arm for arm in run.arms if arm.record["primary"])


def compare_arms(pair: MatchedArms) -> ArmPair:
    """Compare two arms, contrast by contrast, by the primary factor of the first run."""
    first, second = pair.first.run, pair.second.run
    if first.factors[0] not in second.factors:
        origins = f"{', '.join(first.factors)}; {', '.join(second.factors)}"
        return ArmPair(pair.names, unpaired=f"the primary origin of the first run is none of the second ({origins})")
    if first.contrasts != second.contrasts:
        return ArmPair(pair.names, unpaired="the runs tell other classes apart")
    differences: list[Comparison] = []
    notes: list[str] = []
    subjects = 0
    for contrast in first.contrasts:
        own, other = (arm.evidence(first.factors[0], contrast) for arm in (pair.first, pair.second))
        reason = _unpaired(own, other)
        if reason:
            return ArmPair(pair.names, unpaired=reason)
        shared = shared_rows(own, other)
        subjects = n_subjects(shared.first)
        differences += _allowed(_paired_differences(pair, shared), pair, notes)
        notes += _left_out(own, other, subjects)
    if len(first.contrasts) > 1 and not (first.relevance.empty or second.relevance.empty):
        notes.append("lesion gain is not compared: with more than two classes the tables hold the maps of one contrast")
    return ArmPair(pair.names, subjects, "", tuple(differences), tuple(dict.fromkeys(notes)))


def _unpaired(first: ArmEvidence, second: ArmEvidence) -> str:
    """Say why two arms cannot be compared subject by subject; empty if they can."""
    own, other = by_subject(first), by_subject(second)
    shared = own.keys() & other.keys()
    if not shared:
        return "no subject was scored in both runs"
    relabelled = [subject for subject in shared if own[subject].groups != other[subject].groups]
    if relabelled:
        many = f"{len(relabelled)} of {len(shared)} shared subjects"
        return f"{many} have another class or origin, such as {min(relabelled)}"
    moved = [subject for subject in shared if own[subject].fold != other[subject].fold]
    if moved:
        return (
            f"{len(moved)} of {len(shared)} shared subjects were held out by another fold (`folds.n`, `folds.seed`, or "
            "another cohort): the networks that scored them learned from other subjects"
        )
    classes = [sum(own[subject].groups[0].positive == side for subject in shared) for side in (False, True)]
    if min(classes) < _SMALLEST_CLASS:
        return f"too few subjects were scored in both runs ({classes[0]} and {classes[1]} of the two classes)"
    return ""


def _paired_differences(pair: MatchedArms, shared: SharedRows) -> Iterator[Comparison]:
    """Compare two arms on the rows that they share, and their gains on the patients that have a map in both runs."""
    own, other = pair.first.gains(), pair.second.gains()
    mapped = [each for each in dict.fromkeys(shared.first.subject.tolist()) if each in own and each in other]
    first, second = (np.array([gains[each] for each in mapped], dtype=np.float64) for gains in (own, other))
    protocol = pair.first.run.protocol
    yield from compare_pair(ComparedArm(shared.first, first), ComparedArm(shared.second, second), protocol)


def _allowed(differences: Iterator[Comparison], pair: MatchedArms, notes: list[str]) -> Iterator[Comparison]:
    """Leave reliance out where the tables do not hold what it is adjusted for: the covariates of the first run."""
    runs = (pair.first.run, pair.second.run)
    first, second = (run.protocol.cohort.covariates for run in runs)
    for difference in differences:
        if difference.quantity != "reliance":
            yield difference
        elif not all(run.knows(first) for run in runs):
            notes.append("reliance is not compared: the tables of a run do not hold the covariates of the first")
        else:
            yield difference
            if first != second:
                notes.append("reliance is adjusted for the covariates of the first run in both")


def _left_out(first: ArmEvidence, second: ArmEvidence, shared: int) -> Iterator[str]:
    """Say of how many subjects the differences are, if that is not all of either run."""
    one, two = n_subjects(first), n_subjects(second)
    if max(one, two) > shared:
        yield f"differences are of the {shared} subjects that both runs scored; the runs scored {one} and {two}"
