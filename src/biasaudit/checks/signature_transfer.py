"""U5: what does the score do when the signature of the other side is imposed on an image?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

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
from biasaudit.records import ArmEvidence, Finding, Flag, FloatArray, SignatureTransfer
from biasaudit.registry import register
from biasaudit.stats.effects import gap_share
from biasaudit.stats.intervals import Interval, bootstrap_gap_share, one_sided_p, percentile_interval
from biasaudit.stats.pair_auc import inside_folds, pair_auc
from biasaudit.stats.strata import joint_codes

__all__ = ["LEAK", "MOVED", "SEPARABLE", "SignatureTransferCheck"]

LEAK = 0.05
"""Share of the class gap granted to the edit's own errors: disease that leaks into it, artefacts.

Where nothing was planted, 19 simulated cohorts of two makes gave shares of -.05 to .09, most of them above 0 and with
intervals narrower than that, so that sampling error alone would not cover it."""

SEPARABLE = 0.75
"""AUC of the side by low-level statistics from which there is a signature to move."""

MOVED = 0.2
"""Share of the way to the other side that the edit must go, as low-level statistics see it.

An edit that goes part of the way underestimates reliance, and what it finds is there all the same."""


_NO_VOTE = "; on real pictures it said the same of clean networks, so here it only corroborates"


@register("check", "U5")
class SignatureTransferCheck:
    """Change of the score under a transferred signature, beyond a sham, as a share of the class gap."""

    code = "U5"
    title = "Signature transfer"
    question = "Which share of the class gap moves when the signature of the other side is imposed on the images?"
    why = (
        "If the network reads the pathology, giving a healthy image the contrast, sharpness, noise, field and edge of "
        "the patients' images changes little. What it does change is owed to the signature."
    )
    kind = "used"
    statistic = "share of the class gap"
    needs = ("table", "scores", "transfer")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the change under transfer."""
        fault = _fault(evidence)
        n = int(evidence.positive.size)
        if fault:
            return [fault_finding(self.code, evidence, fault)]
        assert evidence.transfer is not None
        moved = _measure(evidence, evidence.transfer, protocol)
        share, gate = moved.share, _gate(evidence, evidence.transfer)
        gap = float(evidence.logit[evidence.positive].mean() - evidence.logit[~evidence.positive].mean())
        known = bool(gap > 0 and np.isfinite([share.estimate, share.low, share.high]).all())
        judged = _judgement(moved, gate, known, protocol)
        if evidence.transfer.pictures and judged.status == "concern":
            judged = replace(judged, reason=judged.reason + _NO_VOTE)
        return [
            Finding(
                code=self.code,
                status=judged.status,
                reason=judged.reason,
                remedy=judged.remedy,
                statistic=share.estimate if known else None,
                low=share.low if known else None,
                level=bound_level(protocol),
                p_value=moved.p_value if known else None,
                threshold=protocol.verdict.low,
                n=n,
                factor=evidence.factor,
                flag=Flag(may_flag=bool(gate.passed and known and not evidence.transfer.pictures)),
                details={"sides_auc": gate.separable, "moved": gate.moved, "class_gap": gap},
            )
        ]


def _fault(evidence: ArmEvidence) -> Fault | None:
    if evidence.regime == "crossed":
        return Fault("not_applicable", "some origins hold both classes, so the scores themselves answer (U1)")
    if evidence.transfer is None:
        if evidence.masks_given and evidence.mask_is_complete:
            return Fault("not_applicable", "the masks hold all pathology, so erasure answers (U4)")
        return Fault(
            "not_applicable",
            "no signature was transferred: this input cannot be made again from an edited image",
        )
    if evidence.positive.all() or not evidence.positive.any():
        return Fault("inconclusive", "only one class is present, so there is no other side")
    fault = score_fault(evidence.logit, evidence.subject)
    if fault:
        return fault
    for values in (evidence.transfer.edited, evidence.transfer.sham):
        edited = score_fault(values, evidence.subject)
        if edited and edited.status == "error":
            return edited
    return None


@dataclass(frozen=True)
class _Moved:
    """Share of the class gap that the transfer moves, `LEAK` granted."""

    share: Interval
    p_value: float


@dataclass(frozen=True)
class _Gate:
    """Whether the edit carries the signature, as low-level statistics of the images see it.

    Attributes
    ----------
    separable : float
        AUC of the side.
    moved : float
        Share of the way to the other side that the edit goes beyond the sham.
    """

    separable: float
    moved: float

    @property
    def passed(self) -> bool:
        return self.separable >= SEPARABLE and self.moved >= MOVED


def _measure(evidence: ArmEvidence, made: SignatureTransfer, protocol: Protocol) -> _Moved:
    """Share of the class gap that the transfer moves to the other side, mean of both directions; `LEAK` granted."""
    truth = evidence.positive
    # Half a subject's change, signed so that the gap of these numbers is the mean of the two directions.
    change = (made.sham - made.edited) / 2
    share = gap_share(evidence.logit[truth], change[truth], evidence.logit[~truth], change[~truth])
    draws = bootstrap_gap_share(
        evidence.logit, change, truth, joint_codes(truth, evidence.fold), protocol.statistics.n_bootstraps,
        stream(evidence, "U5"),
    )  # fmt: skip
    if not np.isfinite(draws).any():
        return _Moved(Interval(np.nan, np.nan, np.nan), np.nan)
    interval = percentile_interval(share, draws, bound_level(protocol))
    guarded = Interval(interval.estimate, interval.low - LEAK, interval.high + LEAK)
    return _Moved(guarded, one_sided_p(draws - LEAK, protocol.verdict.low))


def _gate(evidence: ArmEvidence, made: SignatureTransfer) -> _Gate:
    """How well low-level statistics tell the sides, and how far the transfer moves them beyond the sham.

    The reader is a shrunken linear discriminant (Ledoit & Wolf 2004), trained on the other folds' images as they are.
    """
    plain, edited, sham = made.statistics
    scores = np.full((3, evidence.positive.size), np.nan)
    for fold in np.unique(evidence.fold):
        held, rest = evidence.fold == fold, evidence.fold != fold
        if np.unique(evidence.positive[rest]).size < 2:
            continue
        centre, spread = plain[rest].mean(0), plain[rest].std(0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        reader = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.fit((plain[rest] - centre) / spread, evidence.positive[rest])
        for place, values in enumerate((plain, edited, sham)):
            scores[place, held] = reader.decision_function((values[held] - centre) / spread)
    known = np.isfinite(scores).all(0)
    if np.unique(evidence.positive[known]).size < 2:
        return _Gate(np.nan, np.nan)
    area = pair_auc(scores[0, known], inside_folds(evidence.positive[known], evidence.fold[known])).estimate
    towards = np.where(evidence.positive, -1.0, 1.0) * (scores[1] - scores[2])
    distance = _gap(scores[0], evidence)
    moved = sum(float(towards[known & side].mean()) for side in (evidence.positive, ~evidence.positive)) / 2
    return _Gate(float(area), float(moved / distance) if distance > 0 else np.nan)


def _gap(scores: FloatArray, evidence: ArmEvidence) -> float:
    return float(np.nanmean(scores[evidence.positive]) - np.nanmean(scores[~evidence.positive]))


def _judgement(made: _Moved, gate: _Gate, known: bool, protocol: Protocol) -> Judgement:
    share, p_value = made.share, made.p_value
    limits = protocol.verdict
    if not known:
        return Judgement(
            "inconclusive",
            "the scores of the classes do not differ, so there is no gap to take a share of",
            "train a network that separates the classes",
        )
    shown = f"{percent(share.estimate)} of the class gap moves with the signature, at least {percent(share.low)}"
    if not np.isfinite(gate.separable):
        reason = f"no fold can tell whether the edit carries the signature: {shown}"
        return Judgement("inconclusive", reason, "subjects of both classes in every fold")
    if not gate.separable >= SEPARABLE:
        reason = (
            "simple statistics of the images do not tell the two sides apart, so nothing shows that the edit took "
            f"effect: {shown}"
        )
        return Judgement("inconclusive", reason, "pathology masks, or images of both classes from one origin")
    if not gate.moved >= MOVED:
        reason = (
            f"the edit carries simple statistics only {percent(max(0.0, gate.moved))} of the way to the other side, "
            f"so it cannot stand for the signature: {shown}"
        )
        return Judgement("inconclusive", reason, "pathology masks, or images of both classes from one origin")
    if p_value <= protocol.statistics.alpha:
        remedy = "look for what differs between the origins (contrast, sharpness, noise, field, extraction)"
        return Judgement("concern", f"{shown}: more than {percent(limits.low)} ({probability(p_value)})", remedy)
    # A transfer that misses part of a signature underestimates, so little change clears nobody.
    return Judgement("inconclusive", f"{shown}; parts of a signature that the edit does not copy are not excluded")
