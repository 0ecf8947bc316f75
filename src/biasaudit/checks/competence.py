"""G1: is the target above chance?"""

from __future__ import annotations

from biasaudit.checks.premises import Fault, interval_level, score_fault
from biasaudit.checks.published_auc import published_auc
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.pair_auc import folds_overlap, inside_folds, pair_auc

__all__ = ["CHANCE", "Competence"]

CHANCE = 0.5
"""AUC of a score that knows nothing."""


@register("check", "G1")
class Competence:
    """AUC of the held-out target scores, over pairs of subjects that one network scored."""

    code = "G1"
    title = "Competence"
    question = "Does the target classifier beat chance on held-out subjects?"
    why = "A network that has learned nothing cannot be audited for what it has learned."
    kind = "gate"
    statistic = "AUC"
    needs = ("table", "scores", "probes")
    optional = ("probes",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding; clear if the lower bound of the AUC is above one half."""
        positive, n = evidence.positive, len(evidence.positive)
        fault = score_fault(evidence.logit, evidence.subject.tolist())
        if fault is None and (positive.all() or not positive.any()):
            fault = Fault("not_applicable", "there are no scores of both classes")
        if fault:
            return [Finding(self.code, fault.status, fault.reason, factor=evidence.factor, n=n)]
        networks = evidence.network
        area = pair_auc(evidence.logit, inside_folds(positive, networks))
        interval = area.interval(interval_level(protocol), folds_overlap(networks))
        competent = interval.low > CHANCE
        text = f"the held-out AUC is {interval.estimate:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
        return [
            Finding(
                code=self.code,
                status="clear" if competent else "inconclusive",
                reason=f"{text}: above chance." if competent else f"{text}: not shown to be above chance.",
                remedy="" if competent else "Train longer, add subjects, or check labels and preprocessing.",
                statistic=interval.estimate,
                low=interval.low,
                high=interval.high,
                level=interval_level(protocol),
                threshold=CHANCE,
                n=n,
                factor=evidence.factor,
                details=published_auc(evidence, protocol).details(),
            )
        ]
