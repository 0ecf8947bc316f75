"""The design part of audit.json: which questions the cohort can answer, and its counts by class and origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.results.verdicts import evidence_by_contrast
from biasaudit.records import REGIME_ORDER, ArmEvidence, Regime
from biasaudit.run_folder.contract import DesignRecord, FactorDesign
from biasaudit.stats.effects import cramers_v

__all__ = ["DESIGN_CODES", "design_record"]


DESIGN_CODES = ("D1", "D2", "D3", "A3")


def design_record(run: Run, arm: ArmResult) -> DesignRecord:
    """Describe the design of the primary factor, and of every factor by name."""
    records = {factor: _factor_design(run, arm, factor) for factor in run.factors}
    findings = [finding.to_dict() for own in arm.findings.values() for finding in own if finding.code in DESIGN_CODES]
    return {**records[run.factors[0]], "findings": findings, "factors": records}


def _factor_design(run: Run, arm: ArmResult, factor: str) -> FactorDesign:
    evidence = arm.evidence if factor == run.factors[0] else evidence_by_contrast(run, arm.name, factor)
    if None in evidence:
        return _contrast_design(arm, factor, evidence[None])
    records = {str(name): _contrast_design(arm, factor, own) for name, own in evidence.items()}
    return _joint_design(records, evidence[run.plan.contrasts[0].name])


def _contrast_design(arm: ArmResult, factor: str, evidence: ArmEvidence) -> FactorDesign:
    """Describe one contrast, in the words of the check of identifiability (D1)."""
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


def _joint_design(records: Mapping[str, FactorDesign], evidence: ArmEvidence) -> FactorDesign:
    """Describe all classes together, from the evidence of any contrast, and every contrast under `contrasts`."""
    table = {name: _counts(evidence.origin[evidence.label == name]) for name in records}
    origins = sorted(set(evidence.origin.tolist()))
    return {
        "regime": _hardest([record["regime"] for record in records.values()]),
        "cramers_v": cramers_v([[row.get(origin, 0) for origin in origins] for row in table.values()]),
        "table": table,
        "can_answer": [f"{name}: {text}" for name, record in records.items() for text in record["can_answer"]],
        "cannot_answer": [f"{name}: {text}" for name, record in records.items() for text in record["cannot_answer"]],
        "contrasts": dict(records),
    }


def _hardest(regimes: Sequence[Regime]) -> Regime:
    """Return the regime that allows least: one contrast that cannot be answered leaves the audit open."""
    return min(regimes, key=REGIME_ORDER.index)


def _counts(origins: np.ndarray) -> dict[str, int]:
    return {str(origin): int((origins == origin).sum()) for origin in sorted(set(origins.tolist()))}
