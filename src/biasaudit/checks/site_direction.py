"""U15: how well does the logit tell the classes apart without the direction of the origin in a hidden layer?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.checks.premises import exchangeable_classes, probability, score_fault, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.multiplicity import holm
from biasaudit.stats.site_direction import auc_without_origin

__all__ = ["SiteDirection"]


@register("check", "U15")
class SiteDirection:
    """AUC after the origin's direction is projected out of a layer, against directions of chance; Holm over layers."""

    code = "U15"
    title = "Site direction"
    question = "How much of the AUC goes when the direction of the origin is taken out of a hidden layer?"
    why = (
        "A layer that shows the origin does no harm if the decision does not live on it. Where much of the AUC goes "
        "with the origin's direction it does. It can support a concern and cannot exclude one."
    )
    kind = "used"
    statistic = "loss of AUC"
    needs = ("table", "scores", "features", "gradients")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each layer, from shallow to deep."""
        layers = [layer for layer in evidence.features if layer in evidence.gradients]
        blank = Finding(self.code, "not_applicable", "", n=len(evidence.subject), factor=evidence.factor)
        reason = _not_asked(evidence, layers)
        if reason:
            return [replace(blank, reason=reason)]
        fault = score_fault(evidence.logit, evidence.subject.tolist())
        if fault:
            return [replace(blank, status=fault.status, reason=fault.reason)]
        found = [_of_layer(evidence, replace(blank, layer=layer), protocol) for layer in layers]
        adjusted = holm([np.nan if finding.p_value is None else finding.p_value for finding in found])
        return [
            finding if finding.p_value is None else _judged(finding, float(p_value), protocol)
            for finding, p_value in zip(found, adjusted, strict=True)
        ]


def _not_asked(evidence: ArmEvidence, layers: list[str]) -> str:
    if not layers:
        return "the logit was not differentiated with respect to hidden layers"
    if evidence.regime in ("aliased", "single"):
        return "no class comes from two origins: the direction of the origin would be that of the class"
    return ""


def _of_layer(evidence: ArmEvidence, blank: Finding, protocol: Protocol) -> Finding:
    layer = str(blank.layer)
    features, gradients = (np.asarray(own[layer], dtype=np.float64) for own in (evidence.features, evidence.gradients))
    if not (np.isfinite(features).all() and np.isfinite(gradients).all()):
        return replace(blank, status="error", reason="hidden features or their gradients are not finite")
    found = auc_without_origin(
        features,
        gradients,
        evidence.logit,
        evidence.positive,
        exchangeable_classes(evidence),
        evidence.origin,
        evidence.fold,
        protocol.statistics.n_permutations,
        stream(evidence, "U15"),
    )
    if np.isnan(found.p_value):
        reason = "no fold holds both classes, and two subjects of one class from each of two origins"
        return replace(blank, status="inconclusive", reason=reason)
    details = {"auc": found.auc, "auc_without": found.without, "auc_by_chance": found.by_chance}
    return replace(blank, statistic=found.loss, p_value=found.p_value, n=found.n, details=details)


def _judged(finding: Finding, adjusted_p: float, protocol: Protocol) -> Finding:
    own = finding.details
    shown = (
        f"AUC {own['auc']:.2f}, without it {own['auc_without']:.2f}, without a direction of chance "
        f"{own['auc_by_chance']:.2f}, {probability(adjusted_p)} after Holm over the layers"
    )
    concern = adjusted_p <= protocol.statistics.alpha
    found = "more of the AUC goes with the direction of the origin than with one of chance"
    return replace(
        finding,
        status="concern" if concern else "inconclusive",
        reason=f"{found} ({shown})" if concern else f"it is not shown that {found} ({shown})",
        threshold=protocol.statistics.alpha,
        threshold_on="p_value",
        details={**own, "p_holm": adjusted_p, "corroborates": concern},
    )
