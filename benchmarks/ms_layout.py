"""The published case, simulated as files: healthy subjects of three sites (IXI) against patients of five (OFSEP)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from audits import interval, number, run

from biasaudit.cohort.layouts import LAYOUTS, write_layout
from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.cohort.simulation.phantom import counterfactuals
from biasaudit.engine.predict import trained_networks
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.score import predict_rows
from biasaudit.protocol import GridSettings, PhantomCohort
from biasaudit.stats.truth import Truth, true_reliance

SUBJECTS, ANATOMIES = 120, 24
PHANTOM = {"n": SUBJECTS, "spacing": 6.0, "seed": 11}
PLANTED: Mapping[str, Mapping[str, Any]] = {
    "contrast and bias field": {},
    "nothing": {"dataset_signature": {}, "site_signature": {}},
}
# What differs from the ready protocol: a coarser grid, fewer folds, and masks that are known to be complete.
CHANGES = {
    "origins: [site, Manufacturer]": "origins: [site]",
    "min_origin_size: 10": "min_origin_size: 4",
    "mask_is_complete: false": "mask_is_complete: true",
    "spacing: 4.0": "spacing: 6.0",
    "folds: {n: 5}": "folds: {n: 3}\ntarget: {training: {epochs: 20}}",
}
READY = Path(__file__).resolve().parent.parent / "protocols" / "ms.yaml"


def study(scratch: Path) -> str:
    lines = [
        "## Healthy subjects of three sites against patients of five: raw against tissue\n",
        f"Command: `python benchmarks/run.py ms_layout`. {SUBJECTS} simulated subjects on a 6 mm grid, written as two"
        " BIDS datasets, `ixi` (three sites) and `ofsep` (five), and audited by `protocols/ms.yaml` (nested). R\\*,"
        f" Omega\\*: the truth, {ANATOMIES} held-out anatomies rendered at every site; differences are intensity minus"
        " tissue on the same subjects and folds, with 95 % intervals; G3: the spike-in, if it was asked.\n",
        "| planted | input | verdict | G3 | AUC | AUC, one site | reliance [90 %] | Omega\\* | R\\* | lesion gain |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    differences = ["", "| planted | quantity | intensity - tissue [95 %] | p |", "|---|---|---|---|"]
    for planted, signature in PLANTED.items():
        folder = scratch / planted.replace(" ", "-")
        audit = _audited(folder, {**PHANTOM, **signature})
        for arm in audit["arms"]:
            truth = _truth(folder / "out", arm, {**PHANTOM, **signature})
            lines.append(_arm_row(planted, arm, truth))
        differences += [_difference_row(planted, comparison) for comparison in audit["comparisons"]]
    return "\n".join([*lines, *differences]) + "\n"


def _audited(folder: Path, phantom: Mapping[str, Any]) -> dict[str, Any]:
    """Write the datasets and the protocol beside them, as a user finds them, and run it."""
    write_layout("ms", folder, phantom)
    text = READY.read_text()
    for old, new in CHANGES.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "ms.yaml").write_text(text)
    return run(folder / "ms.yaml", folder / "out").audit


def _truth(out: Path, arm: Mapping[str, Any], phantom: Mapping[str, Any]) -> Truth:
    """Put anatomies that a fold held out through its networks, rendered at every site with and without lesions."""
    # The files were written by the same settings, and subjects keep their names.
    settings = PhantomCohort.model_validate({"reader": "phantom", "phantom": {**LAYOUTS["ms"].phantom, **phantom}})
    reader = PhantomReader()
    cohort = reader.read(settings)
    grid = reader.grid(cohort, GridSettings())
    networks, folds = trained_networks(out, arm["name"]), _folds(out)
    margins = []
    for sample in cohort.samples[:ANATOMIES]:
        images = [transform(arm["representation"], volume, grid) for _, _, volume in counterfactuals(sample, grid)]
        margins.append(predict_rows(networks[folds[sample.subject]], np.stack(images))[:, 0].reshape(2, -1))
    sites = sorted({str(sample.simulation["site"]) for sample in cohort.samples})
    counts = np.zeros((2, len(sites)))
    for sample in cohort.samples:
        counts[int(sample.positive), sites.index(str(sample.simulation["site"]))] += 1
    healthy, patients = counts / counts.sum(axis=1, keepdims=True)
    return true_reliance(np.stack(margins), healthy, patients)


def _folds(out: Path) -> dict[str, int]:
    lines = (out / "tables" / "subjects.tsv").read_text().splitlines()
    columns = lines[0].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines[1:]]
    return {row["subject"]: int(row["fold"]) for row in rows}


def _arm_row(planted: str, arm: dict[str, Any], truth: Truth) -> str:
    target = arm["target"]
    auc = f"{number(target['auc'])} [{number(target['auc_low'])}, {number(target['auc_high'])}]"
    gain = arm["lesion_gain"] or {"estimate": None}
    spike = next((finding["status"] for finding in arm["findings"] if finding["code"] == "G3"), "-")
    known = f"{number(truth.origin_share)} | {number(truth.sensitivity)}"
    return (
        f"| {planted} | {arm['name']} | {arm['verdict']} | {spike} | {auc} | {number(truth.auc_one_site)} "
        f"| {interval(arm['reliance'])} | {known} | {interval(gain)} |"
    )


def _difference_row(planted: str, comparison: dict[str, Any]) -> str:
    low, high = number(comparison["low"]), number(comparison["high"])
    what = comparison["quantity"].replace("_", " ")
    difference, p_value = number(comparison["difference"]), number(comparison["p_value"], 3)
    return f"| {planted} | {what} | {difference} [{low}, {high}] | {p_value} |"
