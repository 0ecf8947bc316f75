"""Measure how well the origin classifier of one class does; A1 reports it, U7 requires it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.premises import Fault, class_rows, interval_level, origins_of, score_fault, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence
from biasaudit.stats.fold_auc import cross_validated_auc, cross_validated_auc_test
from biasaudit.stats.intervals import Interval
from biasaudit.stats.pair_auc import folds_overlap
from biasaudit.stats.permutation import TestResult

__all__ = ["OriginScore", "origin_score"]


@dataclass(frozen=True)
class OriginScore:
    """Held-out success of the origin classifier of one class.

    Attributes
    ----------
    interval : Interval
        Mean over folds of the macro one-versus-rest AUC.
    test : TestResult
        Against origins permuted within folds.
    """

    interval: Interval
    test: TestResult


def origin_score(evidence: ArmEvidence, class_name: str, protocol: Protocol) -> OriginScore | Fault:
    """Score the origin classifier of a class, or say why there is nothing to score.

    The streams are named by the class, so that every check that asks gets the same answer.
    """
    control = evidence.origin_controls.get(class_name)
    if control is None:
        return Fault("not_applicable", _why_absent(evidence, class_name))
    scores = np.asarray(control.scores, dtype=np.float64)
    fault = score_fault(scores.ravel(), np.repeat(evidence.subject[control.rows], scores.shape[1]).tolist())
    if fault:
        return fault
    names = evidence.origin[control.rows]
    if not np.isin(names, control.origins).all():
        return Fault(
            "error", f"the origin classifier of {class_name} knows {control.origins}, the subjects have others"
        )
    codes = np.array([control.origins.index(str(name)) for name in names], dtype=np.intp)
    folds = evidence.fold[control.rows]
    settings = protocol.statistics
    test = cross_validated_auc_test(
        scores, codes, folds, settings.n_permutations, stream(evidence, "A1", class_name, "permutation")
    )
    if np.isnan(test.p_value):
        return Fault("inconclusive", test.reason)
    interval = cross_validated_auc(scores, codes, folds).interval(interval_level(protocol), folds_overlap(folds))
    return OriginScore(interval, test)


def _why_absent(evidence: ArmEvidence, class_name: str) -> str:
    spans = len(origins_of(evidence, class_rows(evidence, class_name)))
    if spans < 2:
        return f"the class {class_name} comes from {'one origin' if spans else 'no origin'}: nothing to tell apart"
    return f"no origin classifier was trained inside {class_name}: too few subjects per origin for every fold"
