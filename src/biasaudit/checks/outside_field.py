"""Settle what U13 and U14 share: whether a share of the class gap outside of the field is known, and what it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.premises import (
    Fault,
    Judgement,
    bound_level,
    percent,
    probability,
    score_fault,
    stream,
)
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Flag
from biasaudit.stats.intervals import Resampled, bootstrap_means, one_sided_p, percentile_interval
from biasaudit.stats.pair_auc import inside_folds, pair_auc

__all__ = ["COMPETENT", "Lowest", "bound_finding", "field_fault", "lowest", "weak_target"]

COMPETENT = 0.75
"""AUC below which a share of the class gap is unstable: on real images .47 was found where .13 is true."""

_DECLARE = (
    "no disease field is declared: say by `cohort.field` where the disease can be (`centre`, `foreground`, a mask "
    "file, a column of masks, or regions of an atlas)"
)
_MEANING = "source, projection or positioning"


@dataclass(frozen=True)
class Lowest:
    """A share of the class gap of which only the lower end is known.

    Attributes
    ----------
    estimate, low : float
        nan where undefined.
    p_value : float
        That the share is more than `verdict.low`; never 0.
    """

    estimate: float
    low: float
    p_value: float


def lowest(share: Resampled, protocol: Protocol) -> Lowest:
    """Take the one-sided lower bound of a share and the p-value of its being more than `verdict.low`."""
    interval = percentile_interval(share.estimate, share.draws, bound_level(protocol))
    return Lowest(share.estimate, interval.low, one_sided_p(share.draws, protocol.verdict.low))


def field_fault(evidence: ArmEvidence, protocol: Protocol) -> Fault | None:
    """Say why nothing can be said of what lies outside of the field; None if it can."""
    if protocol.cohort.field is None:
        return Fault("not_applicable", _DECLARE)
    if evidence.frames is None:
        return Fault(
            "not_applicable", "this input cannot be made again from an edited image: it shows maps of your own"
        )
    if evidence.positive.all() or not evidence.positive.any():
        return Fault("inconclusive", "only one class is present, so there is no class gap")
    fault = score_fault(evidence.logit, evidence.subject)
    if fault:
        return fault
    if not np.isfinite(evidence.frames.blanked).all():
        return Fault(
            "inconclusive",
            "the field leaves less than 5 % of some image, too little to measure what lies outside of it",
        )
    if (evidence.frames.donors < 0).any():
        return Fault(
            "inconclusive", "some fold holds out one subject of a class only, which leaves none to exchange with"
        )
    edited = score_fault(
        evidence.frames.transplanted.ravel(), np.repeat(evidence.subject, evidence.frames.donors[0].size)
    )
    return edited if edited and edited.status == "error" else None


def weak_target(evidence: ArmEvidence, protocol: Protocol, code: str) -> str:
    """Say why a share of this target's class gap is not stable enough to flag; empty if it is."""
    n_bootstraps = protocol.statistics.n_bootstraps
    patients, healthy = (
        bootstrap_means(evidence.logit[side], evidence.fold[side], n_bootstraps, stream(evidence, code, "gap", word))
        for side, word in ((evidence.positive, "patients"), (~evidence.positive, "healthy"))
    )
    gap = float(evidence.logit[evidence.positive].mean() - evidence.logit[~evidence.positive].mean())
    if not percentile_interval(gap, patients - healthy, bound_level(protocol)).low > 0:
        return f"the classes differ by {gap:.2f} logits, which may be chance, so no share of that difference is known"
    area = pair_auc(evidence.logit, inside_folds(evidence.positive, evidence.network)).estimate
    if area < COMPETENT:
        return f"the target's AUC is {area:.2f}, and below {COMPETENT} shares of the class gap vary too much"
    return ""


def bound_finding(code: str, evidence: ArmEvidence, protocol: Protocol, share: Lowest, how: str) -> Finding:
    """Make a finding of a lower bound: it may be a concern, and never clears.

    Parameters
    ----------
    code : str
    evidence : ArmEvidence
    protocol : Protocol
    share : Lowest
    how : str
        What was done, to follow "of the class gap".
    """
    weak = weak_target(evidence, protocol, code)
    known = bool(np.isfinite([share.estimate, share.low]).all())
    may_flag = known and not weak
    judged = _judged(share, weak if known else weak or "the share is not defined", how, protocol)
    return Finding(
        code=code,
        status=judged.status,
        reason=judged.reason,
        remedy=judged.remedy,
        statistic=share.estimate if known else None,
        low=share.low if known else None,
        level=bound_level(protocol),
        p_value=share.p_value if known else None,
        threshold=protocol.verdict.low,
        n=int(evidence.positive.size),
        factor=evidence.factor,
        flag=Flag(may_flag=may_flag),
        details={"kind": "bound"},
    )


def _judged(share: Lowest, weak: str, how: str, protocol: Protocol) -> Judgement:
    if weak:
        return Judgement("inconclusive", weak, "train a network that separates the classes, or add subjects")
    tested = probability(share.p_value)
    if share.p_value <= protocol.statistics.alpha:
        reason = (
            f"{percent(share.estimate)} of the class gap {how}, at least {percent(share.low)}: more than "
            f"{percent(protocol.verdict.low)} ({tested}). What lies outside the field that you declared is {_MEANING}"
        )
        remedy = (
            "compare what differs between the classes outside the field, and bring images of the missing cell as "
            "probes (`cohort.probes`) to tell source from disease"
        )
        return Judgement("concern", reason, remedy)
    reason = (
        f"{percent(share.estimate)} of the class gap {how}, not shown to be more than {percent(protocol.verdict.low)} "
        f"({tested}); this can show a bias and cannot exclude one, since what happens inside the field is not seen"
    )
    return Judgement("inconclusive", reason, "bring images of the missing cell as probes (`cohort.probes`)")
