"""U12: does the network decide by strategies that go with the origin?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.checks.faithful_maps import maps_fault
from biasaudit.checks.premises import class_rows, inside_classes, origins_of, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Maps
from biasaudit.registry import register
from biasaudit.stats.permutation import TestResult
from biasaudit.stats.spectral import Clusters, coarse_maps, map_strategies_test

__all__ = ["Strategies"]


@register("check", "U12")
class Strategies:
    """Spectral clusters of the attribution maps of one class (SpRAy), and their association with origin."""

    code = "U12"
    title = "Strategies"
    question = "Inside one class, do the attribution maps fall into groups that go with the origin?"
    why = (
        "A network may decide by several strategies. One that it uses for a single origin may read the signature. It "
        "can support a concern and cannot exclude one."
    )
    kind = "used"
    statistic = "Cramér's V of groups and origin"
    needs = ("table", "maps")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class."""
        maps = evidence.maps
        if maps is None or maps.inside is None:
            reason = "no attribution maps were made"
            return [Finding(self.code, "not_applicable", reason, factor=evidence.factor)]
        fault = maps_fault(evidence, protocol)
        if fault:
            return [Finding(self.code, fault.status, fault.reason, factor=evidence.factor)]
        return [self._of_class(evidence, maps, name, protocol) for name in inside_classes(evidence)]

    def _of_class(self, evidence: ArmEvidence, maps: Maps, class_name: str, protocol: Protocol) -> Finding:
        assert maps.inside is not None
        own = class_rows(evidence, class_name)
        finding = Finding(self.code, "not_applicable", "", factor=evidence.factor, class_name=class_name)
        if len(origins_of(evidence, own)) < 2:
            return replace(finding, reason=f"the class {class_name} comes from one origin: nothing to compare")
        chosen = own[maps.rows]
        if not np.isfinite(maps.target[chosen]).all():
            return replace(finding, status="error", reason=f"some maps of {class_name} are not finite")
        rows = maps.rows[chosen]
        test, clusters = map_strategies_test(
            coarse_maps(maps.target[chosen], maps.inside),
            evidence.origin[rows],
            evidence.fold[rows],
            protocol.statistics.n_permutations,
            stream(evidence, self.code, class_name),
        )
        if clusters is None:
            return replace(finding, status="inconclusive", reason=test.reason)
        return _judged(replace(finding, n=test.n), test, clusters, protocol)


def _judged(finding: Finding, test: TestResult, clusters: Clusters, protocol: Protocol) -> Finding:
    significant = test.p_value <= protocol.statistics.alpha
    count = len(np.unique(clusters.labels))
    numbers = f"{count} clusters of {test.n} maps, association {test.statistic:.2f}, {probability(test.p_value)}"
    reason = (
        f"the maps fall into groups that go with the origin ({numbers})"
        if significant
        else f"no group of maps was found to go with the origin ({numbers})"
    )
    return replace(
        finding,
        status="concern" if significant else "inconclusive",
        reason=reason,
        statistic=test.statistic,
        p_value=test.p_value,
        threshold=protocol.statistics.alpha,
        threshold_on="p_value",
        details={"clusters": count, "eigengap": clusters.gap, "corroborates": significant},
    )
