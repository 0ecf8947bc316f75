"""D1: what can a cohort with this table of classes and origins tell at all?"""

from __future__ import annotations

from math import exp, lgamma

import numpy as np

from biasaudit.checks.premises import Judgement
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, probability_text
from biasaudit.registry import register
from biasaudit.stats.effects import cramers_v
from biasaudit.vocabulary import OR_PROBES

__all__ = ["CONCERN_V", "Identifiability", "counts_by_class", "effective_n", "smallest_p", "statements"]

CONCERN_V = 0.3
"""Cramér's V of class and origin from which the design is a concern: Cohen's medium association."""


def counts_by_class(evidence: ArmEvidence) -> dict[str, dict[str, int]]:
    """Subjects per class and origin, empty cells included."""
    origins = np.unique(evidence.origin)
    return {
        name: {
            str(origin): int(((evidence.origin == origin) & (evidence.positive == positive)).sum())
            for origin in origins
        }
        for name, positive in zip(evidence.classes, (False, True), strict=True)
    }


def _exchangeable(evidence: ArmEvidence) -> dict[str, dict[str, int]]:
    """Subjects per actual class and origin, since only inside these may origins be exchanged."""
    if evidence.label is None:
        return counts_by_class(evidence)
    return {
        str(name): {
            str(origin): int(((evidence.origin == origin) & (evidence.label == name)).sum())
            for origin in np.unique(evidence.origin)
        }
        for name in np.unique(evidence.label)
    }


def effective_n(counts: list[int]) -> float:
    """Subjects of a balanced class that would compare origins as precisely: k times the harmonic mean of k counts."""
    filled = [count for count in counts if count > 0]
    if len(filled) < 2:
        return 0.0
    return float(len(filled) ** 2 / sum(1 / count for count in filled))


def smallest_p(table: dict[str, dict[str, int]], n_permutations: int) -> float | None:
    """Smallest p-value that exchanging origins inside classes can reach; None if there is nothing to exchange.

    The reciprocal of the number of distinct arrangements, or of the number of permutations drawn if that is fewer.
    """
    logarithm = sum(
        lgamma(sum(row.values()) + 1) - sum(lgamma(count + 1) for count in row.values()) for row in table.values()
    )
    return max(1 / (n_permutations + 1), exp(-logarithm)) if logarithm > 0 else None


def statements(evidence: ArmEvidence, protocol: Protocol) -> tuple[list[str], list[str]]:
    """List what this design can and cannot answer.

    Parameters
    ----------
    evidence : ArmEvidence
    protocol : Protocol

    Returns
    -------
    can_answer, cannot_answer : list of str
        Plain sentences.
    """
    can: list[str] = []
    cannot: list[str] = []
    for name, row in counts_by_class(evidence).items():
        spans = sum(count > 0 for count in row.values())
        target = can if spans > 1 else cannot
        target.append(
            f"Does the network's score differ between the {spans} origins of the class {name}?"
            if spans > 1
            else f"Does the score differ between origins inside the class {name}? It comes from {spans or 'no'} origin."
        )
    smallest = smallest_p(_exchangeable(evidence), protocol.statistics.n_permutations)
    if smallest is not None and smallest > protocol.statistics.alpha:
        cannot.append(
            f"No test inside classes can reach significance: the smallest possible p is {probability_text(smallest)}."
        )
    _say_what_separates(evidence, protocol, can, cannot)
    return can, cannot


def _say_what_separates(evidence: ArmEvidence, protocol: Protocol, can: list[str], cannot: list[str]) -> None:
    between = "How much of the difference between the classes comes from the origin?"
    share = "Which share of the class gap is left once the marked pathology is erased?"
    whom = "subject" if protocol.cohort.mask_in == "all" else "patient"
    if evidence.masks_given:
        can.append(share)
    elif protocol.cohort.has_images:
        cannot.append(f"{share} That needs a lesion mask for every {whom}.")
    if evidence.regime == "crossed":
        can.append(between)
    elif evidence.regime == "single":
        cannot.append(f"{between} There is one origin only.")
    else:
        cannot.append(f"{between} No origin holds both classes, so the labels alone cannot separate the two.")
    if evidence.masks_given and evidence.regime in ("nested", "aliased") and not evidence.mask_is_complete:
        cannot.append(
            "Is what lies outside the masks the origin, or disease that nobody marked? Only a second test tells: "
            "probes, or an input that does not show the disease."
        )


@register("check", "D1")
class Identifiability:
    """Regime of the design, association of class and origin, and what follows from it."""

    code = "D1"
    title = "Identifiability"
    question = "Can this cohort tell pathology from origin at all?"
    why = (
        "If patients and healthy subjects come from different origins, every network that separates the origins also "
        "separates the classes, and no accuracy tells which of the two it does."
    )
    kind = "design"
    statistic = "Cramér's V of class and origin"
    needs = ("table",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the table of classes and origins."""
        table = counts_by_class(evidence)
        association = cramers_v([list(row.values()) for row in table.values()]) if evidence.positive.size else None
        smallest = smallest_p(_exchangeable(evidence), protocol.statistics.n_permutations)
        judged = _judgement(evidence, association, smallest, protocol)
        return [
            Finding(
                code=self.code,
                status=judged.status,
                reason=judged.reason,
                remedy=judged.remedy,
                statistic=association,
                threshold=CONCERN_V,
                n=int(evidence.positive.size),
                factor=evidence.factor,
                details=_details(evidence, protocol),
            )
        ]


def _details(evidence: ArmEvidence, protocol: Protocol) -> dict[str, object]:
    table = counts_by_class(evidence)
    can, cannot = statements(evidence, protocol)
    return {
        "regime": evidence.regime,
        "table": table,
        "empty_cells": sum(count == 0 for row in table.values() for count in row.values()),
        "effective_n": {name: round(effective_n(list(row.values())), 1) for name, row in table.items()},
        "smallest_p": smallest_p(_exchangeable(evidence), protocol.statistics.n_permutations),
        "can_answer": can,
        "cannot_answer": cannot,
    }


def _judgement(
    evidence: ArmEvidence, association: float | None, smallest: float | None, protocol: Protocol
) -> Judgement:
    """Judge the regime first, then the association, then what any test could reach."""
    if evidence.regime == "single":
        return Judgement(
            "inconclusive",
            "all subjects come from one origin: there is nothing to compare",
            "add subjects of both classes from a second origin",
        )
    shown = f"Cramér's V of class and origin is {association:.2f}"
    if evidence.regime != "crossed":
        wording = "one origin per class" if evidence.regime == "aliased" else "no origin holds both classes"
        masks = "" if evidence.masks_given else ", or lesion masks for erasure"
        others = f"{OR_PROBES}{masks}" if protocol.cohort.has_images else ""
        remedy = f"add an origin that holds both classes{others}"
        return Judgement("concern", f"{wording}; {shown}", remedy)
    if association is not None and association > CONCERN_V:
        reason = f"{shown}, above {CONCERN_V:g}: the origin alone already predicts the class"
        return Judgement("concern", reason, "balance the classes within origins, by collecting or by subsampling")
    if smallest is None or smallest > protocol.statistics.alpha:
        reason = f"{shown}, but so few subjects can be exchanged inside classes that no test can reach significance"
        return Judgement("inconclusive", reason, "add subjects to the origins that hold few")
    return Judgement("clear", f"some origins hold both classes; {shown}, at most {CONCERN_V:g}")
