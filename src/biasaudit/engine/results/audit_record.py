"""From finished jobs to the files of a run: audit.json, tables, maps, models."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np

from biasaudit import registry, seeds
from biasaudit.engine.evidence.assembly import assemble
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import digest, read_json, write_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.plan import Plan
from biasaudit.engine.remedies import other_inputs, propose
from biasaudit.engine.results.arms import compare_arms
from biasaudit.engine.results.learned import write_learned
from biasaudit.engine.results.maps import write_maps
from biasaudit.engine.results.tables import write_tables
from biasaudit.engine.results.voxelwise_maps import write_differences
from biasaudit.engine.situation.contrasts import Contrast, class_index
from biasaudit.engine.situation.situation import CONFIRMATION, MAPS, Question, Situation, default_checks
from biasaudit.error_rates import Setting, carries_weight, error_rates, weight_text
from biasaudit.protocol import ArmSettings
from biasaudit.records import REGIME_ORDER, ArmEvidence, Finding, Verdict
from biasaudit.stats.effects import balanced_accuracy, cramers_v
from biasaudit.stats.truth import Truth, bootstrap_truth, true_reliance
from biasaudit.verdict import Design, decide_contrasts, headline

__all__ = ["ArmResult", "Run", "to_confirm", "write_results"]

SCHEMA_VERSION = "1.0"
DESIGN_CODES = ("D1", "D2", "D3", "A3")
TRUTH_RESAMPLES = 200


@dataclass(frozen=True)
class Run:
    """A finished run: what was planned, and where the results lie."""

    situation: Situation
    plan: Plan
    store: Store

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """Every job by its key."""
        return {job.key: job for job in self.plan.jobs}

    @property
    def factors(self) -> tuple[str, ...]:
        """Origin factors, primary first."""
        return self.situation.cohort.factors

    def _recipe(self, arm: str) -> str:
        return next(own.recipe for own in self.situation.protocol.arms if own.name == arm)

    def findings(self, arm: str, factor: str) -> list[Finding]:
        """Return the findings of one arm and factor, all contrasts, in the order of the checks."""
        found: list[Finding] = []
        for code in self.situation.codes(self._recipe(arm)):
            for contrast in self.plan.contrasts:
                path = self.store.folder(self.plan.judgement(arm, factor, code, contrast.name)) / "findings.json"
                found.extend(Finding.from_dict(record) for record in read_json(path))
        return found

    def evidence(
        self, arm: str, factor: str, contrast: str | None = None, *, code: str = "", with_maps: bool = False
    ) -> ArmEvidence:
        """Gather again what the checks of one arm, factor and contrast looked at, or what one of them (code) did."""
        code = code or default_checks(self.situation.protocol)[0]
        job = self.jobs[self.plan.judgement(arm, factor, code, contrast)]
        needs = self.store.needs(job)
        return assemble(job.arguments, needs, with_maps=with_maps and "maps" in needs)

    def truth(self, recipe: str, factor: str) -> Truth | None:
        """Planted truth of a simulated cohort, from the margins of all folds together."""
        margins = self._truth_margins(recipe)
        return None if margins is None else true_reliance(margins, *self._site_shares())

    def truth_errors(self, representation: str) -> tuple[float, float]:
        """Return the standard errors of R* and Omega*, which are known from a sample of anatomies only."""
        margins = self._truth_margins(representation)
        if margins is None:
            return np.nan, np.nan
        generator = seeds.generator(self.situation.protocol.folds.seed, "truth errors")
        return bootstrap_truth(margins, self._site_shares(), TRUTH_RESAMPLES, generator)

    def _truth_margins(self, representation: str) -> np.ndarray | None:
        keys = self.plan.truth.get(representation)
        return np.concatenate([np.load(self.store.folder(key) / "margins.npy") for key in keys]) if keys else None

    def _site_shares(self) -> tuple[np.ndarray, np.ndarray]:
        samples = self.situation.cohort.samples
        # The margins are in the order of the simulated sites, which sort by name.
        sites = sorted({str(sample.simulation["site"]) for sample in samples})
        counts = np.zeros((2, len(sites)))
        for sample in samples:
            counts[int(sample.positive), sites.index(str(sample.simulation["site"]))] += 1
        shares = counts / counts.sum(1, keepdims=True)
        return shares[0], shares[1]


@dataclass(frozen=True)
class ArmResult:
    """One arm: findings per factor, verdicts per factor and contrast, and the primary factor's evidence by contrast."""

    settings: ArmSettings
    findings: Mapping[str, list[Finding]]
    verdicts: tuple[Verdict, ...]
    evidence: Mapping[str | None, ArmEvidence]

    @property
    def name(self) -> str:
        """Name of the arm."""
        return self.settings.name

    @property
    def recipe(self) -> str:
        """What its target learned from."""
        return self.settings.recipe

    @property
    def headline(self) -> Verdict:
        """The worst verdict."""
        return headline(self.verdicts)

    @property
    def shown(self) -> ArmEvidence:
        """Evidence of the headline's contrast (primary factor)."""
        return self.evidence[self.headline.contrast]


def write_results(run: Run, started: datetime) -> dict[str, Any]:
    """Decide, and write every file of a run but the report.

    Returns
    -------
    dict
        What ``audit.json`` holds; it is written last, so that its presence says that the run is complete.
    """
    arms = [_arm_result(run, arm) for arm in run.situation.protocol.arms]
    comparisons = [
        comparison
        for contrast in run.plan.contrasts
        for comparison in compare_arms([arm.evidence[contrast.name] for arm in arms], run)
    ]
    write_tables(run, arms, comparisons)
    write_maps(run, arms)
    write_differences(run, arms)
    write_learned(run)
    _write_models(run)
    design = _design(run, arms[0])
    records = [_arm_record(run, arm, position == 0) for position, arm in enumerate(arms)]
    compared = [comparison.to_dict() for comparison in comparisons]
    audit = {
        "schema_version": SCHEMA_VERSION,
        "biasaudit": _provenance(run, started),
        "name": run.situation.protocol.name,
        "cohort": _cohort(run.situation),
        "design": design,
        "arms": records,
        "comparisons": compared,
        "remedies": propose(
            records,
            compared,
            design["regime"],
            run.situation.protocol.verdict.delta,
            inputs=other_inputs(run.situation.cohort),
            ready_made=run.situation.ready_made,
        ),
        "checks": _check_texts(run, design["regime"]),
        "notes": [*run.situation.cohort.notes, *_survey(run)["notes"]],
        "limits": [*_withheld(arms), *_limits(run)],
        "settings": run.situation.protocol.model_dump(mode="json"),
        "environment": _environment(),
    }
    write_json(run.store.root / "audit.json", audit)
    return audit


def to_confirm(run: Run) -> frozenset[str]:
    """Return the recipes of arms with a PATHOLOGY among their verdicts, if it can be put to the spike-in test."""
    if not run.situation.confirms:
        return frozenset()
    return frozenset(
        arm.recipe
        for arm in run.situation.protocol.arms
        if any(verdict.word == "PATHOLOGY" for verdict in _verdicts(run, arm.name))
    )


def _withheld(arms: Sequence[ArmResult]) -> list[str]:
    """Say of which arms the attribution maps are not shown, since they failed G2."""
    return [
        f"The report withholds the attribution maps of the {arm.name} arm: {finding.reason}. "
        "Those in the folder `maps` are no evidence."
        for arm in arms
        for finding in next(iter(arm.findings.values()))
        if finding.code == "G2" and finding.status == "concern"
    ]


def _arm_result(run: Run, arm: ArmSettings) -> ArmResult:
    evidence = _by_contrast(run, arm.name, run.factors[0])
    findings = {factor: run.findings(arm.name, factor) for factor in run.factors}
    return ArmResult(arm, findings, _verdicts(run, arm.name), evidence)


def _verdicts(run: Run, name: str) -> tuple[Verdict, ...]:
    """Decide one arm, factor by factor and contrast by contrast."""
    verdicts: list[Verdict] = []
    for factor in run.factors:
        designs = {
            contrast: Design(own.regime, own.masks_given and _all_erasable(own), own.mask_is_complete)
            for contrast, own in _by_contrast(run, name, factor).items()
        }
        decided = decide_contrasts(run.findings(name, factor), designs, factor, run.situation.protocol)
        verdicts.extend(_weighed(verdict, designs[verdict.contrast].regime) for verdict in decided)
    return tuple(verdicts)


def _weighed(verdict: Verdict, regime: str) -> Verdict:
    """Leave checks that calibration found not to discriminate out of what corroborates."""
    kept = tuple(code for code in verdict.reliance.corroborated_by if carries_weight(code, regime) is not False)
    return replace(verdict, reliance=replace(verdict.reliance, corroborated_by=kept))


def _all_erasable(evidence: ArmEvidence) -> bool:
    """Whether erasure speaks of the whole rest: a claim about it cannot leave patients without masks out."""
    return evidence.erasable is None or bool(evidence.erasable.all())


def _by_contrast(run: Run, arm: str, factor: str) -> dict[str | None, ArmEvidence]:
    return {contrast.name: run.evidence(arm, factor, contrast.name) for contrast in run.plan.contrasts}


def _arm_record(run: Run, arm: ArmResult, primary: bool) -> dict[str, Any]:
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
                "reliance": verdict.reliance.to_dict(),
            }
            for verdict in arm.verdicts
        ],
        "findings": [finding.to_dict() for finding in findings],
    }


def _error_rates(run: Run, arm: ArmResult) -> dict[str, Any]:
    """Return what calibration measured for the cell that is nearest to this audit (primary factor)."""
    evidence, protocol = arm.shown, run.situation.protocol
    masks = "none" if not evidence.masks_given else "complete" if evidence.mask_is_complete else "incomplete"
    return error_rates(
        Setting(
            regime=evidence.regime,
            masks=masks,
            n=len(np.unique(evidence.subject)),
            dimensions=run.situation.cohort.dimensions,
            network="made elsewhere" if run.situation.ready_made else protocol.target.network,
            representation=arm.recipe,
            simulated=protocol.cohort.reader == "phantom",
            classes=len(run.situation.cohort.classes),
        )
    )


def _target(run: Run, arm: ArmResult) -> dict[str, Any]:
    """How well the target does: AUC of the headline's contrast and of every contrast, accuracy over all classes."""
    shown = _auc_of(arm, arm.headline.contrast)
    record: dict[str, Any] = {**shown, "balanced_accuracy": _balanced_accuracy(arm)}
    if len(run.plan.contrasts) > 1:
        record["contrasts"] = {str(contrast.name): _auc_of(arm, contrast.name) for contrast in run.plan.contrasts}
    return record


def _auc_of(arm: ArmResult, contrast: str | None) -> dict[str, float | None]:
    asked = (f for own in arm.findings.values() for f in own if f.code == "G1" and f.contrast == contrast)
    competence = next(asked, None)
    record = competence.to_dict() if competence else {"statistic": None, "low": None, "high": None}
    return {"auc": record["statistic"], "auc_low": record["low"], "auc_high": record["high"]}


def _balanced_accuracy(arm: ArmResult) -> float:
    """Mean over classes of the share of subjects that are put in their own class."""
    if None in arm.evidence:
        return float(balanced_accuracy(arm.evidence[None].logit > 0, arm.evidence[None].positive))
    names = [name for name in arm.evidence if name is not None]
    # The odds of the healthy contrast are turned; the class of the largest odds is that of the largest logit.
    odds = np.stack([arm.evidence[name].logit * (-1 if number == 0 else 1) for number, name in enumerate(names)])
    chosen, truth = np.array(names)[odds.argmax(axis=0)], arm.evidence[names[0]].label
    return float(np.mean([(chosen[truth == name] == name).mean() for name in names]))


def _estimate_of(findings: Sequence[Finding], code: str) -> dict[str, float | None] | None:
    """Return the largest estimate of one check over classes and factors, with its interval."""
    known = [finding.to_dict() for finding in findings if finding.code == code and finding.statistic is not None]
    largest = max(known, key=lambda record: record["statistic"], default=None)
    return largest and {"estimate": largest["statistic"], "low": largest["low"], "high": largest["high"]}


def _truth_records(truths: Mapping[str, Truth | None]) -> dict[str, Any] | None:
    known = {factor: truth for factor, truth in truths.items() if truth is not None}
    if not known:
        return None
    return {
        factor: {
            "omega": None if np.isnan(truth.origin_share) else truth.origin_share,
            "r": None if np.isnan(truth.sensitivity) else truth.sensitivity,
            "gap": truth.gap,
            "auc_one_site": truth.auc_one_site,
        }
        for factor, truth in known.items()
    }


def _cohort(situation: Situation) -> dict[str, Any]:
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
        "grid": situation.grid.to_dict(),
    }


def _design(run: Run, arm: ArmResult) -> dict[str, Any]:
    """Return the design part of the contract (primary factor), and every factor's own under `factors`."""
    records = {factor: _factor_design(run, arm, factor) for factor in run.factors}
    findings = [finding.to_dict() for own in arm.findings.values() for finding in own if finding.code in DESIGN_CODES]
    return {**records[run.factors[0]], "findings": findings, "factors": records}


def _factor_design(run: Run, arm: ArmResult, factor: str) -> dict[str, Any]:
    evidence = arm.evidence if factor == run.factors[0] else _by_contrast(run, arm.name, factor)
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


def _hardest(regimes: Sequence[str]) -> str:
    """Return the regime that allows least: one contrast that cannot be answered leaves the audit open."""
    return min(regimes, key=REGIME_ORDER.index)


def _counts(origins: np.ndarray) -> dict[str, int]:
    return {str(origin): int((origins == origin).sum()) for origin in sorted(set(origins.tolist()))}


def _check_texts(run: Run, regime: str) -> dict[str, dict[str, str]]:
    texts = {}
    for code in dict.fromkeys(key[2] for key in run.plan.judged):
        check = registry.get("check", code)
        texts[code] = {
            "title": check.title,
            "question": check.question,
            "why": check.why,
            "kind": check.kind,
            "weight": weight_text(code, regime),
        }
    return texts


def _limits(run: Run) -> list[str]:
    limits = [
        "Error rates were measured on simulated brain images with a small network; real images differ.",
        "Attribution maps illustrate what the statistics establish; they are no evidence by themselves.",
    ]
    if not any(key[2] == CONFIRMATION for key in run.plan.judged):
        limits.append("The spike-in test of power on this very cohort (G3) has not been run; it counts as open.")
    if run.situation.ready_made:
        limits.append(
            "The target was made outside of this audit. That its held-out subjects are held out is the word of who "
            "made it; what retrains the target (U10, U11, G3) was not asked."
        )
    if any(arm.representation == "tissue" for arm in run.situation.protocol.arms) and not all(
        sample.tissue for sample in run.situation.cohort.samples
    ):
        limits.append(
            "Tissue maps were computed by a Gaussian mixture with MNI152 priors, without bias-field correction or "
            "registration: an approximation."
        )
    if any(arm.representation == MAPS for arm in run.situation.protocol.arms):
        limits.append(
            "Maps given as files cannot be made again from an edited image: erasure (U4, A2) filled the masks in the "
            "maps, and what the pathology did to them beyond the masks was left."
        )
    if not run.plan.masks_given:
        limits.append(_unmarked(run.plan.marked))
    if len(run.plan.contrasts) > 1:
        limits.append("Calibration covers two classes; the error rates of several contrasts were not measured.")
    return limits


def _unmarked(marked: Sequence[str]) -> str:
    if not marked:
        return "Without a pathology mask for every patient nothing could be erased: U4 and U6 were not asked."
    return (
        f"Only {', '.join(marked)} had a pathology mask for every patient: erasure was asked of no other class, and "
        "compared with no other patients."
    )


def _provenance(run: Run, started: datetime) -> dict[str, Any]:
    situation = run.situation
    samples = zip(situation.cohort.samples, situation.folds, strict=True)
    rows = [[sample.subject, sample.label, dict(sample.origins), fold] for sample, fold in samples]
    return {
        "version": version("biasaudit"),
        "protocol_sha256": digest(situation.protocol.model_dump(mode="json")),
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


def _survey(run: Run) -> dict[str, Any]:
    return read_json(run.store.folder(run.plan.survey) / "survey.json")  # type: ignore[no-any-return]


def _write_models(run: Run) -> None:
    """Copy the trained targets of every arm, named for people; `predict` reads `models/index.json`."""
    folder = run.store.root / "models"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    index = []
    for arm in run.situation.protocol.arms:
        for fold, keys in enumerate(run.plan.models[Question("target", arm.recipe)]):
            for number, key in enumerate(keys):
                name = f"{arm.name}_fold-{fold + 1}_seed-{number + 1}"
                for suffix in (".safetensors", ".json"):
                    shutil.copyfile(run.store.folder(key) / f"model{suffix}", folder / f"{name}{suffix}")
                index.append({"arm": arm.name, "fold": fold + 1, "seed": number + 1, "weights": f"{name}.safetensors"})
    write_json(folder / "index.json", index)
