"""Embeddings of real pictures with planted diseases and signatures: is their audit right about what their reader reads?

The embedding is that of an untrained convolutional network, means and spreads of its channels: it knows nothing of the
disease, and shows both. The truth is known by rendering: pictures with and without either, embedded alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from held_apart import finished, read_table, write_table
from numpy.typing import NDArray
from real_audits import truth_record
from real_cohorts import Subject, cohort_of, levels, shares
from real_specs import SITES, Spec

from biasaudit.cohort.readers.features import feature_spread
from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.plan import ArmContrast
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_network
from biasaudit.networks.cnn import cnn
from biasaudit.protocol import Protocol
from biasaudit.registry import get

CHECKS = ("D1", "D2", "G1", "U1", "U9", "U15")


@cache
def _network() -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return cnn(2, 1, 2).eval()


def embedded(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Means and standard deviations of all channels of all blocks, (pictures, dimensions)."""
    images = torch.from_numpy(np.stack(pictures).astype(np.float32))
    images = (images - images.mean((1, 2, 3), keepdim=True)) / images.std((1, 2, 3), keepdim=True)
    found = []
    with torch.no_grad():
        for block in _network().blocks:  # type: ignore[union-attr]
            images = block(images)
            found += [images.mean((2, 3)), images.std((2, 3))]
    return torch.cat(found, dim=1).numpy().astype(np.float64)


def row_of(spec: Spec, folder: Path) -> dict[str, Any]:
    """Audit the embeddings of one cohort, and tell the truth of its networks."""
    started = time.process_time()
    people = cohort_of(spec).people
    folder.mkdir(parents=True)
    rows = [
        {"subject": own.name, "label": "patient" if own.positive else "healthy", "origin": own.site} for own in people
    ]
    write_table(rows, folder / "table.tsv")
    values = embedded([levels(spec, own, own.ill, own.site) for own in people])
    np.savez(folder / "embeddings.npz", embeddings=values, subject=[own.name for own in people])
    plan = protocol_of(spec, folder)
    run_audit(plan, folder / "run", Options())
    audited, which = finished(plan, folder / "run"), ArmContrast("features", "origin")
    truth = truth_record(_margins(spec, people, values, folder / "run"), *shares(people))
    evidence = audited.evidence(which, audited.plan.evidence[which].needs)
    found = [finding.to_dict() for code in CHECKS for finding in get("check", code)().judge(evidence, plan)]
    verdict = json.loads((folder / "run" / "audit.json").read_text())["arms"][0]["verdict"]
    seconds = round(time.process_time() - started, 1)
    return {"name": spec.name, "r": truth["r"], "verdict": verdict, "findings": found, "seconds": seconds}


def protocol_of(spec: Spec, folder: Path) -> Protocol:
    return Protocol.model_validate(
        {
            "name": spec.name,
            "cohort": {
                "reader": "table",
                "table": str(folder / "table.tsv"),
                "features": str(folder / "embeddings.npz"),
                "label": {"column": "label", "positive": "patient", "negative": "healthy"},
                "origins": ["origin"],
            },
            "target": {"training": {"epochs": 40, "batch_size": 16, "weight_decay": 0.1}},
            "folds": {"n": 3, "seed": spec.seed},
            "checks": list(CHECKS),
            "statistics": {"n_permutations": 499, "n_bootstraps": 499},
        }
    )


def _margins(spec: Spec, people: Sequence[Subject], values: NDArray[np.float64], run: Path) -> NDArray[np.float64]:
    """Held-out margins (subjects, 2, sites), every subject without and with its disease, as of each site."""
    spread, centre = feature_spread(values), np.median(values, axis=0)
    kept = spread > 0
    folds = {row["subject"]: int(row["fold"]) for row in read_table(run / "tables" / "subjects.tsv")}
    records = json.loads((run / "models" / "index.json").read_text())
    networks = {record["fold"]: load_network(run / "models" / record["weights"]) for record in records}
    found = np.empty((len(people), 2, len(SITES)))
    for row, subject in enumerate(people):
        cells = [levels(spec, subject, ill, site) for ill in (False, True) for site in SITES]
        inputs = (((embedded(cells) - centre) / np.where(kept, spread, 1.0))[:, kept]).astype(np.float32)
        scores = predict_rows([networks[folds[subject.name]]], inputs[:, None, :, None])[:, 0]
        found[row] = scores.reshape(2, len(SITES))
    return found
