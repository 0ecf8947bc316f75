"""Audit the tables of one cohort in this process, score images by its networks, and keep what judging again needs."""

from __future__ import annotations

import json
import pickle
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from held_apart import finished, images_grid, read_table, write_table
from numpy.typing import NDArray
from real_specs import CHECKS

from biasaudit import seeds
from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.plan import ArmContrast
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_network
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Grid, Sample
from biasaudit.registry import get
from biasaudit.stats.truth import bootstrap_truth, true_reliance

_RESAMPLES = 200


def protocol(
    name: str,
    folder: Path,
    seed: int,
    *,
    field: Any,
    probes: bool,
    grey: bool = False,
    folds: int = 3,
    checks: Sequence[str] = CHECKS,
) -> Protocol:
    """The protocol of every cohort here; the tables lie in `folder`."""
    return Protocol.model_validate(
        {
            "name": name,
            "cohort": {
                "reader": "table",
                "table": str(folder / "table.tsv"),
                "label": {"column": "label", "positive": "patient", "negative": "healthy"},
                "origins": ["origin"],
                "field": field,
                "probes": {"table": str(folder / "probes.tsv")} if probes else None,
                **({"colour": "grey"} if grey else {}),
            },
            "target": {"training": {"epochs": 15}},
            "folds": {"n": folds, "seed": seed},
            "checks": list(checks),
            "statistics": {"n_permutations": 999, "n_bootstraps": 999},
        }
    )


class Networks:
    """The networks of a finished audit, and images as it reads them."""

    def __init__(self, run: Path, plan: Protocol) -> None:
        self.grid: Grid = images_grid(run)
        self._colour = tuple(read_json(run / "audit.json")["cohort"]["colour"])
        self.folds = {row["subject"]: int(row["fold"]) for row in read_table(run / "tables" / "subjects.tsv")}
        records = read_json(run / "models" / "index.json")
        self.by_fold = {record["fold"]: load_network(run / "models" / record["weights"]) for record in records}
        self._foreground = plan.cohort.foreground
        self._reader = get("reader", "table")()

    def read(self, path: Path) -> NDArray[np.float32]:
        sample = Sample(path.stem, (str(path),), "", False, {}, colour=self._colour)
        volume = self._reader.load(sample, self.grid, self._foreground)
        return np.asarray(transform("intensity", volume, self.grid))

    def margins(self, inputs: NDArray[np.float32], folds: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Margins (images,): by the network of the fold that held the image out, or the mean over all."""
        if folds is None:
            return predict_rows(list(self.by_fold.values()), inputs)[:, 0]
        found = np.empty(len(inputs))
        for fold, network in self.by_fold.items():
            rows = np.flatnonzero(np.asarray(folds) == fold)
            if len(rows):
                found[rows] = predict_rows([network], inputs[rows])[:, 0]
        return found


@dataclass(frozen=True)
class Audited:
    """A finished audit in `folder`/run."""

    plan: Protocol
    folder: Path
    started: float

    @cached_property
    def networks(self) -> Networks:
        return Networks(self.folder / "run", self.plan)

    @cached_property
    def evidence(self) -> ArmEvidence:
        run, which = finished(self.plan, self.folder / "run"), ArmContrast("intensity", "origin")
        return run.evidence(which, run.plan.evidence[which].needs)

    def keep(self, truth: Mapping[str, Any], margins: NDArray[np.float64]) -> None:
        """Store what judging again needs; everything else goes when the block ends."""
        (self.folder / "evidence.pickle").write_bytes(pickle.dumps(self.evidence))
        np.save(self.folder / "margins.npy", margins)
        known = {**truth, "seconds": time.process_time() - self.started}
        (self.folder / "truth.json").write_text(json.dumps(known))


@contextmanager
def audit(
    plan: Protocol, rows: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], folder: Path
) -> Iterator[Audited]:
    """Write the tables of subjects and probes, run the audit, and drop the images and the run at the end."""
    started = time.process_time()
    for table, own in zip(("table.tsv", "probes.tsv"), rows, strict=True):
        if own:
            write_table(own, folder / "cohort" / table)
    with one_thread():
        run_audit(plan, folder / "run", Options())
        yield Audited(plan, folder, started)
    for bulky in ("run", "cohort"):
        shutil.rmtree(folder / bulky)


def truth_record(
    margins: NDArray[np.float64], healthy: NDArray[np.float64], patients: NDArray[np.float64]
) -> dict[str, float | None]:
    """R*, Omega* and competence of the network, with standard errors over anatomies."""
    truth = true_reliance(margins, healthy, patients)
    generator = seeds.generator(1, "real images", "truth errors")
    r_error, omega_error = bootstrap_truth(margins, healthy, patients, _RESAMPLES, generator)
    found = {
        "r": truth.sensitivity,
        "omega": truth.origin_share,
        "gap": truth.gap,
        "auc_one_site": truth.auc_one_site,
        "r_error": r_error,
        "omega_error": omega_error,
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in found.items()}


def stored(folder: Path) -> tuple[ArmEvidence, dict[str, Any]]:
    return pickle.loads((folder / "evidence.pickle").read_bytes()), json.loads((folder / "truth.json").read_text())
