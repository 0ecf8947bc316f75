"""Step `calibrate`: audit one simulated cohort, with and without its masks, and keep what was found."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.calibration.arguments import CalibrateArguments
from biasaudit.engine.jobs.job import Folders, Job
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.jobs.run import run_job
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.plan import ArmContrast, finished_survey, plan_audit, plan_reading
from biasaudit.engine.results.arms import compare_arms
from biasaudit.engine.results.run import Run
from biasaudit.engine.situation.situation import default_checks
from biasaudit.engine.validation.situate import situate
from biasaudit.protocol import ArmSettings, Protocol
from biasaudit.records import MAPS_GATE, ArmEvidence, Finding, withholds_maps
from biasaudit.registry import get
from biasaudit.verdict import Design, decide

__all__ = ["calibrate", "gathered", "judged", "trained", "truth_of", "without_masks"]

_BULKY = ("read", "represent", "spike_in")
"""Steps whose results are images: large, quick to make again, and dropped once the networks have seen them."""
_LAST = ("judge", "learned")
"""Steps that calibration goes without: it judges by itself, and looks at no pictures."""


def calibrate(arguments: CalibrateArguments, needs: Folders, folder: Path) -> None:
    """Audit one simulated cohort.

    Trained networks and scores are kept in ``runs/<name>`` of the calibration's folder, so that a cohort judged by
    changed checks is not trained again.

    Parameters
    ----------
    arguments : CalibrateArguments
    needs : Folders
        Nothing.
    folder : Path
        Gets ``record.json``: one record per arm and mask variant; ``ungated`` are the checks of maps that failed G2.
    """
    protocol = arguments.protocol
    run = trained(protocol, Store(folder.parents[1] / "runs" / arguments.name))
    records = []
    for arm in protocol.arms:
        truth = truth_of(run, arm)
        for own in judged(gathered(run, arm.name), protocol):
            records.append({**arguments.about, "arm": arm.name, "truth": truth, **own})
    first = [run.evidence(ArmContrast(arm.name, run.factors[0])) for arm in protocol.arms]
    comparisons = [comparison.to_dict() for comparison in compare_arms(first, run)] if len(first) > 1 else []
    write_json(folder / "record.json", _finite({"records": records, "comparisons": comparisons}))


def gathered(run: Run, arm: str) -> ArmEvidence:
    """Gather all kinds of evidence together but regions, which sum up what the checks found voxel by voxel."""
    which = ArmContrast(arm, run.factors[0])
    return run.evidence(which, [kind for kind in run.plan.evidence[which].needs if kind != "regions"])


def truth_of(run: Run, arm: ArmSettings) -> dict[str, float | None] | None:
    """Return what was planted, and what the networks of an arm made of it; None where it was not simulated."""
    truth, errors = run.truth(arm.recipe, run.factors[0]), run.truth_errors(arm.recipe)
    if truth is None:
        return None
    return {
        "r": truth.sensitivity, "omega": truth.origin_share, "auc_one_site": truth.auc_one_site, "gap": truth.gap,
        "auc_independent": truth.auc_independent, "r_error": errors[0], "omega_error": errors[1],
    }  # fmt: skip


def judged(evidence: ArmEvidence, protocol: Protocol) -> list[dict[str, Any]]:
    """Judge a cohort with its masks, if there are any, and as if nobody had marked the pathology."""
    return [
        {"masks": masks, "mask_is_complete": own.mask_is_complete, **_judged(own, protocol)}
        for masks, own in _variants(evidence)
    ]


def without_masks(evidence: ArmEvidence) -> ArmEvidence:
    """Return what would have been known of the same cohort had nobody marked the pathology."""
    return replace(
        evidence,
        masks_given=False,
        mask_is_complete=False,
        severity=np.full(evidence.positive.size, np.nan),
        logit_erased=None,
        reduced={name: values for name, values in evidence.reduced.items() if name != "erased"},
        maps=None,
    )


def _variants(evidence: ArmEvidence) -> Iterator[tuple[bool, ArmEvidence]]:
    if evidence.masks_given:
        # With complete masks an audit transfers no signature by itself.
        yield True, replace(evidence, transfer=None) if evidence.mask_is_complete else evidence
    yield False, without_masks(evidence)


def _judged(evidence: ArmEvidence, protocol: Protocol) -> dict[str, Any]:
    findings: list[Finding] = []
    for code in default_checks(protocol):
        findings.extend(get("check", code)().judge(evidence, protocol))
    design = Design(evidence.regime, evidence.masks_given, evidence.mask_is_complete)
    verdict = decide(findings, design, evidence.factor, protocol)
    return {
        "regime": evidence.regime,
        "verdict": verdict.word,
        "reason": verdict.reason,
        "reliance": verdict.reliance.to_dict(),
        "findings": [finding.to_dict() for finding in findings],
        "ungated": [finding.to_dict() for finding in _ungated(evidence, findings, protocol)],
    }


def _ungated(evidence: ArmEvidence, findings: Sequence[Finding], protocol: Protocol) -> list[Finding]:
    """Judge maps that failed G2 all the same, so that it is known what the gate costs."""
    failed = any(withholds_maps(finding.code, finding.status) for finding in findings)
    if not failed or evidence.maps is None:
        return []
    own = replace(evidence, maps=replace(evidence.maps, probes=None))
    codes = [code for code in default_checks(protocol) if code != MAPS_GATE and "maps" in get("check", code).needs]
    return [finding for code in codes for finding in get("check", code)().judge(own, protocol)]


def trained(protocol: Protocol, store: Store) -> Run:
    """Train and score whatever the checks of a protocol need, except what judging and looking at pictures takes."""
    situation, _ = situate(protocol)
    reading = plan_reading(situation)
    _run_needed(reading.jobs, {reading.survey}, store)
    plan = plan_audit(situation, finished_survey(store, reading))
    wanted = {job.key for job in plan.jobs if job.step not in (*_BULKY, *_LAST)}
    maps = any("maps" in get("check", code).needs for code in default_checks(protocol))
    wanted |= set(reading.reads) if maps else set()
    _run_needed(plan.jobs, wanted, store)
    if not maps:
        for job in plan.jobs:
            if job.step in _BULKY:
                shutil.rmtree(store.place(job.key), ignore_errors=True)
    return Run(situation, plan, store)


def _run_needed(jobs: Sequence[Job], wanted: Iterable[str], store: Store) -> None:
    """Run what is wanted and not there, and whatever that needs and is not there either."""
    known = {job.key: job for job in jobs}
    needed: set[str] = set()
    pending = [key for key in wanted if not store.finished(key)]
    while pending:
        key = pending.pop()
        if key not in needed:
            needed.add(key)
            pending.extend(need for need in known[key].dependencies if not store.finished(need))
    for job in jobs:
        if job.key in needed:
            trace = run_job(job, store.root)
            if trace is not None:
                raise RuntimeError(f"{job.title}\n{trace}")


def _finite(value: Any) -> Any:
    """Replace numbers that JSON does not know by null."""
    if isinstance(value, Mapping):
        return {key: _finite(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(own) for own in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
