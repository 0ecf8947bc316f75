"""U11: does the network take up the origin as class and origin are associated more closely in training?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from biasaudit.checks.premises import Fault, Judgement, bound_level, probability, score_fault
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, DoseResponse, Finding, FloatArray
from biasaudit.registry import register
from biasaudit.stats.auc_contrast import auc_contrast
from biasaudit.stats.intervals import Interval
from biasaudit.stats.multiplicity import holm
from biasaudit.stats.pair_auc import inside_strata, pair_auc
from biasaudit.stats.retraining import overlap_factor
from biasaudit.stats.strata import joint_codes

__all__ = ["DoseResponseCheck"]


@dataclass(frozen=True)
class _Response:
    """An AUC at every level, and its slope, with the p-value before and after Holm."""

    areas: FloatArray
    slope: Interval
    p_value: float
    adjusted_p: float = float("nan")


@register("check", "U11")
class DoseResponseCheck:
    """Networks retrained at several associations of class and origin, tested on one balanced set."""

    code = "U11"
    title = "Dose-response"
    question = "Does the network take up the origin when class and origin are associated more closely in training?"
    why = (
        "If a network takes up the signature wherever it helps, a stronger association in training costs accuracy "
        "where the association is gone, and makes the scores depend on origin. One that reads the pathology does not "
        "care."
    )
    kind = "used"
    statistic = "slope of the AUC per association"
    needs = ("table", "dose_response")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the slopes of the AUC and of the dependence on origin, Holm-corrected."""
        fault = _fault(evidence)
        if fault or evidence.dose is None:
            n = 0 if evidence.dose is None else int(evidence.dose.rows.size)
            why = fault or _absent(evidence)
            return [Finding(self.code, why.status, why.reason, n=n, factor=evidence.factor)]
        dose = evidence.dose
        label, origin = _response(evidence, dose, "label", protocol), _response(evidence, dose, "origin", protocol)
        if not np.isfinite([label.slope.estimate, origin.slope.estimate, label.slope.low, origin.slope.low]).all():
            reason = "no fold holds out both classes, or no class both sides, so there is no AUC"
            return [Finding(self.code, "inconclusive", reason, n=int(dose.rows.size), factor=evidence.factor)]
        label, origin = _adjusted(label, origin)
        judged = _judgement(label, origin, dose, protocol)
        return [
            Finding(
                code=self.code,
                status=judged.status,
                reason=judged.reason,
                remedy=judged.remedy,
                statistic=label.slope.estimate,
                low=label.slope.low,
                high=label.slope.high,
                level=bound_level(protocol),
                p_value=min(label.adjusted_p, origin.adjusted_p),
                threshold=0.0,
                n=int(dose.rows.size),
                factor=evidence.factor,
                details=_details(evidence, dose, label, origin),
            )
        ]


def _absent(evidence: ArmEvidence) -> Fault:
    if evidence.regime != "crossed":
        return Fault(
            "not_applicable", "no origin holds both classes, so their association cannot be changed by drawing"
        )
    return Fault(
        "not_applicable", evidence.retraining_skipped.get("U11", "no network was retrained at another association")
    )


def _fault(evidence: ArmEvidence) -> Fault | None:
    if evidence.regime != "crossed" or evidence.dose is None:
        return _absent(evidence)
    for level, scores in zip(evidence.dose.levels, evidence.dose.scores.T, strict=True):
        fault = score_fault(scores, evidence.subject[evidence.dose.rows])
        if fault:
            return Fault(fault.status, f"at an association of {level:g} {fault.reason}")
    return None


def _response(evidence: ArmEvidence, dose: DoseResponse, what: str, protocol: Protocol) -> _Response:
    """AUC of the label, or of the side of origin inside classes, at every level."""
    truth, fold = evidence.positive[dose.rows], evidence.fold[dose.rows]
    cells = joint_codes(fold, truth)
    of, strata = (truth, fold) if what == "label" else (dose.side, cells)
    pairs = inside_strata(of, strata)
    areas = [pair_auc(column, pairs) for column in dose.scores.T]
    tested = np.unique(fold, return_counts=True)[1]
    factor = overlap_factor(tested, np.full(tested.size, dose.training_size))
    slope = auc_contrast(areas, _slope_weights(dose.levels), bound_level(protocol), factor)
    # A fall of accuracy and a rise of the dependence on origin speak for the signature.
    p_value = slope.p_below if what == "label" else slope.p_above
    return _Response(np.array([area.estimate for area in areas]), slope.interval, p_value)


def _adjusted(*responses: _Response) -> Iterator[_Response]:
    """Correct the p-values for the number of responses."""
    adjusted = holm([response.p_value for response in responses])
    return (replace(response, adjusted_p=float(p)) for response, p in zip(responses, adjusted, strict=True))


def _slope_weights(levels: tuple[float, ...]) -> FloatArray:
    """Weights (levels,) that make a sum of AUCs their least-squares slope on the levels."""
    centred = np.asarray(levels) - np.mean(levels)
    return np.asarray(centred / (centred @ centred))


def _judgement(label: _Response, origin: _Response, dose: DoseResponse, protocol: Protocol) -> Judgement:
    delta, alpha = protocol.verdict.delta, protocol.statistics.alpha
    numbers = (
        f"from association {dose.levels[0]:g} to {dose.levels[-1]:g} of class and origin in training, on balanced data "
        f"the AUC of the class goes {_steps(label)} (slope {_slope(label.slope)}, {probability(label.adjusted_p)}) and "
        f"that of the origin inside classes {_steps(origin)} (slope {_slope(origin.slope)}, "
        f"{probability(origin.adjusted_p)}); {dose.training_size} training images each"
    )
    if min(label.adjusted_p, origin.adjusted_p) <= alpha:
        remedy = "balance the classes within each origin before training; a network of this kind takes up the signature"
        return Judgement("concern", numbers, remedy)
    if label.slope.low > -delta and origin.slope.high < delta:
        return Judgement("clear", f"slopes of {delta:g} are excluded: {numbers}")
    reason = f"no change was shown, but a slope of {delta:g} is not excluded: {numbers}"
    return Judgement("inconclusive", reason, "add subjects of the class that each side of origins holds few of")


def _steps(response: _Response) -> str:
    return ", ".join(f"{area:.2f}" for area in response.areas)


def _slope(slope: Interval) -> str:
    return f"{slope.estimate:.2f} [{slope.low:.2f}, {slope.high:.2f}]"


def _details(evidence: ArmEvidence, dose: DoseResponse, label: _Response, origin: _Response) -> dict[str, object]:
    own = _association(evidence, dose)
    return {
        "levels": list(dose.levels),
        "auc": [float(area) for area in label.areas],
        "origin_auc": [float(area) for area in origin.areas],
        "origin_slope": origin.slope.estimate,
        "origin_slope_low": origin.slope.low,
        "origin_slope_high": origin.slope.high,
        "auc_p": label.p_value,
        "origin_p": origin.p_value,
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
