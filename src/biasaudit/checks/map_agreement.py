"""U7: are the target's maps those of the origin classifier?"""

from __future__ import annotations

import numpy as np

from biasaudit.checks.competence import CHANCE
from biasaudit.checks.origin_score import OriginScore, origin_score
from biasaudit.checks.premises import Fault, class_rows, inside_classes, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Maps, Status
from biasaudit.registry import register
from biasaudit.stats.kernels import map_agreement_test
from biasaudit.stats.permutation import TestResult

__all__ = ["FAINT", "MapAgreement"]

FAINT = 0.1
"""Mean cosine below which an agreement is not held against the target, however significant.

Two networks that know nothing of each other still share the images: any chance alignment of their gradients then
shows in every subject, and the permutation of subjects finds it. On the demo such cosines are .01 to .02.
"""


@register("check", "U7")
class MapAgreement:
    """Cosine between the target's and the origin classifier's maps of the same subjects, inside one class."""

    code = "U7"
    title = "Map agreement"
    question = "Inside one class, do the target's maps follow those of the origin classifier?"
    why = (
        "A target that looks where the origin classifier looks, subject by subject, may read what it reads. It "
        "supports other findings; by itself it neither accuses nor clears."
    )
    kind = "used"
    needs = ("table", "origin_controls", "maps")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class that has origin maps."""
        return [self._of_class(evidence, name, protocol) for name in inside_classes(evidence)]

    def _of_class(self, evidence: ArmEvidence, class_name: str, protocol: Protocol) -> Finding:
        maps = evidence.maps
        fault = _fault(evidence, class_name, protocol)
        if fault or maps is None or maps.origin is None:
            status, reason = fault or ("not_applicable", "no origin classifier's maps were made")
            return Finding(self.code, status, reason, factor=evidence.factor, class_name=class_name)
        test = _test(evidence, maps, class_name, protocol)
        if np.isnan(test.p_value):
            return Finding(self.code, "inconclusive", test.reason, factor=evidence.factor, class_name=class_name)
        status, reason = _judgement(test, protocol)
        return Finding(
            code=self.code,
            status=status,
            reason=reason,
            statistic=test.statistic,
            p_value=test.p_value,
            threshold=protocol.statistics.alpha,
            n=test.n,
            factor=evidence.factor,
            class_name=class_name,
            details={"corroborates": status == "concern"},
        )


def _fault(evidence: ArmEvidence, class_name: str, protocol: Protocol) -> Fault | None:
    if evidence.maps is None:
        return "not_applicable", "no attribution maps were made"
    if evidence.maps.origin is None:
        return "not_applicable", "no origin classifier's maps were made"
    score = origin_score(evidence, class_name, protocol)
    if not isinstance(score, OriginScore):
        return score
    if not score.interval.low > CHANCE:
        reason = f"the origin classifier of {class_name} is not above chance (AUC {score.interval.estimate:.2f} "
        return (
            "not_applicable",
            reason + f"[{score.interval.low:.2f}, {score.interval.high:.2f}]): its maps mean nothing",
        )
    if not _usable(evidence, evidence.maps, class_name).any():
        return "not_applicable", f"no subject of {class_name} has both maps"
    return None


def _usable(evidence: ArmEvidence, maps: Maps, class_name: str) -> np.ndarray:
    """Select mapped subjects of the class whose two maps are finite, (m,)."""
    assert maps.origin is not None
    own = class_rows(evidence, class_name)[maps.rows]
    return np.asarray(own & np.isfinite(maps.target).all(axis=1) & np.isfinite(maps.origin).all(axis=1))


def _test(evidence: ArmEvidence, maps: Maps, class_name: str, protocol: Protocol) -> TestResult:
    assert maps.origin is not None
    chosen = _usable(evidence, maps, class_name)
    return map_agreement_test(
        maps.target[chosen],
        maps.origin[chosen],
        evidence.fold[maps.rows[chosen]],
        protocol.statistics.n_permutations,
        stream(evidence, "U7", class_name),
    )


def _judgement(test: TestResult, protocol: Protocol) -> tuple[Status, str]:
    numbers = f"mean cosine {test.statistic:.2f} over {test.n} subjects, {probability(test.p_value)}"
    if test.p_value <= protocol.statistics.alpha and abs(test.statistic) < FAINT:
        return "inconclusive", f"the agreement with the origin classifier's maps is too faint to count ({numbers})"
    if test.p_value <= protocol.statistics.alpha:
        return "concern", f"the target's maps follow the origin classifier's beyond the class's common map ({numbers})"
    return "inconclusive", f"no agreement beyond the class's common map was found; this never clears ({numbers})"
