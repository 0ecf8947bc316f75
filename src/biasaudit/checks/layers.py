"""Ask one question inside a class of every hidden layer, with Holm's correction over the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from biasaudit.checks.premises import class_rows, origins_of
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding
from biasaudit.stats.multiplicity import holm

__all__ = ["concluded", "judge_layers"]

Measure = Callable[[Finding, BoolArray], Finding]
"""Takes a finding that names its layer, and the class's rows (n,); fills in what was measured."""

Judge = Callable[[Finding, float], Finding]
"""Takes a measured finding and its p-value after Holm."""


def judge_layers(
    evidence: ArmEvidence, blank: Finding, layers: Iterable[str], alone: str, measure: Measure, judge: Judge
) -> list[Finding]:
    """Ask one question of the layers inside one class.

    Parameters
    ----------
    evidence : ArmEvidence
    blank : Finding
        Names the check and the class.
    layers : iterable of str
    alone : str
        What a class of one origin means for the question, for the reason.
    measure : Measure
    judge : Judge
        Not asked of findings without a p-value.

    Returns
    -------
    list of Finding
        One per layer, or one that says why the question does not apply.
    """
    rows = class_rows(evidence, str(blank.class_name))
    names = origins_of(evidence, rows)
    blank = replace(blank, n=int(rows.sum()), factor=evidence.factor)
    if len(names) < 2:
        origins = "one origin" if names else "no origin"
        reason = f"the class {blank.class_name} comes from {origins}: {alone}"
        return [replace(blank, status="not_applicable", reason=reason)]
    found = [measure(replace(blank, layer=layer), rows) for layer in layers]
    adjusted = holm([np.nan if finding.p_value is None else finding.p_value for finding in found])
    return [f if f.p_value is None else judge(f, float(p)) for f, p in zip(found, adjusted, strict=True)]


def concluded(
    finding: Finding, adjusted_p: float, found: str, not_found: str, evidence: ArmEvidence, protocol: Protocol
) -> Finding:
    """Say that something was found, or that it was not, which never clears.

    Parameters
    ----------
    finding : Finding
    adjusted_p : float
        After Holm.
    found, not_found : str
        Reasons for either outcome.
    evidence : ArmEvidence
    protocol : Protocol

    Returns
    -------
    Finding
        Corroborates if found among the healthy: patients of one origin may be worse than those of another.
    """
    significant = adjusted_p <= protocol.statistics.alpha
    healthy = finding.class_name == evidence.classes[0]
    return replace(
        finding,
        status="concern" if significant else "inconclusive",
        reason=found if significant else not_found,
        threshold=protocol.statistics.alpha,
        threshold_on="p_value",
        details={**finding.details, "p_holm": adjusted_p, "corroborates": significant and healthy},
    )
