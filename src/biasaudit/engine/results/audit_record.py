"""Write the files of a run from finished jobs: audit.json, tables, maps, models."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import cast

import numpy as np

from biasaudit import registry
from biasaudit.checks.check import statistic_name
from biasaudit.engine.jobs.json_files import digest, write_json
from biasaudit.engine.remedies import other_inputs
from biasaudit.engine.results.arms import compare_arms
from biasaudit.engine.results.design import DESIGN_CODES, design_record
from biasaudit.engine.results.inputs import write_inputs
from biasaudit.engine.results.learned import write_learned
from biasaudit.engine.results.limits import limits_of, withheld_maps
from biasaudit.engine.results.maps import write_maps
from biasaudit.engine.results.models import write_models
from biasaudit.engine.results.pairs import write_pairs
from biasaudit.engine.results.remedies import propose_remedies
from biasaudit.engine.results.run import ArmResult, Run, survey_of
from biasaudit.engine.results.tables import write_tables
from biasaudit.engine.results.thumbnails import write_thumbnails
from biasaudit.engine.results.verdicts import arm_result
from biasaudit.engine.results.viewer_volumes import write_viewer_volumes
from biasaudit.engine.results.voxelwise_maps import write_differences
from biasaudit.engine.situation.contrasts import class_index
from biasaudit.engine.situation.identity import learns_from
from biasaudit.engine.situation.situation import Situation
from biasaudit.error_rates import Setting, error_rates, weight_text
from biasaudit.own_rates import own_error_rates, read_own_rates
from biasaudit.protocol import dump_protocol
from biasaudit.protocol.places import Places
from biasaudit.records import Comparison, EstimateRecord, Finding, Regime
from biasaudit.reliance import is_measured_by_probes
from biasaudit.run_folder.contract import (
    PENDING,
    SCHEMA_VERSION,
    ArmRecord,
    AucRecord,
    AuditRecord,
    CheckRecord,
    CohortRecord,
    ErrorRatesRecord,
    GridRecord,
    IndependentRecord,
    ProvenanceRecord,
    TargetRecord,
    TruthRecord,
)
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.stats.effects import balanced_accuracy
from biasaudit.stats.truth import Truth

__all__ = ["write_results"]


def write_results(run: Run, started: datetime) -> AuditRecord:
    """Decide, and write every file of a run but the report.

    Returns
    -------
    AuditRecord
        What ``audit.json`` will hold, which has another name until the report is drawn.
    """
    with OwnedFiles(run.store.root).writing("results") as staged:
        return _written(replace(run, staged=staged), started)


def _written(run: Run, started: datetime) -> AuditRecord:
    arms = [arm_result(run, arm) for arm in run.situation.protocol.arms]
    comparisons = _compared(run, arms)
    write_tables(run, arms, comparisons)
    write_maps(run, arms)
    write_viewer_volumes(run, arms)
    write_differences(run, arms)
    write_pairs(run, arms[0])
    write_thumbnails(run, arms[0])
    write_inputs(run, arms)
    write_learned(run)
    write_models(run)
    audit = _audit_record(run, arms, comparisons, started)
    write_json(run.results / PENDING, audit)
    return audit


def _compared(run: Run, arms: Sequence[ArmResult]) -> list[Comparison]:
    """Compare every pair of arms, contrast by contrast."""
    return [
        comparison
        for contrast in run.plan.contrasts
        for comparison in compare_arms([arm.evidence[contrast.name] for arm in arms], run)
    ]


def _audit_record(
    run: Run, arms: Sequence[ArmResult], comparisons: Sequence[Comparison], started: datetime
) -> AuditRecord:
    """Describe a whole audit."""
    situation, protocol = run.situation, run.situation.protocol
    design = design_record(run, arms[0])
    records = [_arm_record(run, arm, position == 0) for position, arm in enumerate(arms)]
    compared = [comparison.to_dict() for comparison in comparisons]
    return {
        "schema_version": SCHEMA_VERSION,
        "biasaudit": _provenance(run, started),
        "name": protocol.name,
        "cohort": _cohort(situation),
        "design": design,
        "arms": records,
        "comparisons": compared,
        "remedies": propose_remedies(
            records,
            compared,
            design["regime"],
            protocol.verdict.delta,
            inputs=other_inputs(situation.cohort),
            ready_made=situation.ready_made,
        ),
        "checks": _check_texts(run, design["regime"]),
        "notes": [*situation.cohort.notes, *survey_of(run)["notes"]],
        "limits": [*withheld_maps(arms), *limits_of(run, arms, [record["error_rates"] for record in records])],
        "settings": protocol.model_dump(mode="json"),
        "environment": _environment(),
    }


def _arm_record(run: Run, arm: ArmResult, primary: bool) -> ArmRecord:
    """Describe one arm: its worst verdict, every verdict, estimates and findings."""
    worst = arm.headline
    findings = [finding for own in arm.findings.values() for finding in own if finding.code not in DESIGN_CODES]
    truths = {factor: run.truth(arm.recipe, factor) for factor in run.factors}
    return {
        "name": arm.name,
        "representation": arm.settings.input,
        "training": arm.settings.training,
        "primary": primary,
        "verdict": worst.word,
        "contrast": worst.contrast,
        "reason": worst.reason,
        "provisional": worst.provisional,
        "flagged": list(dict.fromkeys(code for verdict in arm.verdicts for code in verdict.flagged)),
        "error_rates": _error_rates(run, arm),
        "target": _target(run, arm),
        "reliance": worst.reliance.to_dict(),
        "lesion_gain": _estimate_of(findings, "U6"),
        "origin_auc": _estimate_of(findings, "A1"),
        "truth": _truth_records(truths),
        "verdicts": [
            {
                "factor": verdict.factor,
                "contrast": verdict.contrast,
                "verdict": verdict.word,
                "reason": verdict.reason,
                "settle": verdict.settle,
                "provisional": verdict.provisional,
                "flagged": list(verdict.flagged),
                "scope": run.situation.protocol.statistics.scope,
                "tests": verdict.tests,
                "reliance": verdict.reliance.to_dict(),
            }
            for verdict in arm.verdicts
        ],
        "findings": [finding.to_dict() for finding in findings],
    }


def _error_rates(run: Run, arm: ArmResult) -> ErrorRatesRecord:
    """Return what was measured on copies of these images, else for the nearest cell of the calibration."""
    evidence, protocol = arm.headline_evidence, run.situation.protocol
    if protocol.calibration is not None:
        own = own_error_rates(read_own_rates(protocol.calibration), arm.name, learns_from(arm.settings))
        if own is not None:
            return cast(ErrorRatesRecord, own)
    masks = "none" if not evidence.masks_given else "complete" if evidence.mask_is_complete else "incomplete"
    found = error_rates(
        Setting(
            regime=evidence.regime,
            masks=masks,
            n=len(np.unique(evidence.subject)),
            dimensions=run.situation.cohort.dimensions,
            network="made elsewhere" if run.situation.ready_made else protocol.target.network,
            representation=str(arm.recipe),
            simulated=protocol.cohort.simulated,
            classes=len(run.situation.cohort.classes),
            probes=_healthy_probes(arm),
            field=protocol.cohort.field is not None,
            kind=_kind(run),
        )
    )
    return cast(ErrorRatesRecord, found)


def _kind(run: Run) -> str:
    """Name what stands for a subject; scores beside images are of a network that looked at those."""
    if run.situation.cohort.features:
        return "features"
    return "images" if run.situation.cohort.channels else "scores"


def _healthy_probes(arm: ArmResult) -> int:
    """Count the probes that measure the reliance of the headline from both sides."""
    asked = [f for own in arm.findings.values() for f in own if f.code == "P1" and f.contrast == arm.headline.contrast]
    return max((f.n for f in asked if is_measured_by_probes([f])), default=0)


def _target(run: Run, arm: ArmResult) -> TargetRecord:
    """How well the target does: AUC of the headline's contrast and of every contrast, accuracy over all classes."""
    shown = _auc_of(arm, arm.headline.contrast)
    record = cast(TargetRecord, {**shown, "balanced_accuracy": _balanced_accuracy(arm)})
    if len(run.plan.contrasts) > 1:
        record["contrasts"] = {str(contrast.name): _auc_of(arm, contrast.name) for contrast in run.plan.contrasts}
    return record


def _auc_of(arm: ArmResult, contrast: str | None) -> AucRecord:
    """Return the AUC of one contrast, as the check of competence (G1) found it."""
    asked = (f for own in arm.findings.values() for f in own if f.code == "G1" and f.contrast == contrast)
    competence = next(asked, None)
    if competence is None:
        return {"auc": None, "auc_low": None, "auc_high": None, "level": None}
    record = competence.to_dict()
    found: AucRecord = {
        "auc": record["statistic"],
        "auc_low": record["low"],
        "auc_high": record["high"],
        "level": record["level"],
    }
    independent = _independent_of(arm, contrast)
    if independent:
        found["independent"] = min(independent, key=lambda each: -1.0 if each["auc"] is None else each["auc"])
        found["independent_by_factor"] = independent
    return found


def _independent_of(arm: ArmResult, contrast: str | None) -> list[IndependentRecord]:
    """Return the AUC to publish of one contrast, factor by factor, as G1 found it."""
    asked = (f.to_dict() for own in arm.findings.values() for f in own if f.code == "G1" and f.contrast == contrast)
    return [
        {
            "factor": str(finding["factor"]),
            "auc": finding["details"]["independent_auc"],
            "auc_low": finding["details"]["independent_low"],
            "auc_high": finding["details"]["independent_high"],
            "level": None if finding["details"]["independent_low"] is None else finding["level"],
            "inside_origins": finding["details"]["inside_origins_auc"],
            "how": finding["details"]["independent_how"],
            "text": finding["details"]["independent_text"],
        }
        for finding in asked
        if "independent_auc" in finding["details"]
    ]


def _balanced_accuracy(arm: ArmResult) -> float:
    """Mean over classes of the share of subjects that are put in their own class."""
    if None in arm.evidence:
        return float(balanced_accuracy(arm.evidence[None].logit > 0, arm.evidence[None].positive))
    names = [name for name in arm.evidence if name is not None]
    # The odds of the healthy contrast are turned; the class of the largest odds is that of the largest logit.
    odds = np.stack([arm.evidence[name].logit * (-1 if number == 0 else 1) for number, name in enumerate(names)])
    chosen, truth = np.array(names)[odds.argmax(axis=0)], arm.evidence[names[0]].label
    return float(np.mean([(chosen[truth == name] == name).mean() for name in names]))


def _estimate_of(findings: Sequence[Finding], code: str) -> EstimateRecord | None:
    """Return the largest estimate of one check over classes and factors, with its interval."""
    own = [finding.to_dict() for finding in findings if finding.code == code]
    known = [record for record in own if record["statistic"] is not None]
    if not known:
        return None
    largest = max(known, key=lambda record: record["statistic"] or 0.0)
    return {
        "estimate": largest["statistic"],
        "low": largest["low"],
        "high": largest["high"],
        "level": largest["level"],
    }


def _truth_records(truths: Mapping[str, Truth | None]) -> dict[str, TruthRecord] | None:
    """Say what was planted, factor by factor; None of what is not simulated."""
    known = {factor: truth for factor, truth in truths.items() if truth is not None}
    if not known:
        return None
    return {
        factor: {
            "omega": None if np.isnan(truth.origin_share) else truth.origin_share,
            "r": None if np.isnan(truth.sensitivity) else truth.sensitivity,
            "gap": truth.gap,
            "auc_one_site": truth.auc_one_site,
            "auc_independent": truth.auc_independent,
        }
        for factor, truth in known.items()
    }


def _cohort(situation: Situation) -> CohortRecord:
    """Count the subjects by class and by origin."""
    samples = situation.cohort.samples
    classes = {
        name: len({sample.subject for sample in samples if class_index(situation.cohort, sample) == index})
        for index, name in enumerate(situation.cohort.classes)
    }
    origins = {
        factor: {
            origin: len({sample.subject for sample in samples if sample.origins[factor] == origin})
            for origin in sorted({sample.origins[factor] for sample in samples})
        }
        for factor in situation.cohort.factors
    }
    return {
        "n": len({sample.subject for sample in samples}),
        "images": len(samples),
        "classes": classes,
        "origins": origins,
        "dimensions": situation.cohort.dimensions,
        "grid": cast(GridRecord, situation.grid.to_dict()),
        "colour": list(samples[0].colour),
        "colour_hidden": situation.colour_hidden,
        "pooled": {factor: dict(names) for factor, names in situation.cohort.pooled.items() if names},
    }


def _check_texts(run: Run, regime: Regime) -> dict[str, CheckRecord]:
    """Say of every check that was asked what it asks, and how well it discriminated in the calibration."""
    texts: dict[str, CheckRecord] = {}
    for code in run.plan.codes:
        check = registry.get("check", code)
        text = {
            "title": check.title,
            "question": check.question,
            "why": check.why,
            "kind": check.kind,
            "statistic": statistic_name(check),
            "weight": weight_text(code, regime),
        }
        texts[code] = cast(CheckRecord, text)
    return texts


def _provenance(run: Run, started: datetime) -> ProvenanceRecord:
    """State version and times, and hashes of the protocol and of the data."""
    situation = run.situation
    samples = zip(situation.cohort.samples, situation.folds, strict=True)
    rows = [[sample.subject, sample.label, dict(sample.origins), fold] for sample, fold in samples]
    return {
        "version": version("biasaudit"),
        "protocol_sha256": digest(Places.read(run.store.root).shown(dump_protocol(situation.protocol))),
        "data_sha256": digest([sorted(situation.hashes.values()), rows]),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _environment() -> dict[str, str]:
    packages = ("torch", "captum", "numpy", "scipy", "scikit-learn", "nibabel", "nilearn")
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in packages},
    }
