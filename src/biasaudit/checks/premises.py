"""Settle what every check needs first: the rows of a class, the random stream, and whether scores can be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biasaudit import seeds
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, Flag, FloatArray, Status, equation_text

__all__ = [
    "SEVERITY",
    "Fault",
    "Judgement",
    "bound_level",
    "class_rows",
    "equal_scores",
    "exchangeable_classes",
    "fault_finding",
    "inside_classes",
    "interval_level",
    "lesion_volume",
    "origins_of",
    "patients",
    "percent",
    "probability",
    "score_fault",
    "stream",
]


@dataclass(frozen=True)
class Fault:
    """Why a question cannot be asked: status of the finding and the reason for it."""

    status: Status
    reason: str


@dataclass(frozen=True)
class Judgement:
    """What was found: status of the finding, the reason for it, and what to do about it."""

    status: Status
    reason: str
    remedy: str = ""


SEVERITY = "; patients may differ in severity between origins"
"""What a reason adds where a difference was found among patients."""


def class_rows(evidence: ArmEvidence, class_name: str) -> BoolArray:
    """Mark the rows that belong to a class, (n,)."""
    return np.asarray(evidence.positive == (class_name == evidence.classes[1]))


def exchangeable_classes(evidence: ArmEvidence) -> npt.NDArray[np.generic]:
    """Class label within which origins may be permuted, (n,); the rest of a contrast keeps its original classes."""
    return evidence.positive if evidence.label is None else evidence.label


def patients(evidence: ArmEvidence) -> BoolArray:
    """Mark the subjects with pathology, (n,): those of the rest of a contrast may have it too."""
    return evidence.positive if evidence.patient is None else evidence.patient


def fault_finding(code: str, evidence: ArmEvidence, fault: Fault) -> Finding:
    """Make a finding of why a check that may flag did not answer its question."""
    n = int(evidence.positive.size)
    return Finding(code, fault.status, fault.reason, n=n, factor=evidence.factor, flag=Flag(may_flag=False))


def inside_classes(evidence: ArmEvidence) -> tuple[str, ...]:
    """Classes to compare origins in where the answer does not depend on the contrast: its own, or both of two."""
    return evidence.inside or evidence.classes


def origins_of(evidence: ArmEvidence, rows: BoolArray) -> tuple[str, ...]:
    """Origins among some rows, sorted."""
    return tuple(str(name) for name in np.unique(evidence.origin[rows]))


def stream(evidence: ArmEvidence, *words: object) -> np.random.Generator:
    """Random stream named by words; the arm is left out, so that arms share resamples and are paired."""
    return seeds.generator(evidence.seed, *words, evidence.factor)


def interval_level(protocol: Protocol) -> float:
    """Coverage of a descriptive interval: 95 % at alpha .05."""
    return 1 - protocol.statistics.alpha


def bound_level(protocol: Protocol) -> float:
    """Coverage of an interval whose single bounds carry a one-sided claim: 90 % at alpha .05."""
    return 1 - 2 * protocol.statistics.alpha


def score_fault(scores: FloatArray, subjects: Iterable[str]) -> Fault | None:
    """Say why scores cannot be judged: absent, not finite, or all the same.

    Parameters
    ----------
    scores : float (n,)
        Held-out scores of the rows in question.
    subjects : iterable of str, n of them
        Named in the reason.

    Returns
    -------
    Fault or None
        None if the scores can be judged.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.size == 0:
        return Fault("not_applicable", "there are no held-out scores to judge")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        names = list(subjects)
        reason = (
            f"{bad.size} of {values.size} held-out scores are not finite, the first that of subject "
            f"{names[bad[0]]}; no statement is made about the others alone"
        )
        return Fault("error", reason)
    if equal_scores(values):
        return Fault(
            "inconclusive", f"all {values.size} held-out scores are equal: the network says the same of everybody"
        )
    return None


def equal_scores(scores: FloatArray) -> bool:
    """Whether all scores are the same number."""
    return bool(np.ptp(scores) == 0)


def lesion_volume(evidence: ArmEvidence) -> FloatArray | None:
    """Logarithm of severity as a covariate, 0 in the healthy; None unless it is known for every patient."""
    severity, ill = np.asarray(evidence.severity, dtype=np.float64), patients(evidence)
    known = severity[ill]
    if known.size == 0 or not (np.isfinite(known) & (known >= 0)).all():
        return None
    return np.where(ill, np.log1p(np.nan_to_num(severity)), 0.0)


def percent(share: float) -> str:
    """Return a share of 1 in whole percent: ``73 %``."""
    return f"{100 * share:.0f} %"


def probability(p_value: float) -> str:
    """Return a p-value for a sentence: ``p = 0.25``, ``p = 0.0013`` or ``p < 0.0005``."""
    return equation_text(p_value)
