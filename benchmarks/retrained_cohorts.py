"""Semi-synthetic cohorts of `retrained.py`: one audit of several seeds, and what every single network answers."""

from __future__ import annotations

import pickle
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from real_audits import Audited, audit, protocol
from real_cohorts import Cohort, Subject, cohort_of, levels, rows_of, shares, write_picture
from real_specs import CHOOSING, FIELDS, JUDGING, KINDS, MASTER, MOST, SITES, Spec, _disease

from biasaudit import seeds
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_network
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Probes

NETWORKS = 5
"""Seeds per fold: those that an audit has, and others that its intervals are to cover."""
SIZE, PROBES, FOLDS = 100, 20, 3


@dataclass(frozen=True)
class Retrained:
    """One cohort and what its networks answer.

    `spec` has a name and a group; `margins` (subjects, 2, sites, seeds) without and with disease, by the network that
    held the subject out; `probes` (probes, folds, seeds); `shares` (2, sites) how the healthy and the patients are
    spread over the sites.
    """

    spec: Any
    evidence: ArmEvidence
    margins: NDArray[np.float64]
    probes: NDArray[np.float64]
    shares: NDArray[np.float64]
    seconds: tuple[float, float]

    def with_seeds(self, *numbers: int) -> ArmEvidence:
        """The evidence of an audit whose networks had these seeds, their logits averaged."""
        own, chosen = self.evidence, list(numbers)
        site = np.array([SITES.index(str(name)) for name in own.origin])
        logits = self.margins[np.arange(site.size), own.positive.astype(int), site][:, chosen]
        several = len(chosen) > 1
        given = replace(own, logit=logits.mean(axis=1), logit_by_seed=logits if several else None)
        return replace(given, probes=self._probes(chosen)) if self.probes.size else given

    def _probes(self, chosen: list[int]) -> Probes:
        k, by_network = len(self.probes), self.probes[:, :, chosen]
        return Probes(
            subject=np.array([f"probe {number}" for number in range(k)]),
            label=np.full(k, self.evidence.classes[0]),
            positive=np.zeros(k, dtype=bool),
            origin=np.full(k, SITES[1]),
            logit=by_network.mean(axis=(1, 2)),
            twin_of=np.full(k, ""),
            by_network=by_network if len(chosen) > 1 else None,
        )


def specs(each: int = 16) -> list[Spec]:
    """Choosing and judging, crossed and aliased, `each` of every combination, taking turns."""
    groups = (("choosing", CHOOSING), ("judging", JUDGING[:2]))
    return [
        _spec(group, sources[number % 2], design, number)
        for number in range(each)
        for group, sources in groups
        for design in ("crossed", "aliased")
    ]


def _spec(group: str, source: str, design: str, number: int) -> Spec:
    name = f"seeds-{group}-{source.replace('/', '-')}-{design}-{number:02d}"
    chance = seeds.generator(MASTER, name)
    kinds = [kind for kind in KINDS[group] if kind != "cast" or source.startswith("ham")]
    kind = kinds[int(chance.integers(len(kinds)))]
    strength = float(np.exp(chance.uniform(np.log(0.3), np.log(2.8)))) * (1.5 if source.startswith("ham") else 1.0)
    return Spec(
        name,
        group,
        "seeds",
        source,
        n=SIZE,
        design=design,
        disease=_disease(group, "driven", source, number, chance),
        field=FIELDS[source.split("/")[0]][0],
        kinds={} if number == 0 else {kind: min(strength, MOST[group].get(kind, strength))},
        confounding=float(chance.uniform(0.2, 0.9)) if design == "crossed" else 0.0,
        seed=seeds.seed(MASTER, name, "cohort") % 2**32,
    )


def protocol_of(spec: Spec, folder: Path) -> Protocol:
    plan = protocol(spec.name, folder, spec.seed, field=None, probes=False, folds=FOLDS)
    training = plan.target.training.model_copy(update={"seeds": NETWORKS})
    target = plan.target.model_copy(update={"training": training})
    return plan.model_copy(update={"target": target, "checks": ["D1", "G1", "U1"]})


def made(spec: Spec, folder: Path) -> Retrained:
    """Read a cohort that was made before, or write it, train and score."""
    kept = folder / f"{spec.name}.pickle"
    if not kept.exists():
        found = _make(spec, folder / spec.name)
        kept.write_bytes(pickle.dumps(found))
        shutil.rmtree(folder / spec.name)
    return pickle.loads(kept.read_bytes())


def _make(spec: Spec, folder: Path) -> Retrained:
    shutil.rmtree(folder, ignore_errors=True)
    cohort, tables = cohort_of(spec), folder / "cohort"
    (tables / "images").mkdir(parents=True)
    started = time.process_time()
    with audit(protocol_of(spec, tables), (rows_of(spec, cohort.people, tables), []), folder) as audited:
        trained = time.process_time()
        margins, probes = _answers(spec, cohort, audited)
        spread = np.stack(shares(cohort.people))
        seconds = trained - started, time.process_time() - trained
        return Retrained(spec, audited.evidence, margins, probes, spread, seconds)


def _answers(spec: Spec, cohort: Cohort, audited: Audited) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Margins of the subjects with and without disease at every site, and of the healthy probes at theirs."""
    read, folds, path = audited.networks.read, audited.networks.folds, audited.folder / "rendered.png"

    def inputs(subject: Subject, conditions: Sequence[tuple[bool, str]]) -> Iterator[Any]:
        for ill, site in conditions:
            write_picture(levels(spec, subject, ill, site), path)
            yield read(path)

    conditions = [(ill, site) for ill in (False, True) for site in SITES]
    people = np.stack([np.stack(list(inputs(subject, conditions))) for subject in cohort.people])
    own_fold = np.array([folds[subject.name] for subject in cohort.people])
    probes = [next(inputs(subject, [(False, SITES[1])])) for subject in cohort.probes[:PROBES]]
    margins = np.full((len(people), 2, len(SITES), NETWORKS), np.nan)
    answered = np.full((len(probes), FOLDS, NETWORKS), np.nan)
    for record in read_json(audited.folder / "run" / "models" / "index.json"):
        network = load_network(audited.folder / "run" / "models" / record["weights"])
        rows, seed = np.flatnonzero(own_fold == record["fold"]), record["seed"] - 1
        found = predict_rows([network], people[rows].reshape(-1, *people.shape[2:]))[:, 0]
        margins[rows, :, :, seed] = found.reshape(len(rows), 2, len(SITES))
        if probes:
            answered[:, record["fold"] - 1, seed] = predict_rows([network], np.stack(probes))[:, 0]
    return margins, answered
