"""U3: are the hidden features of one class distributed differently between origins?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.checks.layers import concluded, judge_layers
from biasaudit.checks.premises import SEVERITY, inside_classes, lesion_volume, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding
from biasaudit.registry import register
from biasaudit.stats.feature_tests import FeatureTest, feature_difference_test
from biasaudit.stats.variance import variance_partition

__all__ = ["FeatureDistributions"]


@register("check", "U3")
class FeatureDistributions:
    """Two-sample tests of hidden features between origins inside a class, Holm over layers."""

    code = "U3"
    title = "Feature distributions"
    question = "Inside one class, do the network's hidden features differ between origins?"
    why = (
        "What the hidden layers carry is what the decision can be made of. A difference can support "
        "a concern; none excludes one."
    )
    kind = "used"
    statistic = "correlation with the origin"
    needs = ("table", "features", "severity")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class and layer."""
        if not evidence.features:
            reason = "no hidden features were kept"
            return [Finding(self.code, "not_applicable", reason, factor=evidence.factor)]
        return [finding for name in inside_classes(evidence) for finding in self._of_class(evidence, name, protocol)]

    def _of_class(self, evidence: ArmEvidence, class_name: str, protocol: Protocol) -> list[Finding]:
        blank = Finding(self.code, "inconclusive", "", class_name=class_name)
        return judge_layers(
            evidence,
            blank,
            evidence.features,
            "nothing to compare",
            lambda finding, rows: _of_layer(evidence, finding, rows, protocol),
            lambda finding, adjusted_p: _judged(finding, adjusted_p, evidence, protocol),
        )


def _of_layer(evidence: ArmEvidence, blank: Finding, rows: BoolArray, protocol: Protocol) -> Finding:
    layer = str(blank.layer)
    features = np.asarray(evidence.features[layer], dtype=np.float64)[rows]
    if not np.isfinite(features).all():
        bad = int((~np.isfinite(features).all(axis=1)).sum())
        return replace(blank, status="error", reason=f"features of {bad} subjects are not finite")
    test = feature_difference_test(
        features,
        evidence.origin[rows],
        evidence.fold[rows],
        protocol.statistics.n_permutations,
        stream(evidence, blank.code, blank.class_name),
    )
    if np.isnan(test.p_value) or test.reason:
        return replace(blank, reason=test.reason)
    parts = variance_partition(evidence.features[layer], evidence.positive, evidence.origin, evidence.fold)
    measured = _measured(blank, test)
    shares = {"share_class": parts.disease, "share_origin": parts.origin}
    return replace(measured, details={**measured.details, **shares})


def _measured(finding: Finding, test: FeatureTest) -> Finding:
    details = {f"p_{name}": value for name, value in test.p_each.items()}
    return replace(
        finding,
        statistic=test.statistics["linear"],
        p_value=test.p_value,
        n=test.n,
        details={**details, **test.statistics},
    )


def _judged(finding: Finding, adjusted_p: float, evidence: ArmEvidence, protocol: Protocol) -> Finding:
    # In patients a difference may be one of severity, which these tests do not hold fixed.
    caveat = "" if finding.class_name == evidence.classes[0] else _severity_caveat(evidence)
    shown = f"{probability(adjusted_p)} after Holm over the layers"
    found = f"the features of {finding.class_name} differ between origins ({shown}){caveat}"
    not_found = f"no difference between origins was found ({shown})"
    return concluded(finding, adjusted_p, found, not_found, evidence, protocol)


def _severity_caveat(evidence: ArmEvidence) -> str:
    if lesion_volume(evidence) is None:
        return f"{SEVERITY}, which is not known here"
    return "; severity is not held fixed here"
