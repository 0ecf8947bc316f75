"""A1: can the same network tell origins apart inside one class?"""

from __future__ import annotations

from biasaudit.checks.competence import CHANCE
from biasaudit.checks.origin_score import OriginScore, origin_score
from biasaudit.checks.premises import Judgement, inside_classes, interval_level, probability
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.distribution import quantiles_of

__all__ = ["OriginWithinClass"]


_NAMED = 6
"""Most origins that a sentence names one by one."""


@register("check", "A1")
class OriginWithinClass:
    """Held-out origin classifiers of the target's architecture, folds and budget."""

    code = "A1"
    title = "Origin within class"
    question = "Can the same network tell the origins apart inside one class?"
    why = "It says whether a signature is there to be used. Availability alone is no fault: only use is."
    kind = "available"
    statistic = "AUC of the origin"
    needs = ("table", "origin_controls")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding per class."""
        return [_finding(evidence, name, protocol) for name in inside_classes(evidence)]


def _finding(evidence: ArmEvidence, class_name: str, protocol: Protocol) -> Finding:
    score = origin_score(evidence, class_name, protocol)
    if not isinstance(score, OriginScore):
        return Finding("A1", score.status, score.reason, factor=evidence.factor, class_name=class_name)
    judged = _judgement(score, protocol)
    origins = evidence.origin_controls[class_name].origins
    told = f"origins {', '.join(origins)}" if len(origins) <= _NAMED else f"{len(origins)} larger origins"
    return Finding(
        code="A1",
        status=judged.status,
        reason=f"inside {class_name} the {told} {judged.reason} (AUC {score.interval.estimate:.2f}, "
        f"{probability(score.test.p_value)}); that a signature is available does not mean that the target uses it",
        statistic=score.interval.estimate,
        low=score.interval.low,
        high=score.interval.high,
        level=interval_level(protocol),
        p_value=score.test.p_value,
        threshold=CHANCE,
        n=score.test.n,
        factor=evidence.factor,
        class_name=class_name,
        details={"null": quantiles_of(score.test.null, score.test.statistic, "permutations")},
    )


def _judgement(score: OriginScore, protocol: Protocol) -> Judgement:
    if score.test.p_value <= protocol.statistics.alpha:
        return Judgement("concern", "can be told apart")
    if score.interval.high < CHANCE + protocol.verdict.delta:
        return Judgement("clear", "cannot be told apart")
    return Judgement("inconclusive", "are not shown to be told apart")
