"""U6: does relevance lie in the subject's own pathology?"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np

from biasaudit.checks.faithful_maps import maps_fault
from biasaudit.checks.premises import interval_level, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, FloatArray, Maps, Status
from biasaudit.registry import register
from biasaudit.stats.intervals import Interval, bootstrap_means, percentile_interval
from biasaudit.stats.permutation import p_value, permutation_indices

__all__ = ["EVEN_SPREAD", "Localisation", "lesion_gains"]

EVEN_SPREAD = 1.0
"""Lesion gain of relevance that is spread evenly over the foreground."""

NEVER_REASSURES = "this alone does not reassure: networks ruled by origin can show it too"


def lesion_gains(relevance: FloatArray, mask: BoolArray, foreground: BoolArray) -> FloatArray:
    """Lesion gain of every subject's map under every subject's mask.

    Parameters
    ----------
    relevance : float (m, voxels)
        Absolute or signed-part relevance, 0 or more.
    mask, foreground : bool (m, voxels)

    Returns
    -------
    float (m, m)
        Row i, column j: share of the relevance of i in mask j, over the share of the foreground of i in mask j; NaN
        where mask j misses the foreground of i, or map i is zero there.
    """
    inside = np.where(foreground, relevance, 0.0)
    masks = mask.astype(np.float64).T
    total = inside.sum(axis=1, keepdims=True)
    volume = foreground.sum(axis=1, keepdims=True)
    share = np.divide(inside @ masks, total, out=np.full((len(mask), len(mask)), np.nan), where=total > 0)
    expected = np.divide(foreground.astype(np.float64) @ masks, volume, out=np.zeros_like(share), where=volume > 0)
    gains: FloatArray = np.divide(share, expected, out=np.full_like(share, np.nan), where=expected > 0)
    return gains


@dataclass(frozen=True)
class _Gain:
    interval: Interval
    p_value: float
    exchanged: float
    n: int


@register("check", "U6")
class Localisation:
    """Lesion gain of the attribution maps, against masks exchanged between subjects."""

    code = "U6"
    title = "Localisation"
    question = "Does relevance concentrate in the subject's own marked pathology?"
    why = "Maps show where the network looks. They illustrate what U1 and U4 establish, and never decide alone."
    kind = "used"
    needs = ("table", "maps")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the lesion gain of the patients that have a map and a mask."""
        maps = evidence.maps
        if maps is None:
            return [self._unasked("not_applicable", "no attribution maps were made", evidence)]
        fault = maps_fault(evidence, protocol)
        if fault:
            return [self._unasked(*fault, evidence)]
        finite = np.isfinite(maps.target).all(axis=1)
        chosen = finite & (maps.mask & maps.foreground).any(axis=1) & evidence.positive[maps.rows]
        if not chosen.any():
            status: Status = "not_applicable" if finite.all() else "error"
            reason = "no patient has both a finite map and a pathology mask"
            return [self._unasked(status, reason, evidence)]
        gain = _measure(evidence, maps, chosen, protocol)
        if gain is None:
            return [self._unasked("inconclusive", "all attribution maps are zero", evidence)]
        status, reason = _judgement(gain, protocol)
        return [
            Finding(
                code=self.code,
                status=status,
                reason=reason,
                statistic=gain.interval.estimate,
                low=gain.interval.low,
                high=gain.interval.high,
                p_value=gain.p_value,
                threshold=EVEN_SPREAD,
                n=gain.n,
                factor=evidence.factor,
                class_name=evidence.classes[1],
                details={"gain_exchanged_masks": gain.exchanged, **_shares(maps, chosen)},
            )
        ]

    def _unasked(self, status: Status, reason: str, evidence: ArmEvidence) -> Finding:
        return Finding(self.code, status, reason, factor=evidence.factor, class_name=evidence.classes[1])


def _measure(evidence: ArmEvidence, maps: Maps, chosen: BoolArray, protocol: Protocol) -> _Gain | None:
    gains = lesion_gains(np.abs(maps.target[chosen]).astype(np.float64), maps.mask[chosen], maps.foreground[chosen])
    known = np.isfinite(np.diag(gains))
    if not known.any():
        return None
    gains = gains[np.ix_(known, known)]
    own, n = np.diag(gains), int(known.sum())
    settings = protocol.statistics
    draws = bootstrap_means(own, np.zeros(n, dtype=int), settings.n_bootstraps, stream(evidence, "U6", "bootstrap"))
    # A mask that misses another's foreground says nothing about that map: spread evenly, it would gain 1.
    filled = np.where(np.isfinite(gains), gains, EVEN_SPREAD)
    indices = permutation_indices(
        np.zeros(n, dtype=int), settings.n_permutations, stream(evidence, "U6", "permutation")
    )
    null = filled[np.arange(n), indices].mean(axis=1)
    interval = percentile_interval(float(own.mean()), draws, interval_level(protocol))
    smallest = 1 / factorial(min(n, 20))
    return _Gain(interval, max(p_value(interval.estimate, null), smallest), float(null.mean()), n)


def _judgement(gain: _Gain, protocol: Protocol) -> tuple[Status, str]:
    interval = gain.interval
    numbers = (
        f"relevance in the subject's own mask is {interval.estimate:.1f} [{interval.low:.1f}, {interval.high:.1f}] "
        f"times its volume share, {gain.exchanged:.1f} times with masks exchanged between subjects, "
        f"{probability(gain.p_value)}"
    )
    significant = gain.p_value <= protocol.statistics.alpha
    if significant and interval.low > EVEN_SPREAD:
        return "clear", f"{numbers}; {NEVER_REASSURES}"
    if 1 / factorial(min(gain.n, 20)) > protocol.statistics.alpha:
        return "inconclusive", f"{numbers}; too few mapped patients ({gain.n}) for exchanging masks to show anything"
    if interval.low > EVEN_SPREAD:
        reason = "relevance lies where lesions usually lie, not demonstrably in the subject's own"
        return "inconclusive", f"{numbers}; {reason}"
    return "concern", f"{numbers}; relevance does not concentrate in the marked pathology"


def _shares(maps: Maps, chosen: BoolArray) -> dict[str, float]:
    """Mean over subjects of the relevance in the pathology, the rest of the brain and outside it."""
    target = maps.target[chosen].astype(np.float64)
    brain = maps.foreground[chosen]
    lesion = maps.mask[chosen] & brain
    size = np.abs(target)
    return {
        "share_pathology": _mean_share(size, lesion),
        "share_brain": _mean_share(size, brain & ~lesion),
        "share_outside": _mean_share(size, ~brain),
        "share_pathology_supporting": _mean_share(np.maximum(target, 0), lesion),
        "share_pathology_opposing": _mean_share(np.maximum(-target, 0), lesion),
    }


def _mean_share(relevance: FloatArray, region: BoolArray) -> float:
    total = relevance.sum(axis=1)
    inside = np.where(region, relevance, 0.0).sum(axis=1)
    return float((inside[total > 0] / total[total > 0]).mean()) if (total > 0).any() else 0.0
