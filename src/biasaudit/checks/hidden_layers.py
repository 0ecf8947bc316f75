"""U2: has training made the origin easier to read from the hidden layers?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from biasaudit.checks.layers import concluded, judge_layers
from biasaudit.checks.premises import SEVERITY, inside_classes, interval_level, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding
from biasaudit.registry import register
from biasaudit.stats.decoding import Decoding, decode, decoding_gain_test
from biasaudit.stats.fold_auc import cross_validated_auc
from biasaudit.stats.strata import integer_codes

__all__ = ["HiddenLayers"]


@register("check", "U2")
class HiddenLayers:
    """Origin read from each layer inside a class, against the same network untrained, Holm over layers."""

    code = "U2"
    title = "Hidden layers"
    question = "Inside one class, is the origin easier to read from the hidden layers than before training?"
    why = (
        "Any convolution passes some of the signature on. A layer that shows the origin better than the untrained "
        "network has learned to carry it. It can support a concern and cannot exclude one."
    )
    kind = "used"
    statistic = "AUC of the origin"
    needs = ("table", "features", "untrained")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class and layer, from shallow to deep."""
        if not evidence.features:
            return [Finding(self.code, "not_applicable", "no hidden features were kept", factor=evidence.factor)]
        of_label = cache(lambda layer: _label_area(evidence, layer, protocol))
        blanks = [Finding(self.code, "inconclusive", "", class_name=name) for name in inside_classes(evidence)]
        asked = (
            judge_layers(
                evidence,
                blank,
                evidence.features,
                "nothing to read",
                lambda finding, rows: _of_layer(evidence, finding, rows, of_label, protocol),
                lambda finding, adjusted_p: _judged(finding, adjusted_p, evidence, protocol),
            )
            for blank in blanks
        )
        return [finding for found in asked for finding in found]


def _label_area(evidence: ArmEvidence, layer: str, protocol: Protocol) -> float:
    """Area of the label at one layer, the same for every class."""
    features = np.asarray(evidence.features[layer], dtype=np.float64)
    chance = stream(evidence, "U2", "label")
    return decode(features, evidence.positive, evidence.fold, protocol.statistics.n_permutations, chance).auc


def _of_layer(
    evidence: ArmEvidence, blank: Finding, rows: BoolArray, of_label: Callable[[str], float], protocol: Protocol
) -> Finding:
    layer = str(blank.layer)
    trained = np.asarray(evidence.features[layer], dtype=np.float64)
    if not np.isfinite(trained[rows]).all():
        return replace(blank, status="error", reason="hidden features are not finite")
    table = (evidence.origin[rows], evidence.fold[rows])
    n_permutations = protocol.statistics.n_permutations
    origin = decode(trained[rows], *table, n_permutations, stream(evidence, "U2", blank.class_name))
    if np.isnan(origin.auc):
        reason = "no fold holds two origins of two subjects each, or the features do not vary"
        return replace(blank, status="inconclusive", reason=reason)
    low, high = _interval(origin, evidence, rows, protocol)
    details = {"p_origin": origin.p_value, "auc_label": of_label(layer)}
    finding = replace(
        blank,
        statistic=origin.auc,
        low=low,
        high=high,
        level=interval_level(protocol),
        n=origin.n,
        details=details,
    )
    if layer not in evidence.untrained:
        return replace(finding, status="inconclusive", reason="the network has no untrained version to compare with")
    before = decode(evidence.untrained[layer][rows], *table, n_permutations, stream(evidence, "U2", blank.class_name))
    gain = decoding_gain_test(
        origin.ranks, before.ranks, *table, n_permutations, stream(evidence, "U2", "gain", blank.class_name)
    )
    details |= {"auc_untrained": before.auc, "gain": gain.statistic, "p_gain": gain.p_value}
    return replace(finding, p_value=max(gain.p_value, origin.p_value), details=details)


def _interval(origin: Decoding, evidence: ArmEvidence, rows: BoolArray, protocol: Protocol) -> tuple[float, float]:
    """Interval of the area, about the estimate, which what leave-one-out costs has moved."""
    ranks = origin.ranks if origin.ranks.shape[1] > 1 else np.hstack([-origin.ranks, origin.ranks])
    known = np.isfinite(ranks).all(axis=1)
    codes, folds = integer_codes(evidence.origin[rows])[known], evidence.fold[rows][known]
    area = replace(cross_validated_auc(ranks[known], codes, folds), estimate=origin.auc)
    interval = area.interval(interval_level(protocol))
    return interval.low, interval.high


def _judged(finding: Finding, adjusted_p: float, evidence: ArmEvidence, protocol: Protocol) -> Finding:
    details = finding.details
    shown = (
        f"AUC {finding.statistic:.2f} against {details['auc_untrained']:.2f} untrained and {details['auc_label']:.2f} "
        f"for the label, {probability(adjusted_p)} after Holm over the layers"
    )
    caveat = "" if finding.class_name == evidence.classes[0] else SEVERITY
    found = f"training made the origin of {finding.class_name} easier to read from this layer ({shown}){caveat}"
    not_found = f"the origin is not shown to be easier to read than before training ({shown})"
    return concluded(finding, adjusted_p, found, not_found, evidence, protocol)
