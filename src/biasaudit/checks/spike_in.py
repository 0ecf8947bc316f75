"""G3: would a signature of a known size have been found on this very cohort?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.premises import Fault, Judgement, bound_level, percent, probability, score_fault, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, FloatArray, SpikeTrial
from biasaudit.registry import register
from biasaudit.stats.effects import gap_share
from biasaudit.stats.fold_scales import standardised_logits
from biasaudit.stats.intervals import Interval, bootstrap_gap_share, percentile_interval
from biasaudit.stats.rank_tests import origin_dependence_test
from biasaudit.stats.reliance import Responses, crossed_reliance
from biasaudit.stats.strata import joint_codes

__all__ = ["SpikeInCheck"]


@register("check", "G3")
class SpikeInCheck:
    """A synthetic signature planted in a copy of the cohort, and a sham."""

    code = "G3"
    title = "Spike-in"
    question = "Is a signature found that was planted in a copy of this very cohort, and a sham not?"
    why = (
        "Finding nothing means something only if a signature would have been found. One of known size is planted by "
        "the label and the target is trained anew; the same edit at random must not be taken for one."
    )
    kind = "gate"
    needs = ("table", "spike_in")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding; clear if the plant is found and the sham is not."""
        n = int(evidence.positive.size)
        fault = _fault(evidence)
        if fault or evidence.spike is None:
            why = fault or _absent(evidence)
            return [Finding(self.code, why.status, why.reason, n=n, factor=evidence.factor)]
        planted, sham = (
            _look(evidence, trial, name, protocol)
            for name, trial in (("planted", evidence.spike.planted), ("sham", evidence.spike.sham))
        )
        if np.isnan(planted.p_value) or np.isnan(sham.p_value):
            reason = "the edit cannot be compared inside a class: too few subjects carry it, or too few do not"
            return [Finding(self.code, "inconclusive", reason, n=n, factor=evidence.factor)]
        owed = _owed(evidence, evidence.spike.planted, protocol)
        judged = _judgement(planted, sham, owed, protocol)
        return [
            Finding(
                code=self.code,
                status=judged.status,
                reason=judged.reason,
                remedy=judged.remedy,
                statistic=planted.reliance.estimate,
                low=planted.reliance.low,
                high=planted.reliance.high,
                p_value=planted.p_value,
                threshold=protocol.verdict.low,
                n=n,
                factor=evidence.factor,
                details=_details(evidence, planted, sham, owed),
            )
        ]


def _absent(evidence: ArmEvidence) -> Fault:
    return Fault("not_applicable", evidence.retraining_skipped.get("G3", "no signature was planted"))


def _fault(evidence: ArmEvidence) -> Fault | None:
    if evidence.spike is None:
        return _absent(evidence)
    if evidence.positive.all() or not evidence.positive.any():
        return Fault("inconclusive", "only one class is present, so nothing can be planted by the label")
    for name, trial in (("planted", evidence.spike.planted), ("sham", evidence.spike.sham)):
        for scores in (trial.without, trial.with_edit):
            fault = score_fault(scores, evidence.subject)
            if fault:
                return Fault(fault.status, f"{name} edit: {fault.reason}")
    return None


def _observed(trial: SpikeTrial) -> FloatArray:
    """Scores of the images as they lie in the edited copy of the cohort."""
    return np.where(trial.edited, trial.with_edit, trial.without)


@dataclass(frozen=True)
class _Look:
    """p-value and reliance as a crossed audit would compute them, with the edit as the origin."""

    p_value: float
    reliance: Interval

    def flags(self, protocol: Protocol) -> bool:
        """Whether the verdict would be MIXED or ORIGIN."""
        return bool(self.p_value <= protocol.statistics.alpha and self.reliance.low > protocol.verdict.low)


def _look(evidence: ArmEvidence, trial: SpikeTrial, name: str, protocol: Protocol) -> _Look:
    """Ask U1's questions: do scores depend on the edit inside classes, and how much against the disease?"""
    truth, edited = evidence.positive, trial.edited
    settings, observed = protocol.statistics, _observed(trial)
    scores = standardised_logits(observed, truth, evidence.fold)
    test = origin_dependence_test(scores, edited, truth, settings.n_permutations, stream(evidence, "G3", name))
    generator = stream(evidence, "G3", name, "reliance")
    found = crossed_reliance(Responses(observed, truth, edited, evidence.fold), settings.n_bootstraps, generator)
    return _Look(test.p_value, found.interval(bound_level(protocol)))


def _owed(evidence: ArmEvidence, trial: SpikeTrial, protocol: Protocol) -> Interval:
    """Share of the class gap that goes when the edit is taken away from every image; known since it was planted."""
    full, truth = _observed(trial), evidence.positive
    change = full - trial.without
    groups = joint_codes(truth, evidence.fold)
    generator = stream(evidence, "G3", "owed")
    draws = bootstrap_gap_share(full, change, truth, groups, protocol.statistics.n_bootstraps, generator)
    share = gap_share(full[truth], change[truth], full[~truth], change[~truth])
    return percentile_interval(share, draws, bound_level(protocol))


def _judgement(planted: _Look, sham: _Look, owed: Interval, protocol: Protocol) -> Judgement:
    numbers = f"planted: {_words(planted)}; sham: {_words(sham)}"
    if np.isfinite(owed.estimate):
        numbers += f"; in truth the retrained network owes {percent(owed.estimate)} of its class gap to the plant"
    if not planted.flags(protocol) and owed.high < protocol.verdict.low:
        reason = f"the network did not take the plant up, so that it says nothing of power ({numbers})"
        return Judgement(
            "inconclusive", reason, "the pathology is read too easily for a plant of this size to be of use to it"
        )
    if not planted.flags(protocol):
        reason = f"a signature of that size would have been missed on this cohort ({numbers})"
        return Judgement(
            "inconclusive", reason, "add subjects; until then finding nothing does not show that nothing is there"
        )
    if sham.flags(protocol):
        reason = f"the plant was found, but so was a sham that has nothing to do with the label ({numbers})"
        return Judgement("inconclusive", reason, "the network answers to edits of this kind by itself: find out why")
    return Judgement("clear", f"a planted signature is found on this cohort and a sham is not ({numbers})")


def _words(look: _Look) -> str:
    share = look.reliance
    return f"reliance {percent(share.estimate)}, at least {percent(share.low)}, {probability(look.p_value)}"


def _details(evidence: ArmEvidence, planted: _Look, sham: _Look, owed: Interval) -> dict[str, object]:
    assert evidence.spike is not None
    trial, truth = evidence.spike.planted, evidence.positive
    return {
        "planted_p": planted.p_value,
        "sham_p": sham.p_value,
        "sham_reliance": sham.reliance.estimate,
        "sham_reliance_low": sham.reliance.low,
        "planted_owed": owed.estimate,
        "share_edited_positive": float(trial.edited[truth].mean()),
        "share_edited_negative": float(trial.edited[~truth].mean()),
        "planted_effect": float((trial.with_edit - trial.without).mean()),
        "sham_effect": float((evidence.spike.sham.with_edit - evidence.spike.sham.without).mean()),
    }
