"""U10: how much worse is the network on an origin that it never saw?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biasaudit.checks.premises import Fault, Judgement, bound_level, probability, score_fault
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, FloatArray, UnseenOrigin
from biasaudit.registry import register
from biasaudit.stats.auc_contrast import AucContrast, auc_difference
from biasaudit.stats.effects import balanced_accuracy
from biasaudit.stats.intervals import Interval
from biasaudit.stats.pair_auc import Block, inside_strata, pair_auc
from biasaudit.stats.retraining import overlap_factor, stratified_auc
from biasaudit.stats.subsampling import SMALLEST_CLASS, origins_with_both_classes

__all__ = ["UnseenOriginCheck"]


@dataclass(frozen=True)
class _Loss:
    """AUC of the reference less that of the networks that never saw the origin.

    Attributes
    ----------
    truth, fold
        (n,) of the subjects of the origin.
    columns
        (n, 2) scores of the reference and of the networks that never saw it.
    weight
        How precisely the AUC is known.
    overlap
        Widening for the training sets that folds share.
    """

    origin: str
    truth: BoolArray
    fold: npt.NDArray[np.intp]
    columns: FloatArray
    weight: float
    overlap: float

    @property
    def areas(self) -> tuple[float, float]:
        """AUC of the reference and of the others."""
        reference, unseen = stratified_auc(self.columns, self.truth, self.fold)
        return float(reference), float(unseen)

    @property
    def balanced_accuracy(self) -> float:
        """What the balanced accuracy loses."""
        reference, unseen = (balanced_accuracy(column > 0, self.truth) for column in self.columns.T)
        return reference - unseen

    def blocks(self, before: int) -> list[Block]:
        """Pairs of its subjects, who stand behind so many others; they weigh as much as the origin does."""
        pairs = inside_strata(self.truth, self.fold)
        total = sum(block.weight for block in pairs)
        return [
            Block(block.positive + before, block.negative + before, self.weight * block.weight / total)
            for block in pairs
        ]


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
    statistic = "loss of AUC"
    needs = ("table", "unseen_origin")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the loss, pooled over the origins."""
        n = int(sum(own.rows.size for own in evidence.unseen.values()))
        fault = _fault(evidence)
        if fault:
            return [Finding(self.code, fault.status, fault.reason, n=n, factor=evidence.factor)]
        losses = [_loss(evidence, name) for name in sorted(evidence.unseen)]
        known = [loss for loss in losses if np.isfinite(loss.areas).all()]
        if not known:
            reason = "no fold holds out both classes of an origin, so there is no AUC on it"
            return [Finding(self.code, "inconclusive", reason, n=n, factor=evidence.factor)]
        found = _pooled(known, protocol)
        pooled, p_value = found.interval, found.p_above
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
                level=bound_level(protocol),
                p_value=p_value,
                threshold=0.0,
                n=sum(loss.truth.size for loss in known),
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


def _loss(evidence: ArmEvidence, origin: str) -> _Loss:
    own = evidence.unseen[origin]
    truth, fold = evidence.positive[own.rows], evidence.fold[own.rows]
    sides = int(truth.sum()), int((~truth).sum())
    columns = np.column_stack([own.reference, own.unseen])
    return _Loss(origin, truth, fold, columns, sides[0] * sides[1] / sum(sides), _overlap(own, fold))


def _overlap(own: UnseenOrigin, fold: npt.NDArray[np.intp]) -> float:
    tested = np.unique(fold, return_counts=True)[1]
    return overlap_factor(tested, np.full(tested.size, np.mean(own.training_size)))


def _pooled(losses: list[_Loss], protocol: Protocol) -> AucContrast:
    """Mean over origins, weighted by how precisely each AUC is known."""
    starts = np.cumsum([0, *(loss.truth.size for loss in losses[:-1])])
    blocks = [block for start, loss in zip(starts, losses, strict=True) for block in loss.blocks(int(start))]
    reference, unseen = (pair_auc(column, blocks) for column in np.concatenate([loss.columns for loss in losses]).T)
    overlap = float(np.average([loss.overlap for loss in losses], weights=[loss.weight for loss in losses]))
    return auc_difference(reference, unseen, bound_level(protocol), overlap)


def _judgement(pooled: Interval, p_value: float, losses: list[_Loss], protocol: Protocol) -> Judgement:
    areas = ((loss.origin, *loss.areas) for loss in losses)
    each = ", ".join(f"{origin} {reference:.2f} seen and {unseen:.2f} unseen" for origin, reference, unseen in areas)
    numbers = (
        f"the AUC inside an origin falls by {pooled.estimate:.2f} [{pooled.low:.2f}, {pooled.high:.2f}] "
        f"({probability(p_value)}) when the network has not seen it ({each})"
    )
    if p_value <= protocol.statistics.alpha and pooled.low > 0:
        return Judgement("concern", numbers, "train on more origins, or on an input that carries less of the signature")
    if pooled.high < protocol.verdict.delta:
        return Judgement("clear", f"a loss of {protocol.verdict.delta:g} is excluded: {numbers}")
    reason = f"no loss was shown, but one of {protocol.verdict.delta:g} is not excluded: {numbers}"
    return Judgement("inconclusive", reason, "add subjects of both classes to the origins that hold few")


def _details(evidence: ArmEvidence, losses: list[_Loss]) -> dict[str, object]:
    tested = {loss.origin for loss in losses}
    return {
        "origins": [loss.origin for loss in losses],
        "auc_unseen": [loss.areas[1] for loss in losses],
        "auc_reference": [loss.areas[0] for loss in losses],
        "balanced_accuracy_loss": [loss.balanced_accuracy for loss in losses],
        "training_size": [min(evidence.unseen[loss.origin].training_size) for loss in losses],
        "not_tested": sorted(set(evidence.origin.tolist()) - tested),
    }
