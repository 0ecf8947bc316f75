"""A1: can the same network tell origins apart inside one class?"""

from __future__ import annotations

import numpy as np

from biasaudit import seeds
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, OriginControl
from biasaudit.registry import register
from biasaudit.stats.intervals import percentile_interval
from biasaudit.stats.permutation import cross_validated_auc_test
from biasaudit.stats.reliance import bootstrap_fold_auc

__all__ = ["OriginWithinClass", "origin_finding"]

_CHANCE = 0.5


@register("check", "A1")
class OriginWithinClass:
    """Held-out origin classifiers of the target's architecture, folds and budget."""

    code = "A1"
    title = "Origin within class"
    question = "Can the same network tell the origins apart inside one class?"
    why = "It says whether a signature is there to be used. Availability alone is no fault: only use is."
    kind = "available"
    needs = ("origin_controls",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding per class."""
        return [origin_finding(evidence, name, protocol) for name in evidence.classes]


def origin_finding(evidence: ArmEvidence, class_name: str, protocol: Protocol) -> Finding:
    """Judge the origin classifier of one class."""
    control = evidence.origin_controls.get(class_name)
    common = {"code": "A1", "factor": evidence.factor, "class_name": class_name}
    if control is None:
        reason = f"Fewer than two origins have enough subjects in class {class_name}."
        return Finding(**common, status="not_applicable", reason=reason)
    codes = _codes(evidence, control)
    folds = evidence.fold[control.rows]
    words = ("A1", evidence.factor, class_name)
    test = cross_validated_auc_test(
        control.scores,
        codes,
        folds,
        protocol.statistics.n_permutations,
        seeds.generator(evidence.seed, *words, "test"),
    )
    if not np.isfinite(test.p_value):
        return Finding(**common, status="not_applicable", reason="No fold holds two origins of this class.")
    draws = bootstrap_fold_auc(
        control.scores,
        codes,
        folds,
        protocol.statistics.n_bootstraps,
        seeds.generator(evidence.seed, *words, "interval"),
    )
    interval = percentile_interval(test.statistic, draws, 0.95)
    status, verb = _outcome(test.p_value, interval.high, protocol)
    return Finding(
        **common,
        status=status,
        reason=f"Inside class {class_name} the origins {', '.join(control.origins)} are {verb} "
        f"(AUC {test.statistic:.2f}). This says that a signature is available, not that the target uses it.",
        statistic=test.statistic,
        low=interval.low,
        high=interval.high,
        p_value=test.p_value,
        threshold=_CHANCE,
        n=len(control.rows),
        details={"origins": list(control.origins)},
    )


def _codes(evidence: ArmEvidence, control: OriginControl) -> np.ndarray:
    return np.array([control.origins.index(str(origin)) for origin in evidence.origin[control.rows]])


def _outcome(p_value: float, high: float, protocol: Protocol) -> tuple[str, str]:
    if p_value <= protocol.statistics.alpha:
        return "concern", "told apart"
    if high < _CHANCE + protocol.verdict.delta:
        return "clear", "not told apart"
    return "inconclusive", "not shown to be told apart"
