"""Test how well a few columns predict the class, or the origin inside one class; D2 and A3 ask it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from biasaudit.checks.competence import CHANCE
from biasaudit.checks.premises import class_rows, interval_level, origins_of, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding
from biasaudit.stats.fold_auc import cross_validated_auc, cross_validated_auc_statistic
from biasaudit.stats.multiplicity import holm
from biasaudit.stats.pair_auc import folds_overlap
from biasaudit.stats.prediction import Encoded, ridge_prediction_test, ridge_scores
from biasaudit.stats.strata import integer_codes

__all__ = ["Asked", "Source", "folds_of", "label_question", "origin_question", "predict", "with_holm"]

FEWEST = 4
"""Subjects of an origin in a class below which it is not told apart."""

_SHOWN = 3
_OWN_FOLDS = 5


@dataclass(frozen=True)
class Asked:
    """A question to the columns.

    Attributes
    ----------
    rows : bool (n,)
        Subjects that it is asked of.
    target : str (n,)
        What is to be predicted.
    class_name : str or None
        The class inside which the origin is asked; None for the label.
    """

    rows: BoolArray
    target: npt.NDArray[np.str_]
    class_name: str | None = None


@dataclass(frozen=True)
class Source:
    """The columns used as predictors, named for the finding's text, and what to do about a concern.

    Attributes
    ----------
    part : str
        Which of the columns of a check are asked by themselves; empty where all are.
    """

    code: str
    name: str
    caveat: str
    remedy: str
    part: str = ""


def label_question(evidence: ArmEvidence) -> Asked:
    """Ask for the label, of everybody."""
    target = np.where(evidence.positive, evidence.classes[1], evidence.classes[0])
    return Asked(np.ones(evidence.positive.size, dtype=bool), target)


def origin_question(evidence: ArmEvidence, class_name: str) -> Asked | None:
    """Ask for the origin inside one class; None if fewer than two origins have four subjects there."""
    members = class_rows(evidence, class_name)
    large = [name for name in origins_of(evidence, members) if (members & (evidence.origin == name)).sum() >= FEWEST]
    if len(large) < 2:
        return None
    return Asked(members & np.isin(evidence.origin, large), evidence.origin, class_name)


def predict(evidence: ArmEvidence, asked: Asked, columns: Encoded, source: Source, protocol: Protocol) -> Finding:
    """Predict and judge: concern if better than permuted labels, clear if a useful prediction is excluded."""
    codes, folds = integer_codes(asked.target[asked.rows]), folds_of(evidence, source.code)[asked.rows]
    words = (source.code, *filter(None, [source.part]), asked.class_name or "label")
    settings = protocol.statistics
    matrix = columns.matrix[asked.rows]
    generator = stream(evidence, *words, "permutation")
    found = ridge_prediction_test(matrix, codes, folds, settings.n_permutations, generator)
    count = int(asked.rows.sum())
    unjudged = Finding(source.code, "inconclusive", "", n=count, factor=evidence.factor, class_name=asked.class_name)
    finding = replace(unjudged, input=source.part or None)
    if np.isnan(found.test.p_value):
        return replace(finding, status="not_applicable", reason=f"{_what(asked)}: {found.test.reason}")
    area = cross_validated_auc(found.scores, codes, folds)
    interval = area.interval(interval_level(protocol), folds_overlap(folds))
    return replace(
        finding,
        statistic=interval.estimate,
        low=interval.low,
        high=interval.high,
        level=interval_level(protocol),
        p_value=found.test.p_value,
        threshold=CHANCE,
        details={
            "best": _best(columns, asked.rows, codes, folds),
            "accuracy": round(found.accuracy, 3),
            "majority_baseline": round(found.baseline, 3),
        },
    )


def with_holm(findings: Sequence[Finding], source: Source, protocol: Protocol) -> list[Finding]:
    """Correct the p-values of all questions of one check, and say what follows."""
    adjusted = holm([np.nan if finding.p_value is None else finding.p_value for finding in findings])
    return [
        finding if finding.p_value is None else _judged(finding, float(p_value), source, protocol)
        for finding, p_value in zip(findings, adjusted, strict=True)
    ]


def _judged(finding: Finding, p_value: float, source: Source, protocol: Protocol) -> Finding:
    assert finding.statistic is not None
    assert finding.high is not None
    concern = p_value <= protocol.statistics.alpha and finding.statistic > CHANCE
    clear = not concern and finding.high < CHANCE + protocol.verdict.delta
    verb = "predict" if concern else "do not predict" if clear else "are not shown to predict"
    what = "the label" if finding.class_name is None else f"the origin inside {finding.class_name}"
    best = finding.details["best"]
    named = "; best: " + ", ".join(f"{name} ({area:.2f})" for name, area in best.items()) if concern and best else ""
    reason = f"{source.name} {verb} {what} (AUC {finding.statistic:.2f}, {probability(p_value)}){named}"
    of_label = concern and finding.class_name is None
    if concern:
        reason += f"; {source.caveat}" if of_label else "; that it is available does not mean that the target uses it"
    return replace(
        finding,
        p_value=p_value,
        status="concern" if concern else "clear" if clear else "inconclusive",
        reason=reason,
        remedy=source.remedy if of_label else "",
    )


def folds_of(evidence: ArmEvidence, code: str) -> npt.NDArray[np.intp]:
    """Return the folds of the audit; those of a network trained elsewhere are not folds, and five are drawn instead."""
    if np.unique(evidence.fold).size > 1 and evidence.fold.min() >= 0:
        return evidence.fold
    _, own = np.unique(evidence.subject, return_inverse=True)
    drawn = stream(evidence, code, "folds").permutation(own.max(initial=0) + 1) % _OWN_FOLDS
    return np.asarray(drawn[own], dtype=np.intp)


def _what(asked: Asked) -> str:
    return "the label" if asked.class_name is None else f"the origin inside {asked.class_name}"


def _best(
    columns: Encoded, rows: BoolArray, codes: npt.NDArray[np.intp], folds: npt.NDArray[np.intp]
) -> dict[str, float]:
    """Columns that predict best by themselves, with their mean fold AUC."""
    fold_codes = integer_codes(folds)
    areas = {
        name: cross_validated_auc_statistic(ridge_scores(columns.of(name)[rows], codes, fold_codes), codes, fold_codes)
        for name in dict.fromkeys(columns.owner)
    }
    ordered = sorted(areas.items(), key=lambda item: -item[1])
    return {name: round(area, 3) for name, area in ordered[:_SHOWN] if area > CHANCE}
