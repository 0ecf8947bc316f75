"""Cohorts kept apart from the calibration: real brains and lesions, other signatures, files and a table.

    python benchmarks/held_apart.py OUT [OPENMS]

prints the table and writes OUT/rows.tsv and OUT/rows.json. What OUT holds already is judged again, not trained again.

Each cohort is written as NIfTI, audited by the ordinary pipeline, and judged with and without its masks. Its truth
follows from the audit's own networks and held-out anatomies at every site, with and without lesions.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import apart_images as images
import nibabel as nib
import numpy as np
from audits import number

from biasaudit import seeds
from biasaudit.calibration.cohort import without_masks
from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.plan import ArmContrast, finished_survey, plan_audit, plan_reading
from biasaudit.engine.results.run import Run
from biasaudit.engine.situation.situation import default_checks
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_network
from biasaudit.engine.validation.situate import situate
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Grid, Sample, SignatureTransfer, Verdict
from biasaudit.registry import get
from biasaudit.stats.truth import Truth, true_reliance
from biasaudit.verdict import Design, decide

OPENMS = Path(__file__).resolve().parents[2] / "shared" / "data" / "openms"
TRUTH_SUBJECTS = 12
BULKY = ("represent",)
SITES = {
    "crossed": {"s1": 0.0, "s2": 1.0},
    "aliased": {"s1": 0.0, "s2": 1.0},
    "nested": {"a1": 0.0, "a2": 0.15, "b1": 0.85, "b2": 1.0},
}


@dataclass(frozen=True)
class Spec:
    """One cohort; `severity` is the log ratio of the load between sites, `atrophy` the unmarked disease."""

    name: str
    design: str
    n: int
    kinds: Mapping[str, float] = field(default_factory=dict)
    confounding: float = 0.0
    load: float = 2.0
    severity: float = 0.0
    atrophy: float = 0.0
    seed: int = 1


@dataclass(frozen=True)
class Subject:
    traits: images.Traits
    positive: bool
    site: str

    @property
    def name(self) -> str:
        return f"sub-{self.traits.index:04d}"


def specs() -> list[Spec]:
    """Designs, kinds and empty cohorts, taking turns so that any first part is a fair sample."""
    found = [
        Spec("aliased-tone", "aliased", 200, {"tone": 0.5}),
        Spec("nested-null", "nested", 200),
        Spec("crossed-tone-c0", "crossed", 200, {"tone": 1.0}),
        Spec("aliased-ghost", "aliased", 160, {"ghost": 0.5}),
        Spec("nested-shading", "nested", 200, {"shading": 0.6}),
        Spec("crossed-null-severity", "crossed", 200, severity=0.5),
        Spec("aliased-null", "aliased", 240),
        Spec("nested-thickness", "nested", 160, {"thickness": 1.0}),
        Spec("crossed-ringing-c8", "crossed", 200, {"ringing": 1.0}, 0.8),
        Spec("aliased-haze", "aliased", 200, {"haze": 0.7}),
        Spec("nested-null-severity", "nested", 200, severity=0.5),
        Spec("crossed-remnant-c4", "crossed", 160, {"remnant": 0.8}, 0.4),
        Spec("aliased-motion", "aliased", 160, {"motion": 0.8}),
        Spec("nested-ghost", "nested", 200, {"ghost": 0.8}),
        Spec("crossed-null-c8", "crossed", 240, confounding=0.8),
        Spec("aliased-null-atrophy", "aliased", 200, atrophy=0.12),
        Spec("nested-zoom", "nested", 160, {"zoom": 1.0}),
        Spec("crossed-shading-c8", "crossed", 160, {"shading": 1.0}, 0.8),
        Spec("aliased-ringing", "aliased", 200, {"ringing": 0.8}),
        Spec("nested-null-atrophy", "nested", 200, atrophy=0.12),
        Spec("crossed-haze-c4", "crossed", 200, {"haze": 0.6, "motion": 0.5}, 0.4),
        Spec("aliased-quantise", "aliased", 160, {"quantise": 0.8}),
        Spec("nested-remnant", "nested", 160, {"remnant": 0.8}),
        Spec("crossed-thickness-c8", "crossed", 160, {"thickness": 0.8}, 0.8),
        Spec("aliased-zoom", "aliased", 200, {"zoom": 0.7}),
        Spec("nested-haze", "nested", 200, {"haze": 1.2}),
        Spec("crossed-quantise-c8", "crossed", 200, {"quantise": 0.8}, 0.8),
        Spec("aliased-shading", "aliased", 160, {"shading": 0.3}),
        Spec("nested-motion", "nested", 200, {"motion": 1.0}),
        Spec("crossed-ghost-c0", "crossed", 160, {"ghost": 0.6}),
        Spec("aliased-remnant", "aliased", 200, {"remnant": 0.4}),
        Spec("nested-tone", "nested", 160, {"tone": 1.2}),
        Spec("aliased-thickness", "aliased", 200, {"thickness": 0.6}),
        Spec("nested-ringing", "nested", 200, {"ringing": 1.2}),
        Spec("aliased-tone-ghost", "aliased", 300, {"tone": 0.6, "ghost": 0.4}, load=2.6),
        Spec("nested-quantise", "nested", 160, {"quantise": 1.0}),
        Spec("aliased-null-small", "aliased", 120, load=2.6),
        Spec("nested-shading-weak", "nested", 240, {"shading": 0.15}, load=2.6),
    ]
    return [replace(spec, seed=seeds.seed(20261130, "apart", spec.name) % 2**32) for spec in found]


def study(scratch: Path) -> str:
    head = [
        "## Cohorts kept apart from the calibration\n",
        "Command: `python benchmarks/run.py held_apart` (skipped where the images are not at hand).\n",
    ]
    if not OPENMS.exists():
        return "\n".join([*head, "The images were not at hand.\n"])
    return "\n".join([*head, table(trial(scratch, OPENMS))]) + "\n"


def trial(out: Path, openms: Path) -> list[dict[str, Any]]:
    """Audit every cohort that has no record yet; one row per cohort and mask variant."""
    library, rows = images.load_library(openms), []
    for spec in specs():
        evidence = out / spec.name / "evidence.npz"
        own = judged_again(spec, out / spec.name) if evidence.exists() else audited(spec, library, out / spec.name)
        rows += own
        save(rows, out)
    return rows


def audited(spec: Spec, library: images.Library, folder: Path) -> list[dict[str, Any]]:
    shutil.rmtree(folder, ignore_errors=True)
    people = subjects(spec)
    write_cohort(spec, people, library, folder / "cohort")
    protocol = protocol_of(spec, folder / "cohort" / "table.tsv")
    with one_thread():
        run_audit(protocol, folder / "run", Options())
        run = finished(protocol, folder / "run")
        margins = counterfactual_margins(spec, people, library, folder / "run")
    which = ArmContrast("intensity", "site")
    evidence = run.evidence(which, run.plan.evidence[which].needs)
    np.save(folder / "margins.npy", margins)
    save_evidence(evidence, folder / "evidence.npz")
    for job in run.plan.jobs:
        if job.step in BULKY:
            shutil.rmtree(run.store.folder(job.key), ignore_errors=True)
    shutil.rmtree(folder / "cohort" / "images")
    return judged(spec, evidence, truth_of(spec, people, margins), protocol)


def judged_again(spec: Spec, folder: Path) -> list[dict[str, Any]]:
    """Judge stored evidence by the checks as they are now."""
    truth = truth_of(spec, subjects(spec), np.load(folder / "margins.npy"))
    return judged(spec, load_evidence(folder / "evidence.npz"), truth, protocol_of(spec, folder / "table.tsv"))


def subjects(spec: Spec) -> list[Subject]:
    """Half of them ill; the class decides about the site as the design says."""
    chance = np.random.default_rng([spec.seed, 10])
    found = []
    for index in range(spec.n):
        positive = index % 2 == 1
        site = _site(spec, positive, chance)
        place = {"s1": -1, "s2": 1, "a1": -1, "a2": 1, "b1": -1, "b2": 1}[site]
        load = spec.load * float(np.exp(0.5 * spec.severity * place))
        found.append(Subject(images.Traits(index, load, spec.atrophy), positive, site))
    return found


def _site(spec: Spec, positive: bool, chance: np.random.Generator) -> str:
    if spec.design == "aliased":
        return "s2" if positive else "s1"
    if spec.design == "nested":
        return str(chance.choice(["b1", "b2"] if positive else ["a1", "a2"]))
    share = 0.5 + (0.5 if positive else -0.5) * spec.confounding
    return "s2" if chance.random() < share else "s1"


def rendered(
    spec: Spec, subject: Subject, library: images.Library, pathology: bool, sites: Sequence[str]
) -> Iterator[tuple[images.Array, np.ndarray]]:
    head = images.anatomy(library, subject.traits, spec.seed, pathology=pathology)
    for site in sites:
        place = SITES[spec.design][site]
        values = {kind: images.site_value(kind, size, place, spec.seed) for kind, size in spec.kinds.items()}
        yield images.acquire(head, values, subject.traits, spec.seed)


def write_cohort(spec: Spec, people: Sequence[Subject], library: images.Library, folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    rows = []
    for subject in people:
        ((image, mask),) = rendered(spec, subject, library, subject.positive, [subject.site])
        paths = {"image": f"images/{subject.name}.nii", "mask": ""}
        write_image(image, library, folder / paths["image"])
        if subject.positive:
            paths["mask"] = f"images/{subject.name}_mask.nii"
            write_image(mask.astype(np.uint8), library, folder / paths["mask"])
        label = "patient" if subject.positive else "healthy"
        rows.append({"subject": subject.name, **paths, "label": label, "site": subject.site})
    write_table(rows, folder / "table.tsv")


def write_image(values: np.ndarray, library: images.Library, path: Path) -> None:
    nib.save(nib.Nifti1Image(values, library.affine), path)


def write_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), delimiter="\t", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def protocol_of(spec: Spec, manifest: Path) -> Protocol:
    checks = ["D1", "G1", "U1", "U3", "U4"] if spec.design == "crossed" else ["D1", "G1", "A2", "U1", "U3", "U4", "U5"]
    return Protocol.model_validate(
        {
            "name": spec.name,
            "cohort": {
                "reader": "table",
                "table": str(manifest),
                "label": {"column": "label", "positive": "patient"},
                "origins": ["site"],
                "mask_is_complete": spec.atrophy == 0,
            },
            "target": {"training": {"epochs": 15}},
            "folds": {"n": 3, "seed": spec.seed},
            "checks": checks,
            "statistics": {"n_permutations": 999, "n_bootstraps": 999},
        }
    )


def finished(protocol: Protocol, out: Path) -> Run:
    store = Store(out)
    situation, _ = situate(protocol)
    return Run(situation, plan_audit(situation, finished_survey(store, plan_reading(situation))), store)


def counterfactual_margins(spec: Spec, people: Sequence[Subject], library: images.Library, run: Path) -> np.ndarray:
    """Margins (anatomies, 2, sites) by the networks that held the anatomy out, images read as the audit reads them."""
    grid = images_grid(run)
    folds = {row["subject"]: int(row["fold"]) for row in read_table(run / "tables" / "subjects.tsv")}
    reader, path, margins = get("reader", "table")(), run / "counterfactual.nii", []
    for record in read_json(run / "models" / "index.json"):
        network = load_network(run / "models" / record["weights"])
        for subject in held_out(people, folds, record["fold"]):
            inputs = []
            for pathology in (False, True):
                for image, _ in rendered(spec, subject, library, pathology, list(SITES[spec.design])):
                    write_image(image, library, path)
                    sample = Sample(subject.name, (str(path),), "", False, {})
                    inputs.append(transform("intensity", reader.load(sample, grid, "auto"), grid))
            margins.append(predict_rows([network], np.stack(inputs))[:, 0].reshape(2, -1))
    path.unlink()
    return np.stack(margins)


def images_grid(run: Path) -> Grid:
    return Grid.from_dict(read_json(run / "audit.json")["cohort"]["grid"])


def held_out(people: Sequence[Subject], folds: Mapping[str, int], fold: int) -> list[Subject]:
    """As many of either class."""
    own = [subject for subject in people if folds[subject.name] == fold]
    half = TRUTH_SUBJECTS // 2
    return [s for s in own if s.positive][:half] + [s for s in own if not s.positive][:half]


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def truth_of(spec: Spec, people: Sequence[Subject], margins: np.ndarray) -> Truth:
    shares = [
        np.array([np.mean([s.site == site for s in people if s.positive == positive]) for site in SITES[spec.design]])
        for positive in (False, True)
    ]
    return true_reliance(margins, shares[0], shares[1])


def judged(spec: Spec, evidence: ArmEvidence, truth: Truth, protocol: Protocol) -> list[dict[str, Any]]:
    rows = []
    for masks, own in ((True, evidence), (False, without_masks(evidence))):
        findings = [f for code in asked(own, protocol) for f in get("check", code)().judge(own, protocol)]
        design = Design(own.regime, own.masks_given, own.mask_is_complete)
        verdict = decide(findings, design, "site", protocol)
        found = [finding.to_dict() for finding in findings]
        rows.append(
            {
                **{name: value for name, value in asdict(spec).items() if name != "kinds"},
                "kind": "+".join(spec.kinds) or "none",
                "strength": max(spec.kinds.values(), default=0.0),
                "masks": masks,
                "auc": next(f["statistic"] for f in found if f["code"] == "G1"),
                "auc_one_site": truth.auc_one_site,
                "r": truth.sensitivity,
                "omega": truth.origin_share,
                "gap": truth.gap,
                "reliance": verdict.reliance.to_dict(),
                **{code: _smallest(found, code) for code in ("U1", "U4", "U5")},
                "verdict": verdict.word,
                "outcome": outcome(verdict, truth),
                "reason": verdict.reason,
                "findings": found,
            }
        )
    return rows


def asked(evidence: ArmEvidence, protocol: Protocol) -> list[str]:
    """Checks of an ordinary run: no signature is transferred where complete masks answer."""
    answered = evidence.masks_given and evidence.mask_is_complete
    return [code for code in default_checks(protocol) if not (code == "U5" and answered)]


def _smallest(findings: Sequence[Mapping[str, Any]], code: str) -> float | None:
    """Smallest p-value of a check among its tests that may flag."""
    known = [f["p_value"] for f in findings if f["code"] == code and f["details"].get("may_flag")]
    return min((p for p in known if p is not None), default=None)


def outcome(verdict: Verdict, truth: Truth) -> str:
    """What a right verdict would have been, told from R*; between the limits anything but PATHOLOGY is allowed."""
    flagged, r = verdict.word in ("ORIGIN", "MIXED"), truth.sensitivity
    if np.isnan(r):
        return "no truth"
    if r >= 0.3 and verdict.word == "PATHOLOGY":
        return "FALSE PATHOLOGY"
    if r <= 0.05:
        return "FALSE FLAG" if flagged else "right" if verdict.word == "PATHOLOGY" else "open"
    if r >= 0.8 and flagged and verdict.word != "ORIGIN":
        return "only MIXED"
    if r >= 0.5:
        return "right" if flagged else "MISSED"
    return "between"


def save_evidence(evidence: ArmEvidence, path: Path) -> None:
    """Keep what the checks look at, so that changed checks can judge again without training."""
    arrays: dict[str, Any] = {}
    words: dict[str, Any] = {}
    for name, value in vars(evidence).items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif name in ("features", "reduced", "covariates"):
            arrays |= {f"{name}/{key}": own for key, own in value.items()}
        elif isinstance(value, SignatureTransfer):
            arrays |= {f"transfer/{key}": own for key, own in vars(value).items()}
        elif isinstance(value, str | bool | int | tuple) or name == "reduced_skipped":
            words[name] = value
    np.savez_compressed(path, words=json.dumps(words), **arrays)


def load_evidence(path: Path) -> ArmEvidence:
    stored = np.load(path)
    fields: dict[str, Any] = json.loads(str(stored["words"]))
    fields |= {"classes": tuple(fields["classes"]), "covariates": {}}
    for key in stored.files:
        name, _, part = key.partition("/")
        if part:
            fields.setdefault(name, {})[part] = stored[key]
        elif key != "words":
            fields[key] = stored[key]
    if "transfer" in fields:
        fields["transfer"] = SignatureTransfer(**fields["transfer"])
    return ArmEvidence(**fields)


COLUMNS = ("name", "design", "n", "kind", "strength", "confounding", "masks")


def save(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    (out / "rows.json").write_text(json.dumps(rows, indent=1))
    write_table([_flat(row) for row in rows], out / "rows.tsv")


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    reliance = row["reliance"]
    shown = "-" if reliance["estimate"] is None else (
        f"{reliance['from']} {number(reliance['estimate'])} [{number(reliance['low'])}, {number(reliance['high'])}]"
    )  # fmt: skip
    return {
        **{name: row[name] for name in COLUMNS},
        "AUC": number(row["auc"]),
        "AUC, one site": number(row["auc_one_site"]),
        "R*": number(row["r"]),
        "Omega*": number(row["omega"]),
        "reliance": shown,
        **{f"p {code}": number(row[code], 3) for code in ("U1", "U4", "U5")},
        "verdict": row["verdict"],
        "outcome": row["outcome"],
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    flat = [_flat(row) for row in rows]
    lines = ["| " + " | ".join(flat[0]) + " |", "|" + "---|" * len(flat[0])]
    return "\n".join(lines + ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in flat])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(table(trial(folder, Path(sys.argv[2]) if len(sys.argv) > 2 else OPENMS)))
