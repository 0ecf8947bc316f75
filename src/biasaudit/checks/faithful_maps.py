"""G2: do attribution maps say what the network does?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biasaudit.checks.premises import Fault, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, FloatArray, MapProbes, Maps
from biasaudit.registry import get, register
from biasaudit.stats.similarity import cosines, difference_weights, sign_flip_test, smoothed

__all__ = ["FaithfulMaps", "class_change", "maps_fault", "smooth_maps"]


@dataclass(frozen=True)
class _Condition:
    """One thing that maps have to show."""

    holds: bool
    words: str


@dataclass(frozen=True)
class _Faith:
    """The four faithfulness conditions and the between-network stability."""

    conditions: tuple[_Condition, ...]
    alike: float
    required: float
    details: dict[str, float]

    @property
    def failed(self) -> str:
        return "; ".join(own.words for own in self.conditions if not own.holds)


@register("check", "G2")
class FaithfulMaps:
    """Completeness, randomised weights, deletion and insertion, and agreement between networks."""

    code = "G2"
    title = "Faithful maps"
    question = "Do the attribution maps say what the network does?"
    why = (
        "Maps whose relevant voxels can be deleted without effect do not show what the network does. Maps of two "
        "networks that learned the same should tell the classes apart in the same places; if they do so no more than "
        "those of random weights, they show the images. Maps that fail are withheld, and no check reads them."
    )
    kind = "gate"
    statistic = "cosine of two networks' maps"
    needs = ("table", "maps")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the maps of one arm."""
        fault = _unjudgeable(evidence, protocol)
        if fault:
            return [Finding(self.code, fault.status, fault.reason, factor=evidence.factor)]
        assert evidence.maps is not None
        assert evidence.maps.probes is not None
        faith = _faith(evidence, evidence.maps, evidence.maps.probes, protocol)
        words = "; ".join(own.words for own in faith.conditions)
        return [
            Finding(
                code=self.code,
                status="concern" if faith.failed else "clear",
                reason=f"maps failed G2: {faith.failed}" if faith.failed else words,
                statistic=faith.alike,
                threshold=faith.required,
                n=len(evidence.maps.probes.places),
                factor=evidence.factor,
                details=faith.details,
            )
        ]


def maps_fault(evidence: ArmEvidence, protocol: Protocol) -> Fault | None:
    """Say why no check may read the maps; None if they may be read or nobody put them to the test."""
    if evidence.maps is None or _untested(evidence.maps) or not np.isfinite(evidence.maps.target).all():
        return None
    assert evidence.maps.probes is not None
    if not get("attribution", protocol.attribution.method).faithful:
        return Fault("not_applicable", f"{protocol.attribution.method} makes maps for display only")
    failed = _faith(evidence, evidence.maps, evidence.maps.probes, protocol).failed
    return Fault("not_applicable", f"maps failed G2: {failed}") if failed else None


def smooth_maps(maps: Maps, values: FloatArray, protocol: Protocol) -> FloatArray:
    """Smooth maps as they are compared between networks: two networks seldom agree on single voxels."""
    if maps.inside is None:
        return values
    return smoothed(values, maps.inside, protocol.attribution.smoothing * float(np.mean(maps.inside.shape)))


def class_change(evidence: ArmEvidence, maps: Maps, protocol: Protocol) -> float:
    """Measure how far the smoothed maps change between the classes, mean over networks that were asked the same.

    Returns
    -------
    float
        Euclidean norm of the mean difference inside folds, in the unit of the maps.
    """
    weights = difference_weights(evidence.positive[maps.rows], evidence.fold[maps.rows])
    copies = [maps.target] if maps.target_replicate is None else [maps.target, maps.target_replicate]
    # Smoothing is linear: the difference of smoothed maps is the smoothed difference.
    changes = smooth_maps(maps, np.stack([weights @ copy for copy in copies]), protocol)
    return float(np.linalg.norm(changes, axis=1).mean())


def _unjudgeable(evidence: ArmEvidence, protocol: Protocol) -> Fault | None:
    maps = evidence.maps
    if maps is None:
        return Fault("not_applicable", "no attribution maps were made")
    if _untested(maps):
        return Fault(
            "not_applicable", "the maps were not put to the test: there is no other network that was asked the same"
        )
    if not np.isfinite(maps.target).all():
        return Fault("error", "some attribution maps are not finite")
    if not get("attribution", protocol.attribution.method).faithful:
        return Fault("not_applicable", f"{protocol.attribution.method} makes maps for display only")
    return None


def _untested(maps: Maps) -> bool:
    return maps.probes is None or maps.target_replicate is None or len(maps.probes.places) == 0


def _faith(evidence: ArmEvidence, maps: Maps, probes: MapProbes, protocol: Protocol) -> _Faith:
    moved = {"deletion": probes.deletion, "insertion": probes.insertion}
    n_permutations = protocol.statistics.n_permutations
    p_values = {
        name: sign_flip_test(own[:, 0] - own[:, 1], n_permutations, stream(evidence, "G2", name))
        for name, own in moved.items()
    }
    alike = _alike(evidence, maps, protocol)
    probed = _against_random(evidence, maps, probes, protocol)
    required = protocol.attribution.stability
    conditions = (
        *_completeness(maps, protocol),
        _Condition(
            alike >= required,
            f"two networks' maps change alike from class to class: cosine {alike:.2f}, {required:.2f} needed",
        ),
        _Condition(
            probed.again > probed.random,
            f"among the probed subjects it is {probed.again:.2f}, with random weights up to {probed.random:.2f}",
        ),
        *(_moved(name, own, p_values[name], protocol.statistics.alpha) for name, own in moved.items()),
    )
    details = {
        "completeness_error": float(np.median(maps.completeness_error)),
        "cosine_probed": probed.again,
        "cosine_randomised": probed.random,
        **{f"p_{name}": value for name, value in p_values.items()},
    }
    return _Faith(conditions, alike, required, details)


def _alike(evidence: ArmEvidence, maps: Maps, protocol: Protocol) -> float:
    """Cosine between the changes of two networks' maps from class to class."""
    assert maps.target_replicate is not None
    weights = difference_weights(evidence.positive[maps.rows], evidence.fold[maps.rows])
    changes = smooth_maps(maps, np.stack([weights @ maps.target, weights @ maps.target_replicate]), protocol)
    return float(cosines(*changes))


@dataclass(frozen=True)
class _ProbedCosines:
    """How alike the target's maps of the probed subjects change from class to class and those of other networks.

    Attributes
    ----------
    again : float
        Cosine with a network that was asked the same.
    random : float
        Largest absolute cosine with a network of random weights.
    """

    again: float
    random: float


def _against_random(evidence: ArmEvidence, maps: Maps, probes: MapProbes, protocol: Protocol) -> _ProbedCosines:
    """Compare the change of the target's maps with that of another network, and of networks of random weights."""
    assert maps.target_replicate is not None
    rows = maps.rows[probes.places]
    weights = difference_weights(evidence.positive[rows], evidence.fold[rows])
    changes = [weights @ maps.target[probes.places], weights @ maps.target_replicate[probes.places]]
    changes += [weights @ values for values in probes.randomised]
    own, again, *random = smooth_maps(maps, np.stack(changes), protocol)
    return _ProbedCosines(float(cosines(own, again)), float(np.abs(cosines(own, np.stack(random))).max()))


def _completeness(maps: Maps, protocol: Protocol) -> tuple[_Condition, ...]:
    """Ask complete methods only; of others the error is a property, not a fault."""
    if not get("attribution", protocol.attribution.method).complete:
        return ()
    error, accepted = float(np.median(maps.completeness_error)), protocol.attribution.completeness
    words = f"the median completeness error is {100 * error:.1f} % ({100 * accepted:.0f} % accepted)"
    return (_Condition(error <= accepted, words),)


def _moved(name: str, values: np.ndarray, p_value: float, alpha: float) -> _Condition:
    relevant, elsewhere = values.mean(axis=0)
    words = f"{name} of the most relevant places moves the margin by {relevant:.2f}, of the same regions elsewhere by "
    return _Condition(p_value <= alpha, f"{words}{elsewhere:.2f} ({probability(p_value)})")
