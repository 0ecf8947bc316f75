"""U3: are the hidden features of one class distributed differently between origins?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.checks.premises import class_rows, inside_classes, lesion_volume, origins_of, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.kernels import FeatureTest, feature_difference_test
from biasaudit.stats.multiplicity import holm
from biasaudit.stats.variance import variance_partition

__all__ = ["FeatureDistributions"]


@register("check", "U3")
class FeatureDistributions:
    """Two-sample tests of hidden features between origins inside a class, Holm over layers."""

    code = "U3"
    title = "Feature distributions"
    question = "Inside one class, do the network's hidden features differ between origins?"
    why = (
        "What the hidden layers carry is what the decision can be made of. A difference supports other findings; "
        "it is no verdict, and its absence clears nobody."
    )
    kind = "used"
    needs = ("table", "features")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class and layer."""
        if not evidence.features:
            reason = "no hidden features were kept"
            return [Finding(self.code, "not_applicable", reason, factor=evidence.factor)]
        return [finding for name in inside_classes(evidence) for finding in self._of_class(evidence, name, protocol)]

    def _of_class(self, evidence: ArmEvidence, class_name: str, protocol: Protocol) -> list[Finding]:
        rows = class_rows(evidence, class_name)
        names = origins_of(evidence, rows)
        if len(names) < 2:
            reason = f"the class {class_name} comes from {'one origin' if names else 'no origin'}: nothing to compare"
            return [
                Finding(
                    self.code, "not_applicable", reason, n=int(rows.sum()), factor=evidence.factor,
                    class_name=class_name,
                )
            ]  # fmt: skip
        findings = [self._of_layer(evidence, class_name, layer, protocol) for layer in evidence.features]
        adjusted = holm([np.nan if f.p_value is None else f.p_value for f in findings])
        return [_judged(f, float(p), evidence, protocol) for f, p in zip(findings, adjusted, strict=True)]

    def _of_layer(self, evidence: ArmEvidence, class_name: str, layer: str, protocol: Protocol) -> Finding:
        rows = class_rows(evidence, class_name)
        features = np.asarray(evidence.features[layer], dtype=np.float64)[rows]
        finding = Finding(
            self.code, "error", "", n=int(rows.sum()), factor=evidence.factor, class_name=class_name, layer=layer
        )
        if not np.isfinite(features).all():
            bad = int((~np.isfinite(features).all(axis=1)).sum())
            return replace(finding, reason=f"features of {bad} subjects are not finite")
        test = feature_difference_test(
            features,
            evidence.origin[rows],
            evidence.fold[rows],
            protocol.statistics.n_permutations,
            stream(evidence, self.code, class_name),
        )
        if np.isnan(test.p_value) or test.reason:
            return replace(finding, status="inconclusive", reason=test.reason)
        parts = variance_partition(evidence.features[layer], evidence.positive, evidence.origin, evidence.fold)
        measured = _measured(finding, test, protocol)
        shares = {"share_class": parts.disease, "share_origin": parts.origin}
        return replace(measured, details={**measured.details, **shares})


def _measured(finding: Finding, test: FeatureTest, protocol: Protocol) -> Finding:
    details = {f"p_{name}": value for name, value in test.p_each.items()}
    return replace(
        finding,
        statistic=test.statistics["linear"],
        p_value=test.p_value,
        threshold=protocol.statistics.alpha,
        n=test.n,
        details={**details, **test.statistics},
    )


def _judged(finding: Finding, adjusted_p: float, evidence: ArmEvidence, protocol: Protocol) -> Finding:
    if finding.p_value is None:
        return finding
    significant = adjusted_p <= protocol.statistics.alpha
    # In patients a difference may be one of severity, which these tests do not hold fixed.
    healthy = finding.class_name == evidence.classes[0]
    shown = f"{probability(adjusted_p)} after Holm over the layers"
    if significant:
        reason = f"the features of {finding.class_name} differ between origins ({shown})"
        reason += "" if healthy else _severity_caveat(evidence)
    else:
        reason = f"no difference between origins was found ({shown}); this test never clears"
    return replace(
        finding,
        status="concern" if significant else "inconclusive",
        reason=reason,
        details={**finding.details, "p_holm": adjusted_p, "corroborates": significant and healthy},
    )


def _severity_caveat(evidence: ArmEvidence) -> str:
    if lesion_volume(evidence) is None:
        return "; patients may differ in severity between origins, which is not known here"
    return "; severity is not held fixed here"
