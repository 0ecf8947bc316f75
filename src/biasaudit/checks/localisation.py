"""U6: does relevance lie in the subject's own pathology?"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from scipy import ndimage

from biasaudit.checks.faithful_maps import maps_fault
from biasaudit.checks.premises import Judgement, interval_level, patients, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, FloatArray, Maps, Status
from biasaudit.registry import register
from biasaudit.stats.intervals import Interval, Resampled, bootstrap_means
from biasaudit.stats.localisation import lesion_gains, rank_accuracies
from biasaudit.stats.permutation import p_value, permutation_indices

__all__ = ["EVEN_SPREAD", "Localisation"]

EVEN_SPREAD = 1.0
"""Lesion gain of relevance that is spread evenly over the foreground."""

NEVER_REASSURES = "this alone does not reassure: networks ruled by origin can show it too"


@dataclass(frozen=True)
class _Gain:
    """A quantity under the subjects' own masks, and under exchanged ones."""

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
    statistic = "relevance in the mask (times chance)"
    needs = ("table", "maps", "masks", "origin_maps")
    optional = ("origin_maps",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the lesion gain of those that have a map and a mask of their pathology, class by class."""
        maps = evidence.maps
        if maps is None:
            return [self._unasked("not_applicable", "no attribution maps were made", evidence)]
        fault = maps_fault(evidence, protocol)
        if fault:
            return [self._unasked(fault.status, fault.reason, evidence)]
        # Of several classes only the contrast's own subjects are mapped; with two the negative class may have lesions.
        negative = patients(evidence) & ~evidence.positive if evidence.label is None else np.zeros(0, dtype=bool)
        sides = [evidence.positive, *([negative] if negative.any() else [])]
        return [self._finding(evidence, maps, side[maps.rows], protocol) for side in sides]

    def _finding(self, evidence: ArmEvidence, maps: Maps, side: BoolArray, protocol: Protocol) -> Finding:
        """Judge the mapped subjects of one side, (m,); masks are exchanged inside it."""
        finite = np.isfinite(maps.target).all(axis=1)
        chosen = finite & (maps.mask & maps.foreground).any(axis=1) & side
        name = evidence.classes[int(evidence.positive[maps.rows[side]].all())]
        if not chosen.any():
            status: Status = "not_applicable" if finite.all() else "error"
            reason = "no patient has both a finite map and a pathology mask"
            return self._unasked(status, reason, evidence, name)
        gain = _measure(evidence, maps, chosen, protocol)
        if gain is None:
            return self._unasked("inconclusive", "all attribution maps are zero", evidence, name)
        judged = _judgement(gain, protocol)
        return Finding(
            code=self.code,
            status=judged.status,
            reason=judged.reason,
            statistic=gain.interval.estimate,
            low=gain.interval.low,
            high=gain.interval.high,
            level=interval_level(protocol),
            p_value=gain.p_value,
            threshold=EVEN_SPREAD,
            n=gain.n,
            factor=evidence.factor,
            class_name=name,
            details={
                "gain_exchanged_masks": gain.exchanged,
                **_rank_accuracy(evidence, maps, chosen, protocol),
                **_gain_of_origin(maps, chosen),
                **_shares(maps, chosen),
            },
        )

    def _unasked(self, status: Status, reason: str, evidence: ArmEvidence, class_name: str | None = None) -> Finding:
        return Finding(self.code, status, reason, factor=evidence.factor, class_name=class_name or evidence.classes[1])


def _measure(evidence: ArmEvidence, maps: Maps, chosen: BoolArray, protocol: Protocol) -> _Gain | None:
    gains = lesion_gains(np.abs(maps.target[chosen]).astype(np.float64), maps.mask[chosen], maps.foreground[chosen])
    return _against_exchanged(gains, EVEN_SPREAD, evidence, protocol)


def _against_exchanged(values: FloatArray, even: float, evidence: ArmEvidence, protocol: Protocol) -> _Gain | None:
    """Hold the subjects' own masks, the diagonal, against masks exchanged between them; None if nothing is known."""
    known = np.isfinite(np.diag(values))
    if not known.any():
        return None
    values = values[np.ix_(known, known)]
    own, n = np.diag(values), int(known.sum())
    settings = protocol.statistics
    draws = bootstrap_means(own, np.zeros(n, dtype=int), settings.n_bootstraps, stream(evidence, "U6", "bootstrap"))
    # A mask that misses another's foreground says nothing about that map: it counts as an even spread.
    filled = np.where(np.isfinite(values), values, even)
    indices = permutation_indices(
        np.zeros(n, dtype=int), settings.n_permutations, stream(evidence, "U6", "permutation")
    )
    null = filled[np.arange(n), indices].mean(axis=1)
    level = interval_level(protocol)
    interval = Resampled(float(own.mean()), draws).expanded(n, level).interval(level)
    smallest = 1 / factorial(min(n, 20))
    return _Gain(interval, max(p_value(interval.estimate, null), smallest), float(null.mean()), n)


def _judgement(gain: _Gain, protocol: Protocol) -> Judgement:
    interval = gain.interval
    numbers = (
        f"relevance in the subject's own mask is {interval.estimate:.1f}{_bounds(interval)} "
        f"times its volume share, {gain.exchanged:.1f} times with masks exchanged between subjects, "
        f"{probability(gain.p_value)}"
    )
    significant = gain.p_value <= protocol.statistics.alpha
    if significant and interval.low > EVEN_SPREAD:
        return Judgement("clear", f"{numbers}; {NEVER_REASSURES}")
    if 1 / factorial(min(gain.n, 20)) > protocol.statistics.alpha:
        return Judgement(
            "inconclusive", f"{numbers}; too few mapped patients ({gain.n}) for exchanging masks to show anything"
        )
    if interval.low > EVEN_SPREAD:
        reason = "relevance lies where lesions usually lie; that it lies in the subject's own lesions is not shown"
        return Judgement("inconclusive", f"{numbers}; {reason}")
    return Judgement("concern", f"{numbers}; relevance does not concentrate in the marked pathology")


def _bounds(interval: Interval) -> str:
    """Show the interval; of a single subject there is none."""
    return f" [{interval.low:.1f}, {interval.high:.1f}]" if np.isfinite(interval.low) else ""


def _rank_accuracy(evidence: ArmEvidence, maps: Maps, chosen: BoolArray, protocol: Protocol) -> dict[str, float]:
    brain = maps.foreground[chosen]
    relevance = np.where(brain, np.abs(maps.target[chosen]), 0.0)
    ranks = rank_accuracies(relevance, maps.mask[chosen] & brain)
    found = _against_exchanged(ranks, 0.0, evidence, protocol)
    if found is None:
        return {}
    return {
        "rank_accuracy": found.interval.estimate,
        "rank_accuracy_exchanged_masks": found.exchanged,
        "rank_accuracy_p": found.p_value,
    }


def _gain_of_origin(maps: Maps, chosen: BoolArray) -> dict[str, float]:
    """Lesion gain of the origin classifier's maps of the same patients, which know nothing of the label."""
    if maps.origin is None:
        return {}
    relevance = np.abs(maps.origin[0][chosen]).astype(np.float64)
    known = np.isfinite(relevance).all(axis=1)
    gains = np.diag(lesion_gains(relevance[known], maps.mask[chosen][known], maps.foreground[chosen][known]))
    return {"gain_origin_classifier": float(np.nanmean(gains))} if np.isfinite(gains).any() else {}


def _shares(maps: Maps, chosen: BoolArray) -> dict[str, float]:
    """Mean over subjects of the relevance in the pathology, at the edge of the brain, deeper in it, and outside."""
    target = maps.target[chosen].astype(np.float64)
    brain = maps.foreground[chosen]
    lesion = maps.mask[chosen] & brain
    edge = _edge(maps, chosen) & ~lesion
    size = np.abs(target)
    return {
        "share_pathology": _mean_share(size, lesion),
        "share_brain": _mean_share(size, brain & ~lesion & ~edge),
        "share_edge": _mean_share(size, edge),
        "share_outside": _mean_share(size, ~brain),
        "share_pathology_supporting": _mean_share(np.maximum(target, 0), lesion),
        "share_pathology_opposing": _mean_share(np.maximum(-target, 0), lesion),
    }


def _edge(maps: Maps, chosen: BoolArray) -> BoolArray:
    """Mark the outermost voxels of every brain, (m, voxels); none where the grid is not known."""
    brain = maps.foreground[chosen]
    if maps.inside is None:
        return np.zeros_like(brain)
    found = np.empty_like(brain)
    for number, own in enumerate(brain):
        volume = np.zeros(maps.inside.shape, dtype=bool)
        volume[maps.inside] = own
        found[number] = (volume & ~ndimage.binary_erosion(volume))[maps.inside]
    return found


def _mean_share(relevance: FloatArray, region: BoolArray) -> float:
    total = relevance.sum(axis=1)
    inside = np.where(region, relevance, 0.0).sum(axis=1)
    return float((inside[total > 0] / total[total > 0]).mean()) if (total > 0).any() else 0.0
