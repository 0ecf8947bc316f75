"""U7: do the target's maps change between origins as those of the origin classifier do?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.competence import CHANCE
from biasaudit.checks.faithful_maps import class_change, maps_fault, smooth_maps
from biasaudit.checks.origin_score import OriginScore, origin_score
from biasaudit.checks.premises import Fault, Judgement, class_rows, inside_classes, percent, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, FloatArray, Maps
from biasaudit.registry import register
from biasaudit.stats.similarity import Following, cosines, difference_weights, following_test

__all__ = ["MapAgreement"]


@dataclass(frozen=True)
class _Compared:
    """Smoothed maps of one class by both networks, and by another network each that was asked the same.

    Attributes
    ----------
    target : float (2, n, voxels)
    origin : float (k, 2, n, voxels)
    groups : bool (k, n)
        Who comes from the origin that a contrast is about.
    folds : (n,)
    scale : float
        How far the target's maps change between the classes.
    """

    target: FloatArray
    origin: FloatArray
    groups: BoolArray
    folds: np.ndarray
    scale: float


@register("check", "U7")
class MapAgreement:
    """Change of the target's maps between origins, along the change of the origin classifier's, inside one class."""

    code = "U7"
    title = "Map agreement"
    question = "Inside one class, do the target's maps change between origins as the origin classifier's maps do?"
    why = (
        "A target that says less of one origin where the origin classifier does, and more of the other where that "
        "does, may read what it reads. It can support a concern and cannot exclude one."
    )
    kind = "used"
    statistic = "share of the change between classes"
    needs = ("table", "origin_controls", "maps", "origin_maps")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class that has origin maps."""
        return [self._of_class(evidence, name, protocol) for name in inside_classes(evidence)]

    def _of_class(self, evidence: ArmEvidence, class_name: str, protocol: Protocol) -> Finding:
        score = origin_score(evidence, class_name, protocol)
        if not isinstance(score, OriginScore):
            return Finding(self.code, score.status, score.reason, factor=evidence.factor, class_name=class_name)
        compared = _fault(evidence, protocol) or _compared(evidence, class_name, protocol)
        if not isinstance(compared, _Compared):
            return Finding(self.code, compared.status, compared.reason, factor=evidence.factor, class_name=class_name)
        found = following_test(
            compared.target,
            compared.origin,
            compared.groups,
            compared.folds,
            protocol.statistics.n_permutations,
            stream(evidence, "U7", class_name),
        )
        return _finding(evidence, class_name, found, compared, score, protocol)


def _finding(
    evidence: ArmEvidence,
    class_name: str,
    following: Following,
    compared: _Compared,
    score: OriginScore,
    protocol: Protocol,
) -> Finding:
    largest = int(following.change.argmax())
    share = float(following.change[largest]) / compared.scale
    judged = _judgement(share, following.p_value, score, protocol)
    weights = difference_weights(compared.groups[largest], compared.folds)
    return Finding(
        code="U7",
        status=judged.status,
        reason=judged.reason,
        statistic=share,
        p_value=following.p_value,
        threshold=protocol.attribution.following,
        n=len(compared.folds),
        factor=evidence.factor,
        class_name=class_name,
        details={
            "corroborates": judged.status == "concern",
            "cosine": abs(float(following.cosine[largest])),
            "cosine_targets": float(cosines(*(weights @ copy for copy in compared.target))),
            "cosine_origin_classifiers": float(cosines(*(weights @ copy for copy in compared.origin[largest]))),
        },
    )


def _fault(evidence: ArmEvidence, protocol: Protocol) -> Fault | None:
    maps = evidence.maps
    if maps is None:
        return Fault("not_applicable", "no attribution maps were made")
    if maps.origin is None or maps.origin_replicate is None or maps.target_replicate is None:
        return Fault("not_applicable", "no maps by the origin classifier, or by a second target, were made")
    return maps_fault(evidence, protocol)


def _compared(evidence: ArmEvidence, class_name: str, protocol: Protocol) -> _Compared | Fault:
    maps = evidence.maps
    assert maps is not None
    assert maps.origin is not None
    assert maps.origin_replicate is not None
    assert maps.target_replicate is not None
    own, contrasts = _usable(evidence, maps, class_name)
    rows, unit = np.unique(maps.rows[own], return_inverse=True)
    folds = evidence.fold[rows]
    names = np.array(maps.origins.get(class_name, ()))[contrasts]
    groups = evidence.origin[rows] == names[:, None]
    split = [len(np.unique(folds[group])) > 1 and len(np.unique(folds[~group])) > 1 for group in groups]
    if not any(split):
        return Fault("not_applicable", f"no two folds hold maps of {class_name} from more than one origin")
    scale = class_change(evidence, maps, protocol)
    if not scale > 0:
        return Fault("inconclusive", "the target's maps are the same in both classes")

    def prepared(values: FloatArray) -> FloatArray:
        """Smooth, and average over the images of one subject."""
        smooth = smooth_maps(maps, values[own], protocol)
        return np.stack([smooth[unit == place].mean(axis=0) for place in range(rows.size)])

    return _Compared(
        np.stack([prepared(values) for values in (maps.target, maps.target_replicate)]),
        np.stack([
            np.stack([prepared(values[number]) for values in (maps.origin, maps.origin_replicate)])
            for number in contrasts[split]
        ]),
        groups[split],
        folds,
        scale,
    )  # fmt: skip


def _usable(evidence: ArmEvidence, maps: Maps, class_name: str) -> tuple[BoolArray, np.ndarray]:
    """Select mapped subjects of the class that have finite maps, (m,), and the contrasts that its classifier has."""
    assert maps.origin is not None
    members = class_rows(evidence, class_name)[maps.rows] & np.isfinite(maps.target).all(axis=1)
    finite = np.isfinite(maps.origin).all(axis=2) & members
    contrasts = np.flatnonzero(finite.any(axis=1))
    own = finite[contrasts].all(axis=0) & members if contrasts.size else np.zeros_like(members)
    return own, contrasts


def _judgement(share: float, p_value: float, score: OriginScore, protocol: Protocol) -> Judgement:
    floor = protocol.attribution.following
    numbers = (
        f"between origins the target's maps change along the origin classifier's by {percent(share)} of what they "
        f"change between the classes, {probability(p_value)}"
    )
    if not score.interval.low > CHANCE:
        auc = f"AUC {score.interval.estimate:.2f} [{score.interval.low:.2f}, {score.interval.high:.2f}]"
        return Judgement(
            "inconclusive",
            f"{numbers}; the origin classifier is not above chance ({auc}), so its maps say nothing of the origin",
        )
    if p_value > protocol.statistics.alpha:
        return Judgement("inconclusive", f"{numbers}: not beyond chance")
    if share < floor:
        return Judgement("inconclusive", f"{numbers}: below the {percent(floor)} that calibration needs")
    return Judgement("concern", f"{numbers}: they follow the origin classifier's")
