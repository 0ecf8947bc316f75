"""U9: does the logit move along the direction of the origin in the hidden layers?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.checks.layers import concluded, judge_layers
from biasaudit.checks.premises import SEVERITY, inside_classes, percent, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding
from biasaudit.registry import register
from biasaudit.stats.concepts import class_effect, origin_effect_along_features

__all__ = ["Concepts"]


@register("check", "U9")
class Concepts:
    """Concept activation: origin and pathology direction of each layer, Holm over layers."""

    code = "U9"
    title = "Concepts"
    question = "Does the logit answer to the direction in which the origin, or the pathology, moves a hidden layer?"
    why = (
        "A layer may carry the origin without the decision reading it. The slope of the logit along the origin's "
        "direction says what the decision would make of it, to first order. It can "
        "support a concern and cannot exclude one."
    )
    kind = "used"
    statistic = "share of the two slopes"
    needs = ("table", "features", "gradients")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class and layer, from shallow to deep."""
        layers = [layer for layer in evidence.features if layer in evidence.gradients]
        if not layers:
            reason = "the logit was not differentiated with respect to hidden layers"
            return [Finding(self.code, "not_applicable", reason, factor=evidence.factor)]
        return [f for name in inside_classes(evidence) for f in self._of_class(evidence, name, layers, protocol)]

    def _of_class(self, evidence: ArmEvidence, class_name: str, layers: list[str], protocol: Protocol) -> list[Finding]:
        blank = Finding(self.code, "inconclusive", "", class_name=class_name)
        return judge_layers(
            evidence,
            blank,
            layers,
            "there is no direction",
            lambda finding, rows: _of_layer(evidence, finding, rows, protocol),
            lambda finding, adjusted_p: _judged(finding, adjusted_p, evidence, protocol),
        )


def _of_layer(evidence: ArmEvidence, blank: Finding, rows: BoolArray, protocol: Protocol) -> Finding:
    layer = str(blank.layer)
    features, gradients = (np.asarray(own[layer], dtype=np.float64) for own in (evidence.features, evidence.gradients))
    if not (np.isfinite(features).all() and np.isfinite(gradients).all()):
        return replace(blank, status="error", reason="hidden features or their gradients are not finite")
    effect = origin_effect_along_features(
        features[rows],
        gradients[rows],
        evidence.origin[rows],
        evidence.fold[rows],
        protocol.statistics.n_permutations,
        stream(evidence, "U9", blank.class_name),
    )
    if np.isnan(effect.p_value):
        return replace(blank, status="inconclusive", reason="no fold holds two origins of this class")
    # Where an origin holds both classes, the disease's direction is taken inside origins.
    strata = evidence.origin if evidence.regime == "crossed" else np.zeros(len(rows), dtype=int)
    disease = abs(class_effect(features, gradients, evidence.positive, strata, evidence.fold))
    total = effect.effect + disease
    share = effect.effect / total if np.isfinite(total) and total > 0 else float("nan")
    details = {"effect_origin": effect.effect, "effect_class": disease, "tcav": effect.share}
    return replace(blank, statistic=share, p_value=effect.p_value, n=effect.n, details=details)


def _judged(finding: Finding, adjusted_p: float, evidence: ArmEvidence, protocol: Protocol) -> Finding:
    size = (
        "" if finding.statistic is None or np.isnan(finding.statistic) else f"{percent(finding.statistic)} of the two, "
    )
    shown = (
        f"{finding.details['effect_origin']:.2f} logits along the origin, {finding.details['effect_class']:.2f} along "
        f"the class, {size}{probability(adjusted_p)} after Holm over the layers"
    )
    caveat = "" if finding.class_name == evidence.classes[0] else SEVERITY
    found = f"the logit answers to the direction of the origin in {finding.class_name} ({shown}){caveat}"
    not_found = f"the logit is not shown to answer to the direction of the origin ({shown})"
    return concluded(finding, adjusted_p, found, not_found, evidence, protocol)
