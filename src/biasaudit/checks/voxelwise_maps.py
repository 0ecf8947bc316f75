"""U8: where do attributions differ between origins inside a class, and between classes beyond origin?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from biasaudit.checks.faithful_maps import maps_fault
from biasaudit.checks.identifiability import smallest_p
from biasaudit.checks.premises import SEVERITY, Fault, class_rows, inside_classes, percent, probability, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, FloatArray, Maps, probability_text
from biasaudit.registry import register
from biasaudit.stats.map_columns import equal_gain
from biasaudit.stats.strata import centre_within, indicator_matrix, joint_codes
from biasaudit.stats.tfce import neighbours
from biasaudit.stats.voxelwise import MapDifference, Places, critical_value, map_difference_test

__all__ = ["MapComparison", "VoxelwiseMaps", "class_comparison", "compare_maps", "origin_comparison"]


_OF_SEVERAL = "largest F of any place (as z)"
"""Statistic where more than two groups are compared; of two it is t."""


@dataclass(frozen=True)
class MapComparison:
    """Maps of two or more groups, one per subject.

    Attributes
    ----------
    maps : float (u, voxels)
        Relevance for the target's margin, every network's maps scaled to the same spread.
    groups : str (u,)
        Origins inside a class, or classes.
    blocks : int (u,)
        Folds, or origin and fold: groups are exchanged inside.
    words : tuple of str
        Name the random stream.
    """

    maps: FloatArray
    groups: npt.NDArray[np.str_]
    blocks: npt.NDArray[np.intp]
    words: tuple[str, ...]


@register("check", "U8")
class VoxelwiseMaps:
    """Permutation tests of attribution maps, corrected for all voxels and regions."""

    code = "U8"
    title = "Voxelwise maps"
    question = "Where do the maps differ between origins inside a class, and between classes beyond origin?"
    why = (
        "A place whose relevance changes with the origin shows what the network may take from it. The comparison of "
        "classes says where they differ with origin held fixed, which only describes the disease. Either can support "
        "a concern and cannot exclude one."
    )
    kind = "used"
    statistic = "largest t of any place"
    needs = ("table", "maps", "masks", "regions")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the origins of each class, then the classes inside origins."""
        if evidence.maps is None:
            reason = "no attribution maps were made"
            return [Finding(self.code, "not_applicable", reason, factor=evidence.factor)]
        fault = maps_fault(evidence, protocol)
        if fault:
            return [Finding(self.code, fault.status, fault.reason, factor=evidence.factor)]
        inside = [self._origins(evidence, evidence.maps, name, protocol) for name in inside_classes(evidence)]
        return [*inside, self._classes(evidence, evidence.maps, protocol)]

    def _origins(self, evidence: ArmEvidence, maps: Maps, class_name: str, protocol: Protocol) -> Finding:
        finding = Finding(self.code, "inconclusive", "", factor=evidence.factor, class_name=class_name)
        comparison = origin_comparison(evidence, maps, class_name)
        alone = f"the mapped subjects of {class_name} come from one origin in every fold"
        finding = _measured(finding, evidence, comparison, alone, protocol)
        if finding.p_value is None:
            return finding
        if finding.p_value > protocol.statistics.alpha:
            reason = f"no difference between origins was found ({finding.reason})"
            return replace(finding, reason=reason, details={**finding.details, "corroborates": False})
        healthy = class_name == evidence.classes[0]
        reason = f"the maps of {class_name} differ between origins ({finding.reason})"
        # Severity is not held fixed: patients of one origin may be worse than those of another.
        reason += "" if healthy else SEVERITY
        return replace(
            finding, status="concern", reason=reason, details={**finding.details, "corroborates": healthy}
        )  # fmt: skip

    def _classes(self, evidence: ArmEvidence, maps: Maps, protocol: Protocol) -> Finding:
        """Describe; where the classes differ beyond origin is no accusation."""
        finding = Finding(self.code, "inconclusive", "", factor=evidence.factor)
        comparison = class_comparison(evidence, maps)
        alone = "no origin has mapped subjects of both classes in one fold"
        finding = _measured(finding, evidence, comparison, alone, protocol)
        if finding.p_value is None:
            return finding
        if finding.p_value > protocol.statistics.alpha:
            reason = f"no place was found where the classes differ beyond origin ({finding.reason})"
        else:
            reason = f"the maps of the classes differ beyond origin ({finding.reason})"
            reason += _inside_masks(finding)
        return replace(finding, reason=f"{reason}; a difference between classes only describes the disease")


def origin_comparison(evidence: ArmEvidence, maps: Maps, class_name: str) -> MapComparison:
    """Origins inside one class, exchanged inside folds."""
    rows, target = _one_map_per_subject(maps)
    own = class_rows(evidence, class_name)[rows]
    rows, fold = rows[own], evidence.fold[rows[own]]
    return MapComparison(
        equal_gain(target[own], fold, fold), evidence.origin[rows], joint_codes(fold), ("U8", class_name)
    )  # fmt: skip


def class_comparison(evidence: ArmEvidence, maps: Maps) -> MapComparison:
    """Classes with origin and fold held fixed, the second one's relevance against the first one's."""
    rows, target = _one_map_per_subject(maps)
    fold = evidence.fold[rows]
    blocks = joint_codes(evidence.origin[rows], fold)
    # Sorted as numbers, so that positive statistics mean the positive class.
    groups = evidence.positive[rows].astype(int).astype(str)
    return MapComparison(equal_gain(target, blocks, fold), groups, blocks, ("U8", "classes"))


def compare_maps(evidence: ArmEvidence, maps: Maps, comparison: MapComparison, protocol: Protocol) -> MapDifference:
    """Make the test of a comparison; the same call gives the same numbers."""
    touching = None if maps.inside is None or not protocol.attribution.tfce else neighbours(maps.inside)
    return map_difference_test(
        comparison.maps,
        comparison.groups,
        comparison.blocks,
        protocol.statistics.n_permutations,
        stream(evidence, *comparison.words),
        Places(touching, maps.regions),
    )


def _one_map_per_subject(maps: Maps) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Average the finite maps of a subject's images at one origin: rows of the evidence (u,), maps (u, voxels)."""
    finite = np.flatnonzero(np.isfinite(maps.target).all(axis=1))
    rows, unit = np.unique(maps.rows[finite], return_inverse=True)
    shares = indicator_matrix(unit) / np.bincount(unit)
    return rows, shares.T @ maps.target[finite]


def _fault(comparison: MapComparison, alone: str, protocol: Protocol) -> Fault | None:
    """Say why a comparison cannot be made, or could not reach significance whatever the maps."""
    counts: dict[str, dict[str, int]] = {}
    for block, group in zip(comparison.blocks.tolist(), comparison.groups.tolist(), strict=True):
        row = counts.setdefault(str(block), {})
        row[group] = row.get(group, 0) + 1
    smallest = smallest_p(counts, protocol.statistics.n_permutations)
    if smallest is None:
        return Fault("not_applicable", f"{alone}: nothing to compare")
    if smallest > protocol.statistics.alpha:
        return Fault(
            "inconclusive", f"too few mapped subjects: no p-value below {probability_text(smallest)} is possible"
        )
    return None


def _measured(
    finding: Finding, evidence: ArmEvidence, comparison: MapComparison, alone: str, protocol: Protocol
) -> Finding:
    """Compare the maps; without a p-value where nothing can be compared (`alone` says why then)."""
    maps = evidence.maps
    assert maps is not None
    fault = _fault(comparison, alone, protocol)
    if fault:
        return replace(finding, status=fault.status, reason=fault.reason)
    difference = compare_maps(evidence, maps, comparison, protocol)
    if np.isnan(difference.p_value):
        return replace(finding, reason=difference.reason, n=difference.n)
    alpha = protocol.statistics.alpha
    voxels = difference.families["voxels"]
    significant = voxels.p_value <= alpha
    place = int(np.abs(voxels.statistic).argmax())
    return replace(
        finding,
        statistic=float(voxels.statistic[place]),
        p_value=difference.p_value,
        threshold=alpha,
        threshold_on="p_value",
        statistic_name=None if np.unique(comparison.groups).size == 2 else _OF_SEVERAL,
        n=difference.n,
        reason=(
            f"{probability(difference.p_value)} corrected for all places, {int(significant.sum())} of "
            f"{significant.size} {_unit(maps)} significant, {difference.n} subjects"
        ),
        details={
            **{f"p_{name}": float(family.p_value.min()) for name, family in difference.families.items()},
            **{f"significant_{n}": int((f.p_value <= alpha).sum()) for n, f in difference.families.items()},
            "critical": critical_value(voxels, alpha),
            "peak_voxel": _voxel(maps, place),
            "relative_difference": _relative_difference(comparison, significant),
            **_in_masks(evidence, maps, significant),
            "left_out": int((~np.isfinite(maps.target).all(axis=1)).sum()),
        },
    )


def _unit(maps: Maps) -> str:
    return "pixels" if maps.inside is not None and maps.inside.ndim == 2 else "voxels"


def _voxel(maps: Maps, place: int) -> list[int] | None:
    """Place on the grid, None where the grid is not known."""
    return None if maps.inside is None else [int(axis[place]) for axis in maps.inside.nonzero()]


def _relative_difference(comparison: MapComparison, significant: BoolArray) -> float:
    """Relevance that differs between groups in the significant voxels, over all relevance of a mean subject."""
    centred = centre_within(comparison.maps[:, significant].astype(np.float64), comparison.blocks)
    means = np.stack([centred[comparison.groups == name].mean(axis=0) for name in np.unique(comparison.groups)])
    total = float(np.abs(comparison.maps).mean(axis=0).sum())
    return float(np.ptp(means, axis=0).sum()) / total if total else 0.0


def _in_masks(evidence: ArmEvidence, maps: Maps, significant: BoolArray) -> dict[str, Any]:
    """Share of the significant voxels, and of all, where any mapped patient has marked pathology."""
    marked: BoolArray = np.logical_or.reduce(maps.mask & maps.foreground, axis=0)
    if not marked.any():
        return {}
    inside = float(np.mean(marked[significant])) if significant.any() else None
    return {"share_in_masks": inside, "volume_in_masks": float(marked.mean())}


def _inside_masks(finding: Finding) -> str:
    share = finding.details.get("share_in_masks")
    return "" if share is None else (
        f"; {percent(share)} of these lie where a patient has marked pathology, of all "
        f"{percent(finding.details['volume_in_masks'])}"
    )  # fmt: skip
