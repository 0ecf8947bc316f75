"""Real pictures from two hospitals: all four cells, and the trap of one origin per class with its answer key."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
from audits import COMMAND, ENVIRONMENT, interval, number, run

from biasaudit.stats.effects import auc

TABLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "cxr" / "table.tsv"
PROTOCOL = """\
cohort:
  reader: table
  table: {table}
  label: {{column: label, positive: pneumonia}}
  origins: [origin]
"""
TRAPS = {
    "nih normal against kermany pneumonia": ("nih", "kermany"),
    "kermany normal against nih pneumonia": ("kermany", "nih"),
}


def study(scratch: Path) -> str:
    lines = [
        "## Chest X-rays from two sources\n",
        "Command: `python benchmarks/run.py cxr` (skipped where the pictures are not at hand).\n",
    ]
    if not TABLE.exists():
        return "\n".join([*lines, "The pictures were not at hand.\n"])
    lines += [
        "| cohort | verdict | AUC, cross-validated | AUC on the withheld cells | AUC, background alone | reliance |",
        "|---|---|---|---|---|---|",
    ]
    protocol = scratch / "crossed.yaml"
    protocol.write_text(PROTOCOL.format(table=TABLE))
    audits = {"all four cells": (run(protocol, scratch / "crossed").audit, None)}
    for name, (healthy, sick) in TRAPS.items():
        audits[name] = _trap(scratch / f"{healthy}-{sick}", healthy, sick)
    lines += [_row(name, *result) for name, result in audits.items()]
    lines += [
        "",
        "Findings with all four cells:\n",
        "| check | class | layer or input | status | statistic | p |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_finding(finding) for finding in audits["all four cells"][0]["arms"][0]["findings"]]
    return "\n".join(lines) + "\n"


def _trap(folder: Path, healthy: str, sick: str) -> tuple[dict[str, Any], float]:
    """Audit two cells, then let the audit's own networks score the other two."""
    folder.mkdir()
    table = pd.read_csv(TABLE, sep="\t")
    own = ((table["label"] == "normal") & (table["origin"] == healthy)) | (
        (table["label"] == "pneumonia") & (table["origin"] == sick)
    )
    table["image"] = [str(TABLE.parent / image) for image in table["image"]]
    table[own].to_csv(folder / "audited.tsv", sep="\t", index=False)
    table[~own].to_csv(folder / "withheld.tsv", sep="\t", index=False)
    (folder / "protocol.yaml").write_text(PROTOCOL.format(table="audited.tsv"))
    audit = run(folder / "protocol.yaml", folder / "out").audit
    words = [*COMMAND, "predict", str(folder / "out"), str(folder / "withheld.tsv"), "-o", str(folder / "scores.tsv")]
    subprocess.run(words, check=True, env=ENVIRONMENT)
    scores = pd.read_csv(folder / "scores.tsv", sep="\t").merge(table, on="subject")
    return audit, auc(scores["logit"].to_numpy(), (scores["label"] == "pneumonia").to_numpy())


def _row(name: str, audit: dict[str, Any], withheld: float | None) -> str:
    arm = audit["arms"][0]
    background = next((f for f in arm["findings"] if f["code"] == "A2" and f["input"] == "background"), None)
    return (
        f"| {name} | {arm['verdict']} | {number(arm['target']['auc'], 3)} | {number(withheld, 3)} "
        f"| {number(background and background['statistic'], 3)} | {interval(arm['reliance'])} |"
    )


def _finding(finding: dict[str, Any]) -> str:
    where = finding["layer"] or finding["input"] or ""
    return (
        f"| {finding['code']} | {finding['class'] or ''} | {where} | {finding['status']} "
        f"| {number(finding['statistic'])} | {number(finding['p_value'], 4)} |"
    )
