"""D1: what this design can answer at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding
from biasaudit.registry import register
from biasaudit.stats.effects import cramers_v

__all__ = ["CONCERN_V", "Identifiability", "class_by_origin", "regime"]

CONCERN_V = 0.3
"""Association of class and origin from which a classifier can profit from the origin."""


@register("check", "D1")
class Identifiability:
    """Association of class and origin in the table alone."""

    code = "D1"
    title = "Identifiability"
    question = "How are class and origin confounded, and what can this design answer?"
    why = (
        "If each class comes from its own origin, no statistic of the scores can tell disease from scanner; only "
        "edits of the images can."
    )
    kind = "design"
    needs = ("table",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding with the association of class and origin."""
        table = class_by_origin(evidence)
        association = float(cramers_v(table))
        concern = association >= CONCERN_V and evidence.regime != "single"
        can, cannot = _statements(evidence)
        return [
            Finding(
                code=self.code,
                status="not_applicable" if evidence.regime == "single" else "concern" if concern else "clear",
                reason=_REGIMES[evidence.regime] + f" Bias-corrected Cramér's V is {association:.2f}.",
                remedy=_REMEDIES[evidence.regime] if concern or evidence.regime == "single" else "",
                statistic=association,
                threshold=CONCERN_V,
                n=len(evidence.subject),
                factor=evidence.factor,
                details=_details(table, protocol) | {"can_answer": can, "cannot_answer": cannot},
            )
        ]


def regime(positive: BoolArray, origin: np.ndarray) -> str:
    """Name the way class and origin go together.

    Returns
    -------
    str
        ``single`` (one origin in all), ``crossed`` (some origin holds both classes), ``nested`` (none does, but some
        class spans several), ``aliased`` (one origin per class).
    """
    healthy, patients = set(origin[~positive].tolist()), set(origin[positive].tolist())
    if len(healthy | patients) < 2:
        return "single"
    if healthy & patients:
        return "crossed"
    return "nested" if max(len(healthy), len(patients)) > 1 else "aliased"


def class_by_origin(evidence: ArmEvidence) -> np.ndarray:
    """Count subjects, int (2, origins): negative and positive class by origin in sorted order."""
    origins = np.unique(evidence.origin)
    return np.array(
        [
            [int(((evidence.origin == origin) & (evidence.positive == positive)).sum()) for origin in origins]
            for positive in (False, True)
        ]
    )


_REGIMES = {
    "crossed": "Crossed: at least one origin holds both classes, so scores can be compared within class and origin.",
    "nested": "Nested: no origin holds both classes, though a class spans several origins.",
    "aliased": "Aliased: each class comes from one origin of its own, so class and origin cannot be told apart.",
    "single": "All subjects come from one origin, so there is no origin to discriminate.",
}
_MORE_DATA = "Add subjects of both classes from the same origin; even a few dozen make the question answerable."
_REMEDIES = {
    "crossed": "Balance the classes within each origin, or match subjects across origins.",
    "nested": _MORE_DATA,
    "aliased": _MORE_DATA,
    "single": "Add images from a second origin to learn whether the classifier travels.",
}


def _details(table: np.ndarray, protocol: Protocol) -> dict[str, Any]:
    filled = table[table > 0]
    return {
        "empty_cells": int((table == 0).sum()),
        "smallest_cell": int(filled.min()) if filled.size else 0,
        "smallest_p_value": 1.0 / (1 + protocol.statistics.n_permutations),
    }


def _statements(evidence: ArmEvidence) -> tuple[list[str], list[str]]:
    """Say what the design can and cannot support."""
    spans = [
        name
        for name, positive in zip(evidence.classes, (False, True), strict=True)
        if len(np.unique(evidence.origin[evidence.positive == positive])) > 1
    ]
    can: list[str] = []
    cannot: list[str] = []
    inside = f"whether origins can be told apart and shift the scores inside {' and '.join(spans)}"
    (can if spans else cannot).append(inside if spans else "whether scores differ between origins of one class")
    both = "whether the classifier works alike where one origin holds both classes"
    (can if evidence.regime == "crossed" else cannot).append(both)
    erased = "how much of the difference between the classes is left when the marked pathology is erased"
    (can if evidence.masks_given else cannot).append(erased + ("" if evidence.masks_given else " (no pathology masks)"))
    if evidence.regime in ("nested", "aliased") and not evidence.mask_is_complete:
        cannot.append("whether what is left after erasure is the origin or disease outside the masks")
    return can, cannot
