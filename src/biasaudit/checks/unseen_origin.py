"""U10: how much worse is the network on an origin that it never saw?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.premises import Fault, Judgement, bound_level, probability, score_fault, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, FloatArray, UnseenOrigin
from biasaudit.registry import register
from biasaudit.stats.effects import balanced_accuracy
from biasaudit.stats.intervals import Interval, one_sided_p, percentile_interval
from biasaudit.stats.retraining import bootstrap_stratified_auc, overlap_factor, stratified_auc, widened
from biasaudit.stats.subsampling import SMALLEST_CLASS, origins_with_both_classes

__all__ = ["UnseenOriginCheck"]


@dataclass(frozen=True)
class _Loss:
    """AUC of the reference less that of the networks that never saw the origin."""

    origin: str
    unseen: float
    reference: float
    draws: FloatArray
    weight: float
    n: int
    balanced_accuracy: float

    @property
    def estimate(self) -> float:
        """Of the sample itself."""
        return self.reference - self.unseen


@register("check", "U10")
class UnseenOriginCheck:
    """Networks retrained without one origin, against networks trained on a random part of the same size."""

    code = "U10"
    title = "Leave one origin out"
    question = "Does the target lose accuracy on an origin that it has never seen?"
    why = (
        "What a network learned of the pathology should hold on a new scanner. A loss beyond that of random folds of "
        "the same size and balance of classes is owed to the origin being new."
    )
    kind = "used"
    needs = ("table", "unseen_origin")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the loss, pooled over the origins."""
        n = int(sum(own.rows.size for own in evidence.unseen.values()))
        fault = _fault(evidence)
        if fault:
            return [Finding(self.code, fault.status, fault.reason, n=n, factor=evidence.factor)]
        losses = [_loss(evidence, name, protocol) for name in sorted(evidence.unseen)]
        known = [loss for loss in losses if np.isfinite(loss.estimate)]
        if not known:
            reason = "no fold holds out both classes of an origin, so there is no AUC on it"
            return [Finding(self.code, "inconclusive", reason, n=n, factor=evidence.factor)]
        pooled, p_value = _pooled(known, protocol)
        judged = _judgement(pooled, p_value, known, protocol)
        return [
            Finding(
                code=self.code,
                status=judged.status,
                reason=judged.reason,
                remedy=judged.remedy,
                statistic=pooled.estimate,
                low=pooled.low,
                high=pooled.high,
                p_value=p_value,
                threshold=0.0,
                n=sum(loss.n for loss in known),
                factor=evidence.factor,
                details=_details(evidence, known),
            )
        ]


def _fault(evidence: ArmEvidence) -> Fault | None:
    if evidence.regime != "crossed":
        return Fault("not_applicable", "no origin holds both classes, so there is no AUC on a single origin")
    if not evidence.unseen:
        large = origins_with_both_classes(evidence.positive, evidence.origin, evidence.subject)
        if not large:
            return Fault("not_applicable", f"no origin holds {SMALLEST_CLASS} subjects of each class")
        skipped = evidence.retraining_skipped.get("U10", "no network was retrained without an origin")
        return Fault("not_applicable", skipped)
    for name, own in evidence.unseen.items():
        for scores in (own.unseen, own.reference):
            fault = score_fault(scores, evidence.subject[own.rows])
            if fault:
                return Fault(fault.status, f"origin {name}: {fault.reason}")
    return None


def _loss(evidence: ArmEvidence, origin: str, protocol: Protocol) -> _Loss:
    own = evidence.unseen[origin]
    truth, fold = evidence.positive[own.rows], evidence.fold[own.rows]
    columns = np.column_stack([own.unseen, own.reference])
    unseen, reference = (float(area) for area in stratified_auc(columns, truth, fold))
    generator = stream(evidence, "U10", origin)
    areas = bootstrap_stratified_auc(columns, truth, fold, protocol.statistics.n_bootstraps, generator)
    draws = widened(reference - unseen, areas[:, 1] - areas[:, 0], _overlap(own, fold))
    sides = int(truth.sum()), int((~truth).sum())
    accuracies = [balanced_accuracy(column > 0, truth) for column in columns.T]
    weight = sides[0] * sides[1] / sum(sides)
    return _Loss(origin, unseen, reference, draws, weight, truth.size, accuracies[1] - accuracies[0])


def _overlap(own: UnseenOrigin, fold: np.ndarray) -> float:
    tested = np.unique(fold, return_counts=True)[1]
    return overlap_factor(tested, np.full(tested.size, np.mean(own.training_size)))


def _pooled(losses: list[_Loss], protocol: Protocol) -> tuple[Interval, float]:
    """Mean over origins, weighted by how precisely each AUC is known."""
    weights = [loss.weight for loss in losses]
    estimate = float(np.average([loss.estimate for loss in losses], weights=weights))
    draws = np.average([loss.draws for loss in losses], axis=0, weights=weights)
    return percentile_interval(estimate, draws, bound_level(protocol)), one_sided_p(draws, 0.0)


def _judgement(pooled: Interval, p_value: float, losses: list[_Loss], protocol: Protocol) -> Judgement:
    each = ", ".join(f"{loss.origin} {loss.reference:.2f} seen and {loss.unseen:.2f} unseen" for loss in losses)
    numbers = (
        f"the AUC inside an origin falls by {pooled.estimate:.2f} [{pooled.low:.2f}, {pooled.high:.2f}] "
        f"({probability(p_value)}) when the network has not seen it ({each})"
    )
    if p_value <= protocol.statistics.alpha and pooled.low > 0:
        return Judgement("concern", numbers, "train on more origins, or on an input that carries less of the signature")
    if pooled.high < protocol.verdict.delta:
        return Judgement("clear", f"a loss of {protocol.verdict.delta:g} is excluded: {numbers}")
    reason = f"a loss is not shown, and one of {protocol.verdict.delta:g} is not excluded: {numbers}"
    return Judgement("inconclusive", reason, "add subjects of both classes to the origins that hold few")


def _details(evidence: ArmEvidence, losses: list[_Loss]) -> dict[str, object]:
    tested = {loss.origin for loss in losses}
    return {
        "origins": [loss.origin for loss in losses],
        "auc_unseen": [loss.unseen for loss in losses],
        "auc_reference": [loss.reference for loss in losses],
        "balanced_accuracy_loss": [loss.balanced_accuracy for loss in losses],
        "training_size": [min(evidence.unseen[loss.origin].training_size) for loss in losses],
        "not_tested": sorted(set(evidence.origin.tolist()) - tested),
    }
