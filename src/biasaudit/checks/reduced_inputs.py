"""A2: is the label predictable from inputs that do not show the marked pathology?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from biasaudit import seeds
from biasaudit.checks.competence import CHANCE
from biasaudit.checks.premises import Fault, interval_level, probability, score_fault
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.fold_auc import cross_validated_auc, cross_validated_auc_test
from biasaudit.stats.intervals import Interval
from biasaudit.stats.multiplicity import holm
from biasaudit.stats.pair_auc import folds_overlap
from biasaudit.vocabulary import SHUFFLED

__all__ = ["ReducedInputs"]

_MEANING = {
    "background": "from what lies outside the anatomy alone",
    "silhouette": "from the outline of the brain alone",
    "erased": "after the marked pathology was erased, with a matched sham in the healthy",
    SHUFFLED: "from the intensities alone, whatever their place",
}
_CAVEAT = {
    "background": "no disease shows there, so something else tells the classes apart",
    "silhouette": "extraction edges, head size and atrophy can all do this",
    "erased": "what is left may be the origin, or disease outside the masks",
    SHUFFLED: "scanners change intensities and so does disease: that they are available says nothing of the target",
}


@register("check", "A2")
class ReducedInputs:
    """Networks retrained on inputs without the marked pathology."""

    code = "A2"
    title = "Reduced inputs"
    question = "Can the label be predicted from an input that does not show the marked pathology?"
    why = "If background alone predicts the disease, something besides the disease separates the classes."
    kind = "available"
    statistic = "AUC of the label"
    needs = ("table", "reduced")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding per reduced input, Holm-corrected over those that cannot show the pathology."""
        names = sorted(evidence.reduced)
        tests = [_test(evidence, name, protocol) for name in names]
        adjusted = _adjusted(names, tests)
        found = [
            _finding(evidence, name, replace(test, p_value=float(p_value)), protocol)
            for name, test, p_value in zip(names, tests, adjusted, strict=True)
        ]
        skipped = [
            Finding(self.code, "not_applicable", reason, factor=evidence.factor, input=name)
            for name, reason in sorted(evidence.reduced_skipped.items())
        ]
        if not found and not skipped:
            reason = "no network was trained on a reduced input"
            return [Finding(self.code, "not_applicable", reason, factor=evidence.factor)]
        return found + skipped


@dataclass(frozen=True)
class _Predicted:
    """How well the label is predicted from one reduced input."""

    interval: Interval
    p_value: float


def _test(evidence: ArmEvidence, name: str, protocol: Protocol) -> _Predicted:
    scores = evidence.reduced[name]
    if score_fault(scores, evidence.subject.tolist()):
        return _Predicted(Interval(np.nan, np.nan, np.nan), np.nan)
    # The stream does not name the factor: the question has none, and every factor must see the same answer.
    generator = seeds.generator(evidence.seed, "A2", name)
    # Mean over folds: scores of different networks, pooled, can hide a label that every single one of them reads.
    subjects = (np.column_stack([-scores, scores]), evidence.positive.astype(np.intp), evidence.fold)
    test = cross_validated_auc_test(*subjects, protocol.statistics.n_permutations, generator)
    interval = cross_validated_auc(*subjects).interval(interval_level(protocol), folds_overlap(evidence.fold))
    return _Predicted(interval, test.p_value)


def _adjusted(names: list[str], tests: list[_Predicted]) -> list[float]:
    """Correct for all tests but that of the shuffled input, which decides nothing and so takes no power from others."""
    family = iter(holm([test.p_value for name, test in zip(names, tests, strict=True) if name != SHUFFLED]))
    return [test.p_value if name == SHUFFLED else float(next(family)) for name, test in zip(names, tests, strict=True)]


def _meaning(name: str, protocol: Protocol, masks_given: bool) -> str:
    if name == "background" and protocol.cohort.field is not None:
        return "from what lies outside the declared disease field alone"
    if name == "erased" and protocol.cohort.mask_in == "all":
        return "after the marked pathology was erased, one mask of each class from everybody"
    if name == SHUFFLED and masks_given:
        return f"{_MEANING[name]}, after the marked pathology was erased"
    return _MEANING.get(name, f"from the reduced input {name}")


def _finding(evidence: ArmEvidence, name: str, test: _Predicted, protocol: Protocol) -> Finding:
    interval, p_value = test.interval, test.p_value
    if np.isnan(interval.estimate):
        fault = score_fault(evidence.reduced[name], evidence.subject.tolist()) or Fault("inconclusive", "no scores")
        return Finding("A2", fault.status, fault.reason, n=len(evidence.subject), factor=evidence.factor, input=name)
    concern = p_value <= protocol.statistics.alpha and interval.estimate > CHANCE
    clear = not concern and interval.high < CHANCE + protocol.verdict.delta
    how = _meaning(name, protocol, evidence.masks_given)
    verdict = "is" if concern else "is not" if clear else "is not shown to be"
    caveat = f"; {_CAVEAT[name]}" if concern and name in _CAVEAT else ""
    return Finding(
        code="A2",
        status="concern" if concern else "clear" if clear else "inconclusive",
        reason=f"the label {verdict} predictable {how} (AUC {interval.estimate:.2f}, {probability(p_value)}){caveat}",
        remedy="find out what separates the classes there: cropping, padding, markers, extraction, noise floor"
        if concern and name not in ("erased", SHUFFLED)
        else "",
        statistic=interval.estimate,
        low=interval.low,
        high=interval.high,
        level=interval_level(protocol),
        p_value=p_value,
        threshold=CHANCE,
        n=len(evidence.subject),
        factor=evidence.factor,
        input=name,
    )
