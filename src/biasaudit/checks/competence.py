"""G1: is the target above chance?"""

from __future__ import annotations

import numpy as np

from biasaudit import seeds
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.intervals import bootstrap_auc

__all__ = ["Competence"]

_CHANCE = 0.5


@register("check", "G1")
class Competence:
    """AUC of the held-out target scores."""

    code = "G1"
    title = "Competence"
    question = "Does the target classifier beat chance on held-out subjects?"
    why = "A network that has learned nothing cannot be audited for what it has learned."
    kind = "gate"
    needs = ("scores",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding; clear if the lower bound of the AUC is above one half."""
        known = np.isfinite(evidence.logit)
        positive = evidence.positive[known]
        if positive.all() or not positive.any():
            return [Finding(self.code, "not_applicable", "There are no scores of both classes.", factor=evidence.factor)]
        generator = seeds.generator(evidence.seed, "G1")
        groups = evidence.fold[known] * 2 + positive
        interval = bootstrap_auc(
            evidence.logit[known], positive, groups, protocol.statistics.n_bootstraps, generator
        )
        competent = interval.low > _CHANCE
        text = f"The held-out AUC is {interval.estimate:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
        return [
            Finding(
                code=self.code,
                status="clear" if competent else "inconclusive",
                reason=f"{text}: above chance." if competent else f"{text}: not shown to be above chance.",
                remedy="" if competent else "Train longer, add subjects, or check labels and preprocessing.",
                statistic=interval.estimate,
                low=interval.low,
                high=interval.high,
                threshold=_CHANCE,
                n=int(known.sum()),
                factor=evidence.factor,
            )
        ]
