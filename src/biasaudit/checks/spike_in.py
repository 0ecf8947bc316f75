"""G3: would a signature of a known size have been found on this very cohort?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.premises import Fault, Judgement, bound_level, percent, probability, score_fault, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, FloatArray, SpikeIn, SpikeTrial
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
        "Finding nothing means something only if a signature would have been found. One is planted by the label, "
        "stronger and stronger until a target that is trained anew makes use of it; the same edit at random must not "
        "be taken for one."
    )
    kind = "gate"
    statistic = "reliance on the plant (share)"
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
        looks = _Looks(planted, sham, owed, _answered(evidence, evidence.spike.sham))
        judged = _judgement(evidence.spike, looks, protocol)
        return [
            Finding(
                code=self.code,
                status=judged.status,
                reason=judged.reason,
                remedy=judged.remedy,
                statistic=planted.reliance.estimate,
                low=planted.reliance.low,
                high=planted.reliance.high,
                level=bound_level(protocol),
                p_value=planted.p_value,
                threshold=protocol.verdict.low,
                n=n,
                factor=evidence.factor,
                details=_details(evidence, looks, protocol),
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


def _answered(evidence: ArmEvidence, trial: SpikeTrial) -> float:
    """Share of the response that an edit makes in truth, as in reliance: known since every image was scored twice."""
    truth, change = evidence.positive, trial.with_edit - trial.without
    observed = _observed(trial)
    gap = abs(observed[truth].mean() - observed[~truth].mean())
    size = np.sqrt((change[truth].mean() ** 2 + change[~truth].mean() ** 2) / 2)
    return float(size / (size + gap)) if size + gap > 0 else 0.0


@dataclass(frozen=True)
class _Looks:
    """Plant and sham as an audit would see them, what is owed to the plant in truth, and the answer to the sham."""

    planted: _Look
    sham: _Look
    owed: Interval
    answered: float

    def sham_found(self, protocol: Protocol) -> bool:
        """Whether the sham is flagged and answered to: one flag in twenty is chance, and is none of the network's."""
        return self.sham.flags(protocol) and self.answered > protocol.verdict.low

    def taken_up(self, protocol: Protocol) -> bool:
        """Whether the network is known to rely on the plant more than a cleared one may, or found to rely on less."""
        limits = protocol.verdict
        found = self.planted.flags(protocol) and self.owed.low > limits.low
        return bool(found or self.owed.low > limits.tolerance)


def _judgement(spike: SpikeIn, looks: _Looks, protocol: Protocol) -> Judgement:
    numbers = f"planted: {_words(looks.planted)}; sham: {_words(looks.sham)}"
    what = "" if spike.plant is None else f" ({spike.plant})"
    size = f"to which a retrained network owes {percent(looks.owed.estimate)} of its class gap"
    if not looks.taken_up(protocol):
        return Judgement("inconclusive", f"{_refused(spike, looks)} ({numbers})", "take other kinds (`spike_in.kinds`)")
    if not looks.planted.flags(protocol):
        reason = f"a signature{what} {size} would have been missed on this cohort ({numbers})"
        return Judgement(
            "inconclusive", reason, "add subjects; until then finding nothing does not show that nothing is there"
        )
    if looks.sham_found(protocol):
        reason = f"the plant{what} was found, but so was a sham that has nothing to do with the label ({numbers})"
        return Judgement("inconclusive", reason, "the network answers to edits of this kind by itself: find out why")
    reason = f"a planted signature{what} {size} is found on this cohort and a sham is not ({numbers})"
    return Judgement("clear", reason)


def _refused(spike: SpikeIn, looks: _Looks) -> str:
    """Say that no plant was taken up, how many were tried, and how far they went."""
    tried = spike.ladder[: len(spike.owed) + 1]
    if not tried:
        return "the network did not take the plant up, so the power could not be tested"
    kinds = len({kind for plant in tried for kind in plant.kinds})
    most = max((share for share in (*spike.owed, looks.owed.estimate) if np.isfinite(share)), default=float("nan"))
    reach = f"moved more than {percent(most)} of the class gap" if np.isfinite(most) else "moved the class gap"
    return (
        f"none of {len(tried)} plants of {kinds} kinds, up to strength {max(plant.strength for plant in tried):g} "
        f"and {percent(max(plant.mislabelled for plant in tried))} of turned labels, {reach}: the network never needs "
        "another cue, so the power could not be tested"
    )


def _words(look: _Look) -> str:
    share = look.reliance
    return f"reliance {percent(share.estimate)}, at least {percent(share.low)}, {probability(look.p_value)}"


def _details(evidence: ArmEvidence, looks: _Looks, protocol: Protocol) -> dict[str, object]:
    assert evidence.spike is not None
    spike, truth = evidence.spike, evidence.positive
    trial = spike.planted
    return {
        "planted_p": looks.planted.p_value,
        "sham_p": looks.sham.p_value,
        "sham_reliance": looks.sham.reliance.estimate,
        "sham_reliance_low": looks.sham.reliance.low,
        "sham_answered": looks.answered,
        "planted_owed": looks.owed.estimate,
        "planted_owed_low": looks.owed.low,
        "planted_owed_high": looks.owed.high,
        "taken_up": looks.taken_up(protocol),
        "share_edited_positive": float(trial.edited[truth].mean()),
        "share_edited_negative": float(trial.edited[~truth].mean()),
        "planted_effect": float((trial.with_edit - trial.without).mean()),
        "sham_effect": float((spike.sham.with_edit - spike.sham.without).mean()),
        **_rung(spike),
    }


def _rung(spike: SpikeIn) -> dict[str, object]:
    """Say what was planted, and how far the ladder was climbed."""
    if spike.plant is None:
        return {}
    return {
        "plant_kinds": list(spike.plant.kinds),
        "plant_strength": spike.plant.strength,
        "plant_mislabelled": spike.plant.mislabelled,
        "rung": len(spike.owed) + 1,
        "rungs_left": spike.rungs_left,
        "owed_below": list(spike.owed),
    }
