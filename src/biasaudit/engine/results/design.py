"""The design part of audit.json: which questions the cohort can answer, and its counts by class and origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.results.verdicts import evidence_by_contrast
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.records import REGIME_ORDER, ArmEvidence, Regime
from biasaudit.stats.effects import cramers_v

__all__ = ["DESIGN_CODES", "design_record"]


DESIGN_CODES = ("D1", "D2", "D3", "A3")


def design_record(run: Run, arm: ArmResult) -> dict[str, Any]:
    """Return the design part of the contract (primary factor), and every factor's own under `factors`."""
    records = {factor: _factor_design(run, arm, factor) for factor in run.factors}
    findings = [finding.to_dict() for own in arm.findings.values() for finding in own if finding.code in DESIGN_CODES]
    return {**records[run.factors[0]], "findings": findings, "factors": records}


def _factor_design(run: Run, arm: ArmResult, factor: str) -> dict[str, Any]:
    evidence = arm.evidence if factor == run.factors[0] else evidence_by_contrast(run, arm.name, factor)
    records = {name: _contrast_design(arm, factor, own) for name, own in evidence.items()}
    if None in records:
        return records[None]
    return _joint_design(run.plan.contrasts, records, evidence)


def _contrast_design(arm: ArmResult, factor: str, evidence: ArmEvidence) -> dict[str, Any]:
    asked = (f for f in arm.findings[factor] if f.code == "D1" and f.contrast == evidence.contrast)
    identifiability = next(asked, None)
    details = dict(identifiability.details) if identifiability else {}
    return {
        "regime": evidence.regime,
        "cramers_v": identifiability.statistic if identifiability else None,
        "table": {
            name: _counts(evidence.origin[evidence.positive == positive])
            for name, positive in zip(evidence.classes, (False, True), strict=True)
        },
        "can_answer": list(details.get("can_answer", [])),
        "cannot_answer": list(details.get("cannot_answer", [])),
    }


def _joint_design(
    contrasts: Sequence[Contrast], records: Mapping[str | None, Any], evidence: Mapping[str | None, ArmEvidence]
) -> dict[str, Any]:
    """Describe all classes together, and every contrast's own design under `contrasts`."""
    first = evidence[contrasts[0].name]
    table = {str(c.name): _counts(first.origin[first.label == c.name]) for c in contrasts}
    origins = sorted(set(first.origin.tolist()))
    return {
        "regime": _hardest([record["regime"] for record in records.values()]),
        "cramers_v": cramers_v([[row.get(origin, 0) for origin in origins] for row in table.values()]),
        "table": table,
        **{
            key: [f"{name}: {text}" for name, record in records.items() for text in record[key]]
            for key in ("can_answer", "cannot_answer")
        },
        "contrasts": {str(name): record for name, record in records.items()},
    }


def _hardest(regimes: Sequence[Regime]) -> Regime:
    """Return the regime that allows least: one contrast that cannot be answered leaves the audit open."""
    return min(regimes, key=REGIME_ORDER.index)


def _counts(origins: np.ndarray) -> dict[str, int]:
    return {str(origin): int((origins == origin).sum()) for origin in sorted(set(origins.tolist()))}
