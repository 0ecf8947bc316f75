"""U11: does the AUC on balanced data fall with the confounding that the network is trained on?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.competence import CHANCE
from biasaudit.checks.premises import Fault, bound_level, probability, score_fault, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, DoseResponse, Finding, FloatArray, Status
from biasaudit.registry import register
from biasaudit.stats.intervals import Interval, one_sided_p, percentile_interval
from biasaudit.stats.retraining import bootstrap_stratified_auc, overlap_factor, stratified_auc, widened
from biasaudit.stats.strata import joint_codes

__all__ = ["DoseResponseCheck"]


@dataclass(frozen=True)
class _Response:
    """An AUC at every level, and its slope."""

    areas: FloatArray
    slope: Interval
    draws: FloatArray


@register("check", "U11")
class DoseResponseCheck:
    """Networks retrained at several associations of class and origin, tested on one balanced set."""

    code = "U11"
    title = "Dose-response"
    question = "Does accuracy on balanced data fall when class and origin are associated more closely in training?"
    why = (
        "If the network takes up the signature wherever it helps, a stronger association in the training data costs "
        "accuracy where the association is gone. A network that reads the pathology does not care."
    )
    kind = "used"
    needs = ("table", "retraining")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the slope of the AUC."""
        fault = _fault(evidence)
        if fault or evidence.dose is None:
            n = 0 if evidence.dose is None else int(evidence.dose.rows.size)
            return [Finding(self.code, *(fault or _absent(evidence)), n=n, factor=evidence.factor)]
        dose = evidence.dose
        label = _response(evidence, dose, "label", protocol)
        if not np.isfinite([label.slope.estimate, label.slope.low, label.slope.high]).all():
            reason = "no fold holds out both classes, so there is no AUC"
            return [Finding(self.code, "inconclusive", reason, n=int(dose.rows.size), factor=evidence.factor)]
        origin = _response(evidence, dose, "origin", protocol)
        p_value = one_sided_p(-label.draws, 0.0)
        status, reason, remedy = _judgement(label, p_value, dose, protocol)
        return [
            Finding(
                code=self.code,
                status=status,
                reason=reason,
                remedy=remedy,
                statistic=label.slope.estimate,
                low=label.slope.low,
                high=label.slope.high,
                p_value=p_value,
                threshold=0.0,
                n=int(dose.rows.size),
                factor=evidence.factor,
                details=_details(evidence, dose, label, origin),
            )
        ]


def _absent(evidence: ArmEvidence) -> Fault:
    if evidence.regime != "crossed":
        return "not_applicable", "no origin holds both classes, so their association cannot be changed by drawing"
    return "not_applicable", evidence.retraining_skipped.get("U11", "no network was retrained at another association")


def _fault(evidence: ArmEvidence) -> Fault | None:
    if evidence.regime != "crossed" or evidence.dose is None:
        return _absent(evidence)
    for level, scores in zip(evidence.dose.levels, evidence.dose.scores.T, strict=True):
        fault = score_fault(scores, evidence.subject[evidence.dose.rows])
        if fault:
            return fault[0], f"at an association of {level:g} {fault[1]}"
    return None


def _response(evidence: ArmEvidence, dose: DoseResponse, what: str, protocol: Protocol) -> _Response:
    """AUC of the label, or of the side of origin inside classes, at every level."""
    truth, fold = evidence.positive[dose.rows], evidence.fold[dose.rows]
    cells = joint_codes(fold, truth)
    of, strata = (truth, fold) if what == "label" else (dose.side, cells)
    areas = stratified_auc(dose.scores, of, strata)
    generator = stream(evidence, "U11", what)
    resampled = bootstrap_stratified_auc(dose.scores, of, strata, protocol.statistics.n_bootstraps, generator)
    tested = np.unique(fold, return_counts=True)[1]
    factor = overlap_factor(tested, np.full(tested.size, dose.training_size))
    slope = float(_slopes(areas[None, :], dose.levels)[0])
    draws = widened(slope, _slopes(resampled, dose.levels), factor)
    return _Response(areas, percentile_interval(slope, draws, bound_level(protocol)), draws)


def _slopes(areas: FloatArray, levels: tuple[float, ...]) -> FloatArray:
    """Least-squares slope of every row (B, levels) on the levels."""
    centred = np.asarray(levels) - np.mean(levels)
    return np.asarray(areas @ centred / (centred @ centred))


def _judgement(label: _Response, p_value: float, dose: DoseResponse, protocol: Protocol) -> tuple[Status, str, str]:
    steps = ", ".join(f"{area:.2f} at {level:g}" for area, level in zip(label.areas, dose.levels, strict=True))
    numbers = (
        f"from no association of class and origin to a full one the AUC on balanced data changes by "
        f"{label.slope.estimate:.2f} [{label.slope.low:.2f}, {label.slope.high:.2f}], {probability(p_value)} "
        f"({steps}; {dose.training_size} training images each)"
    )
    if p_value <= protocol.statistics.alpha and label.slope.high < 0:
        remedy = "balance the classes within each origin before training; a network of this kind takes up the signature"
        return "concern", numbers, remedy
    if label.slope.low > -protocol.verdict.delta:
        return "clear", f"a fall of {protocol.verdict.delta:g} is excluded: {numbers}", ""
    reason = f"a fall is not shown, and one of {protocol.verdict.delta:g} is not excluded: {numbers}"
    return "inconclusive", reason, "add subjects of the class that each side of origins holds few of"


def _details(evidence: ArmEvidence, dose: DoseResponse, label: _Response, origin: _Response) -> dict[str, object]:
    own = _association(evidence, dose)
    return {
        "levels": list(dose.levels),
        "auc": [float(area) for area in label.areas],
        "origin_auc": [float(area) for area in origin.areas],
        "origin_slope": origin.slope.estimate,
        "origin_slope_low": origin.slope.low,
        "origin_slope_high": origin.slope.high,
        "origin_p": one_sided_p(origin.draws, 0.0),
        "indifferent": CHANCE,
        "training_size": dose.training_size,
        "sides": [" + ".join(names) for names in dose.sides],
        "own_level": own,
        "change_at_own_level": label.slope.estimate * own,
    }


def _association(evidence: ArmEvidence, dose: DoseResponse) -> float:
    """Phi of class and side in the cohort itself."""
    side = np.isin(evidence.origin, dose.sides[1])
    if side.all() or not side.any() or evidence.positive.all() or not evidence.positive.any():
        return 0.0
    return float(np.corrcoef(side, evidence.positive)[0, 1])
