"""U4: how much of the class gap is left once the marked pathology is erased?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from biasaudit.checks.between_networks import seed_details, seed_variance
from biasaudit.checks.premises import (
    Fault,
    Judgement,
    bound_level,
    fault_finding,
    percent,
    probability,
    score_fault,
    stream,
)
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Flag, FloatArray
from biasaudit.registry import register
from biasaudit.stats.distribution import quantiles_of
from biasaudit.stats.effects import gap_share
from biasaudit.stats.intervals import (
    Interval,
    Resampled,
    bootstrap_gap_share,
    bootstrap_means,
    one_sided_p,
    percentile_interval,
)
from biasaudit.stats.network_variance import NetworkVariance
from biasaudit.stats.strata import joint_codes
from biasaudit.vocabulary import OTHER_INPUTS

__all__ = ["ErasureGap"]


@dataclass(frozen=True)
class _Gap:
    """Share of the gap with its interval and resamples, and the two parts that it is made of."""

    share: Interval
    draws: FloatArray
    p_value: float
    class_gap: Interval
    class_gap_error: float
    pathology_part: float
    pathology_part_error: float
    networks: NetworkVariance | None


@register("check", "U4")
class ErasureGap:
    """Residual class gap after matched erasure, interval by subject bootstrap."""

    code = "U4"
    title = "Erasure"
    question = "Which share of the class gap is left when the marked pathology is erased?"
    why = (
        "If the network reads the pathology, erasing it closes the gap between the classes. The same masks, exchanged, "
        "are erased from healthy subjects; where every class has masks, one of each class is erased from everybody. So "
        "the edit itself cancels, and what is left lies outside the masks."
    )
    kind = "used"
    statistic = "share of the class gap"
    needs = ("table", "scores", "erased")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the residual gap."""
        evidence = _erasable(evidence)
        fault = _fault(evidence)
        if fault:
            return [fault_finding(self.code, evidence, fault)]
        gap = _measure(evidence, protocol)
        judged = _judgement(gap, protocol)
        undefined = not gap.class_gap.low > 0
        return [
            Finding(
                code=self.code,
                status=judged.status,
                reason=judged.reason,
                remedy=judged.remedy,
                statistic=gap.share.estimate,
                low=gap.share.low,
                high=gap.share.high,
                level=bound_level(protocol),
                p_value=None if undefined else gap.p_value,
                threshold=protocol.verdict.low,
                n=int(evidence.positive.size),
                factor=evidence.factor,
                flag=Flag(may_flag=not undefined),
                details={
                    "class_gap": gap.class_gap.estimate,
                    "class_gap_error": gap.class_gap_error,
                    "pathology_part": gap.pathology_part,
                    "pathology_part_error": gap.pathology_part_error,
                    "null": quantiles_of(gap.draws, gap.share.estimate, "resamples"),
                    **seed_details(gap.networks),
                },
            )
        ]


def _erasable(evidence: ArmEvidence) -> ArmEvidence:
    """Leave out patients of the rest whose pathology is not marked: erased and healthy would not look alike in them."""
    rows = evidence.erasable
    if rows is None or evidence.logit_erased is None:
        return evidence
    by_seed = {name: getattr(evidence, name) for name in ("logit_by_seed", "logit_erased_by_seed")}
    return replace(
        evidence,
        **{name: own[rows] for name, own in by_seed.items() if own is not None},
        subject=evidence.subject[rows],
        positive=evidence.positive[rows],
        fold=evidence.fold[rows],
        logit=evidence.logit[rows],
        logit_erased=evidence.logit_erased[rows],
    )


def _fault(evidence: ArmEvidence) -> Fault | None:
    if not evidence.masks_given:
        whom = "patient" if evidence.patient is None or not evidence.patient.all() else "subject"
        return Fault("not_applicable", f"not every {whom} has a pathology mask, so nothing can be erased")
    if evidence.logit_erased is None:
        return Fault("not_applicable", "this input cannot be edited, so nothing was erased")
    if evidence.positive.all() or not evidence.positive.any():
        return Fault("inconclusive", "only one class is present, so there is no class gap")
    fault = score_fault(evidence.logit, evidence.subject)
    if fault:
        return fault
    edited = score_fault(evidence.logit_erased, evidence.subject)
    return edited if edited and edited.status == "error" else None


def _measure(evidence: ArmEvidence, protocol: Protocol) -> _Gap:
    assert evidence.logit_erased is not None
    full, edited, truth = evidence.logit, evidence.logit_erased, evidence.positive
    level, groups = bound_level(protocol), joint_codes(truth, evidence.fold)
    n_bootstraps = protocol.statistics.n_bootstraps
    draws = bootstrap_gap_share(full, edited, truth, groups, n_bootstraps, stream(evidence, "U4", "share"))
    networks = seed_variance(evidence, lambda one: _share_of(one.of(evidence)))
    share = Resampled(_share_of(evidence), draws).widened(networks, level)
    gap, gaps = _difference(evidence, full, protocol)
    part, parts = _difference(evidence, full - edited, protocol)
    return _Gap(
        share.interval(level),
        share.draws,
        one_sided_p(share.draws, protocol.verdict.low),
        percentile_interval(gap, gaps, level),
        float(gaps.std()),
        part,
        float(parts.std()),
        networks,
    )


def _share_of(evidence: ArmEvidence) -> float:
    full, edited, truth = evidence.logit, evidence.logit_erased, evidence.positive
    assert edited is not None
    return gap_share(full[truth], edited[truth], full[~truth], edited[~truth])


def _difference(evidence: ArmEvidence, values: FloatArray, protocol: Protocol) -> tuple[float, FloatArray]:
    """Mean of the patients less that of the healthy, and its bootstrap distribution."""
    n_bootstraps = protocol.statistics.n_bootstraps
    means, draws = [], []
    for side, word in ((evidence.positive, "patients"), (~evidence.positive, "healthy")):
        means.append(float(values[side].mean()))
        draws.append(
            bootstrap_means(values[side], evidence.fold[side], n_bootstraps, stream(evidence, "U4", "parts", word))
        )
    return means[0] - means[1], draws[0] - draws[1]


def _judgement(gap: _Gap, protocol: Protocol) -> Judgement:
    limits = protocol.verdict
    if not gap.class_gap.low > 0:
        reason = (
            f"the class gap is {gap.class_gap.estimate:.2f} logits [{gap.class_gap.low:.2f}, "
            f"{gap.class_gap.high:.2f}]: too small for a share of it to be known"
        )
        return Judgement("inconclusive", reason, "train a network that separates the classes, or add subjects")
    shown = (
        f"{percent(gap.share.estimate)} [{percent(gap.share.low)}, {percent(gap.share.high)}] of the class gap of "
        f"{gap.class_gap.estimate:.2f} logits is left after erasing the marked pathology"
    )
    if gap.share.low > 1:
        shown += " (all of it: the erased images are unlike those that the network was trained on, which adds to it)"
    if gap.p_value <= protocol.statistics.alpha:
        reason = f"{shown}, more than {percent(limits.low)} ({probability(gap.p_value)})"
        remedy = (
            "look for what differs between the origins outside the lesions (contrast, noise, extraction, resampling)"
            f"{OTHER_INPUTS}"
        )
        return Judgement("concern", reason, remedy)
    if gap.share.high < limits.tolerance:
        return Judgement("clear", f"{shown}; {percent(limits.tolerance)} or more is excluded")
    reason = f"{shown}; neither more than {percent(limits.low)} nor {percent(limits.tolerance)} is excluded"
    return Judgement("inconclusive", reason, "add subjects, so that the interval narrows")
