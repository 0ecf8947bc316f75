"""U1: do the held-out scores depend on origin, given the label?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from biasaudit.checks.adjustment import Adjustment, adjustment, listed
from biasaudit.checks.between_networks import seed_details, seed_variance
from biasaudit.checks.premises import (
    Fault,
    Judgement,
    bound_level,
    class_rows,
    exchangeable_classes,
    lesion_volume,
    origins_of,
    patients,
    probability,
    score_fault,
    stream,
)
from biasaudit.checks.taught import agreement_details, follows_prevalence, prevalence_details
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, Flag, FloatArray, Share
from biasaudit.registry import register
from biasaudit.stats.conditional import DETERMINED, covariate_adjusted_test
from biasaudit.stats.distribution import quantiles_of
from biasaudit.stats.fold_scales import aligned_logits, fold_columns, standardised_logits
from biasaudit.stats.intervals import Interval, Resampled
from biasaudit.stats.network_variance import NetworkVariance
from biasaudit.stats.origin_effect import OriginEffect, origin_effect
from biasaudit.stats.permutation import TestResult
from biasaudit.stats.reliance import Responses, crossed_reliance, crossed_share
from biasaudit.stats.sample_size import feasible
from biasaudit.stats.strata import HeldFixed, joint_codes

__all__ = ["INDIFFERENT", "ScoreDependence", "crossed_reliance_of"]

INDIFFERENT = 0.5
"""AUC of origin by a score that does not depend on it."""

BEYOND_THE_LABEL = "how severe the disease is in each patient is not known, so this may be severity and not the site"


_CLOSED = Flag(may_flag=False, equivalent=False)
"""Of a question that could not be asked."""


@dataclass(frozen=True)
class _Question:
    """One question: some rows, their scores on one scale, their folds, and what to hold fixed."""

    words: tuple[str, ...]
    class_name: str | None
    rows: BoolArray
    scores: FloatArray
    folds: FloatArray
    fixed: Adjustment
    may_flag: bool


@register("check", "U1")
class ScoreDependence:
    """Stratified permutation test of score and origin inside classes, with an equivalence claim."""

    code = "U1"
    title = "Scores depend on origin"
    question = "Given the label, do the held-out scores depend on where the image comes from?"
    why = (
        "Two subjects of one class should get the same score whatever scanner saw them. A difference between origins "
        "inside one class is the network's own response to the signature."
    )
    kind = "used"
    statistic = "AUC of the origin by the score"
    needs = ("table", "scores", "severity", "erased")
    optional = ("erased",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge all classes together (crossed designs) and each class alone."""
        fault = score_fault(evidence.logit, evidence.subject)
        if fault:
            return [
                Finding(
                    self.code,
                    fault.status,
                    fault.reason,
                    n=evidence.positive.size,
                    factor=evidence.factor,
                    flag=_CLOSED,
                )
            ]
        questions = [_in_class(evidence, name, protocol) for name in evidence.classes]
        if evidence.regime == "crossed":
            questions.insert(0, _pooled(evidence, protocol))
        return [self._finding(evidence, question, protocol) for question in questions]

    def _finding(self, evidence: ArmEvidence, question: _Question, protocol: Protocol) -> Finding:
        n = int(question.rows.sum())
        effect = _effect(evidence, question, protocol)
        test = _test(evidence, question, "pooled", protocol)
        if effect is None or effect.largest is None or np.isnan(test.p_value):
            why = _not_asked(evidence, question, test)
            return Finding(
                code=self.code,
                status=why.status,
                reason=why.reason,
                n=n,
                factor=evidence.factor,
                class_name=question.class_name,
                flag=_CLOSED,
            )
        outcome = _Outcome(effect, test, _guard(evidence, question, effect, protocol))
        delta = protocol.verdict.delta
        flag = Flag(
            question.may_flag,
            equivalent=outcome.equivalent(delta),
            healthy=_is_healthy(evidence, question.class_name),
            n_needed=outcome.n_needed(delta),
        )
        details = {
            **outcome.details(),
            "held_fixed": listed(question.fixed.held),
            "covariate_notes": "; ".join(question.fixed.notes),
            "null": quantiles_of(test.null, test.statistic, "permutations"),
        }
        mirror = _Mirror()
        if question.class_name is None:
            mirror, fixed = _mirror(evidence, protocol), np.asarray(question.fixed.all_columns)
            line = follows_prevalence(evidence, question.scores, fixed)
            follows = None if line is None else line.p_value <= protocol.statistics.alpha
            networks = seed_variance(evidence, lambda one: crossed_share(_responses(one.of(evidence), protocol)))
            flag = replace(flag, reliance=_reliance(evidence, protocol, networks), follows_prevalence=follows)
            details |= mirror.details() | prevalence_details(line) | agreement_details(evidence, fixed, protocol)
            details |= seed_details(networks)
        judged = _judgement(outcome, question, protocol)
        reason = "; ".join(part for part in (judged.reason, *question.fixed.notes, mirror.words) if part)
        shown = outcome.shown
        return Finding(
            code=self.code,
            status=judged.status,
            reason=reason,
            remedy=judged.remedy,
            statistic=shown.estimate,
            low=shown.low,
            high=shown.high,
            level=bound_level(protocol),
            p_value=test.p_value,
            threshold=INDIFFERENT + protocol.verdict.delta,
            n=test.n,
            factor=evidence.factor,
            class_name=question.class_name,
            details=details,
            flag=flag,
        )


def _pooled(evidence: ArmEvidence, protocol: Protocol) -> _Question:
    everybody = np.ones(evidence.positive.size, dtype=bool)
    patients_compared = len(origins_of(evidence, patients(evidence))) > 1
    may_flag = lesion_volume(evidence) is not None or not patients_compared
    return _question(evidence, None, everybody, may_flag, protocol)


def _in_class(evidence: ArmEvidence, class_name: str, protocol: Protocol) -> _Question:
    may_flag = _is_healthy(evidence, class_name) or lesion_volume(evidence) is not None
    return _question(evidence, class_name, class_rows(evidence, class_name), may_flag, protocol)


def _is_healthy(evidence: ArmEvidence, class_name: str | None) -> bool:
    """Whether a class is the healthy one: the rest of a contrast is not, where it holds other patients."""
    return class_name == evidence.classes[0] and not patients(evidence)[~evidence.positive].any()


def _question(
    evidence: ArmEvidence, class_name: str | None, rows: BoolArray, may_flag: bool, protocol: Protocol
) -> _Question:
    classes = exchangeable_classes(evidence)
    scores = standardised_logits(evidence.logit, classes, evidence.fold)
    folds = fold_columns(classes, evidence.fold)
    fixed = adjustment(evidence, protocol, rows, classes[rows])
    return _Question((class_name or "pooled",), class_name, rows, scores[rows], folds[rows], fixed, may_flag)


def _effect(evidence: ArmEvidence, question: _Question, protocol: Protocol) -> OriginEffect | None:
    """AUC of origin by the score, what severity and covariates explain removed."""
    origin, classes = evidence.origin[question.rows], exchangeable_classes(evidence)[question.rows]
    if np.unique(origin).size < 2:
        return None
    settings = protocol.statistics
    return origin_effect(
        question.scores,
        origin,
        HeldFixed(classes, question.fixed.all_columns),
        settings.n_bootstraps,
        stream(evidence, "U1", *question.words, "bootstrap"),
        bound_level(protocol),
    )


def _test(
    evidence: ArmEvidence, question: _Question, kind: Literal["pooled", "per_stratum"], protocol: Protocol
) -> TestResult:
    """Permute origin inside classes; every question has its own stream, shared by the arms."""
    return covariate_adjusted_test(
        question.scores,
        evidence.origin[question.rows],
        HeldFixed(
            question.fixed.strata, np.column_stack([question.folds, question.fixed.columns]), question.fixed.groups
        ),
        protocol.statistics.n_permutations,
        stream(evidence, "U1", *question.words, kind),
        kind,
    )


def _guard(evidence: ArmEvidence, question: _Question, effect: OriginEffect, protocol: Protocol) -> str:
    """Say what forbids an equivalence claim although the pooled effect may be small; empty if nothing does."""
    if np.unique(exchangeable_classes(evidence)[question.rows]).size < 2:
        return ""
    each = np.abs(effect.by_class - INDIFFERENT)
    if np.nanmax(each) >= protocol.verdict.delta:
        return f"inside one class alone the AUC is {np.nanmax(each):.2f} away from .5"
    opposite = _test(evidence, question, "per_stratum", protocol)
    if opposite.p_value <= protocol.statistics.alpha:
        return f"the classes shift, perhaps in opposite directions ({probability(opposite.p_value)})"
    return ""


@dataclass(frozen=True)
class _Outcome:
    """Effect, test and guard of one question."""

    effect: OriginEffect
    test: TestResult
    guard: str

    @property
    def pair(self) -> tuple[str, str]:
        """The two origins that the score orders best."""
        return self.effect.pairs[self.effect.largest or 0]

    @property
    def shown(self) -> Interval:
        """AUC of that pair; with several pairs turned so that it is .5 or more, since their order means nothing."""
        chosen = self.effect.largest or 0
        interval = Interval(
            float(self.effect.estimate[chosen]), float(self.effect.low[chosen]), float(self.effect.high[chosen])
        )
        if len(self.effect.pairs) == 1 or interval.estimate >= INDIFFERENT:
            return interval
        return Interval(1 - interval.estimate, 1 - interval.high, 1 - interval.low)

    def within(self, delta: float) -> bool:
        """Whether the intervals of all pairs lie inside .5 +- delta (two one-sided tests for every pair)."""
        low, high = self.effect.low, self.effect.high
        known = np.isfinite(self.effect.estimate)
        inside = (low[known] > INDIFFERENT - delta) & (high[known] < INDIFFERENT + delta)
        return bool(inside.all()) and bool(known.all())

    def n_needed(self, delta: float) -> int | None:
        """Subjects at which the widest interval would fit, everything else unchanged; None if no feasible number."""
        estimate = self.effect.estimate
        if not np.isfinite(estimate).all():
            return None
        allowed = delta - np.abs(estimate - INDIFFERENT)
        if (allowed <= 0).any():
            return None
        reach = np.maximum(self.effect.high - estimate, estimate - self.effect.low)
        return feasible(self.test.n * max(1.0, float(np.max(reach / allowed)) ** 2))

    def equivalent(self, delta: float) -> bool:
        """Whether the dependence is shown to be smaller than the tolerance, and nothing forbids to say so."""
        return self.within(delta) and not self.guard

    def details(self) -> dict[str, Any]:
        """Named numbers behind the finding."""
        return {"pair": " / ".join(self.pair), "n_pairs": len(self.effect.pairs), "guard": self.guard}


def _not_asked(evidence: ArmEvidence, question: _Question, test: TestResult) -> Fault:
    names, held = origins_of(evidence, question.rows), question.fixed.held
    where = "the cohort" if question.class_name is None else f"the class {question.class_name}"
    if len(names) < 2:
        return Fault(
            "not_applicable", f"{where} comes from {'one origin' if names else 'no origin'}: nothing to compare"
        )
    if held and (test.reason == DETERMINED or not _comparable(evidence, question)):
        reason = f"inside {where} {listed(held)} all but determine the origin: it cannot be told from them"
        return Fault("not_applicable", reason)
    return Fault("inconclusive", test.reason or f"the scores inside {where} cannot be compared between origins")


def _comparable(evidence: ArmEvidence, question: _Question) -> bool:
    """Whether a stratum holds two origins."""
    cells = joint_codes(question.fixed.strata, evidence.origin[question.rows])
    return bool(np.unique(cells).size > np.unique(question.fixed.strata).size)


def _judgement(outcome: _Outcome, question: _Question, protocol: Protocol) -> Judgement:
    shown, p_value, delta = outcome.shown, outcome.test.p_value, protocol.verdict.delta
    first, second = outcome.pair if shown.estimate == outcome.effect.estimate[outcome.effect.largest or 0] else (
        outcome.pair[1], outcome.pair[0],
    )  # fmt: skip
    numbers = (
        f"a subject from {second} scores above one from {first} of the same class{_fixed(question)} with probability "
        f"{shown.estimate:.2f} [{shown.low:.2f}, {shown.high:.2f}], {probability(p_value)}"
    )
    significant = p_value <= protocol.statistics.alpha
    caveat = "" if question.may_flag else f"; {BEYOND_THE_LABEL}"
    if outcome.equivalent(delta):
        found = (
            "there is a dependence on origin, but smaller than"
            if significant
            else "any dependence on origin is smaller than"
        )
        return Judgement("clear", f"{found} the {delta:g} allowed: {numbers}")
    if significant:
        remedy = (
            "compare how the origins were acquired and processed, and balance or match the classes within each origin"
        )
        return Judgement("concern", f"scores depend on origin inside the class: {numbers}{caveat}", remedy)
    needed = outcome.n_needed(delta)
    why = outcome.guard or f"a dependence of {delta:g} is not excluded"
    remedy = f"about {needed} subjects would be needed" if needed else "add subjects to the smallest origins"
    return Judgement("inconclusive", f"no dependence was found, but {why}: {numbers}{caveat}", remedy)


def _fixed(question: _Question) -> str:
    return f" ({listed(question.fixed.held)} held fixed)" if question.fixed.held else ""


@dataclass(frozen=True)
class _Mirror:
    """The mirror question: do scores depend on the label inside origins?"""

    p_value: float | None = None
    area: float | None = None
    words: str = ""

    def details(self) -> dict[str, Any]:
        """Named numbers and words for the finding."""
        return {"mirror_p": self.p_value, "mirror_auc": self.area, "mirror": self.words}


def _mirror(evidence: ArmEvidence, protocol: Protocol) -> _Mirror:
    """Ask with label and origin exchanged; severity, which the label brings along, is not held fixed."""
    rows = np.ones(evidence.positive.size, dtype=bool)
    logits = aligned_logits(evidence.logit, evidence.positive, evidence.fold)
    fixed = adjustment(evidence, protocol, rows, evidence.origin, severity=False)
    test = covariate_adjusted_test(
        logits,
        evidence.positive,
        HeldFixed(fixed.strata, fixed.columns, fixed.groups),
        protocol.statistics.n_permutations,
        stream(evidence, "U1", "mirror"),
    )
    if np.isnan(test.p_value):
        return _Mirror(words=f"whether they follow the label inside origins cannot be said: {test.reason}")
    label = np.where(evidence.positive, "1", "0")
    generator = stream(evidence, "U1", "mirror AUC")
    inside = HeldFixed(evidence.origin, fixed.all_columns)
    effect = origin_effect(logits, label, inside, 1, generator, bound_level(protocol))
    area = float(effect.estimate[0])
    verb = "follow" if test.p_value <= protocol.statistics.alpha else "are not shown to follow"
    words = f"inside origins the scores {verb} the label (AUC {area:.2f}, {probability(test.p_value)})"
    return _Mirror(test.p_value, area, words)


def _reliance(evidence: ArmEvidence, protocol: Protocol, networks: NetworkVariance | None) -> Share:
    found, level = crossed_reliance_of(evidence, protocol, stream(evidence, "U1", "reliance")), bound_level(protocol)
    return _share(found.widened(networks, level).interval(level), evidence.positive.size, protocol)


def crossed_reliance_of(evidence: ArmEvidence, protocol: Protocol, generator: np.random.Generator) -> Resampled:
    """Within-class origin difference against within-origin class difference, as a share, and its resamples.

    Where the pathology can be erased the origin difference is read after erasure, where neither severity nor its spread
    between patients is in the way; otherwise severity is held fixed where it is known. With more than two classes the
    logits as they are count throughout.
    """
    return crossed_reliance(_responses(evidence, protocol), protocol.statistics.n_bootstraps, generator)


def _responses(evidence: ArmEvidence, protocol: Protocol) -> Responses:
    rows, classes = np.ones(evidence.positive.size, dtype=bool), exchangeable_classes(evidence)
    erased = evidence.logit_erased
    if erased is not None and (evidence.label is not None or not np.isfinite(erased).all()):
        erased = None
    fixed, with_severity = (
        adjustment(evidence, protocol, rows, classes, severity=severity).all_columns
        for severity in (erased is None, True)
    )
    return Responses(
        evidence.logit,
        evidence.positive,
        evidence.origin,
        evidence.fold,
        erased=erased,
        covariates=fixed,
        severity=with_severity,
        strata=evidence.label,
    )


def _share(interval: Interval, n: int, protocol: Protocol) -> Share:
    if not np.isfinite([interval.estimate, interval.low, interval.high]).all():
        return Share()
    low, high = min(interval.low, interval.estimate), max(interval.high, interval.estimate)
    allowed = protocol.verdict.tolerance - interval.estimate
    needed = feasible(n * max(1.0, (high - interval.estimate) / allowed) ** 2) if allowed > 0 else None
    return Share(interval.estimate, low, high, needed)
