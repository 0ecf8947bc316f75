"""How often the rule for targets not better than chance says ORIGIN: of scores that are drawn, and of networks.

The rule is that of `verdict.rules`: G1 is not clear, U1 flags, and the lower bound of reliance lies above
``verdict.high``. Before there was a rule every one of these targets was UNDETERMINED.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from biasaudit.calibration.rates import rate
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Verdict
from biasaudit.registry import get
from biasaudit.stats.design import regime
from biasaudit.verdict import Design, decide

ROOT = Path(__file__).resolve().parent.parent
GRID = ROOT / "protocols" / "calibration-chance.yaml"
COHORTS = int(os.environ.get("BIASAUDIT_RUNS", "1000"))
CODES = ("G1", "U1")


def study(scratch: Path) -> str:
    return (
        "## Targets not better than chance\n\n"
        "Command: `python benchmarks/run.py chance`. Counted are targets whose G1 is not clear. Before the rule all of "
        "them were UNDETERMINED. 95 % intervals (Wilson).\n\n"
        "| what | ORIGIN | not better than chance | rate |\n|---|---|---|---|\n"
        + "\n".join([*_drawn(), *_trained(scratch)])
        + "\n"
    )


def _drawn() -> Iterator[str]:
    """Judge scores that know nothing of the label, without and with a share of the origin."""
    for shift in (0.0, 0.3, 0.6, 1.0, 2.0):
        for origins, n in ((2, 60), (2, 160), (5, 160)):
            verdicts = [
                _judged(_scores(seed, n, origins, shift)) for seed in range(COHORTS if shift == 0 else COHORTS // 5)
            ]
            blind = [verdict for verdict in verdicts if verdict is not None]
            hits = sum(verdict.word == "ORIGIN" for verdict in blind)
            yield _row(f"scores, {origins} origins, n = {n}, origins {shift:g} SD apart", hits, len(blind))


def _scores(seed: int, n: int, origins: int, shift: float) -> ArmEvidence:
    """Scores of five folds; half of the cohorts hold the classes in unlike shares by origin."""
    chance = np.random.default_rng([seed, n, origins])
    origin = chance.integers(0, origins, n)
    tilt = chance.choice([0.0, 0.5])
    positive = chance.random(n) < 0.5 + tilt * (origin / (origins - 1) - 0.5)
    logit = shift * origin / (origins - 1) + chance.standard_normal(n)
    names = np.array([f"site{number}" for number in origin])
    return ArmEvidence(
        arm="intensity", factor="origin", regime=regime(positive, names), classes=("healthy", "ms"),
        subject=np.array([f"s{number:04d}" for number in range(n)]), positive=positive, origin=names,
        fold=chance.permutation(n) % 5, severity=np.where(positive, chance.lognormal(size=n), np.nan), covariates={},
        masks_given=True, mask_is_complete=False, seed=seed, logit=logit,
    )  # fmt: skip


def _judged(evidence: ArmEvidence) -> Verdict | None:
    """Verdict of a target that is not better than chance; None of one that is."""
    protocol = Protocol.model_validate({"cohort": {"reader": "phantom"}})
    findings = [finding for code in CODES for finding in get("check", code)().judge(evidence, protocol)]
    if any(finding.code == "G1" and finding.status == "clear" for finding in findings):
        return None
    return decide(findings, Design(evidence.regime, True, False), "origin", protocol)


def _trained(scratch: Path) -> Iterator[str]:
    """Judge networks that were trained on simulated brains."""
    command = [sys.executable, "-m", "biasaudit", "calibrate", "--grid", str(GRID), "-o", str(scratch / "grid")]
    subprocess.run([*command, "--workers", os.environ.get("BIASAUDIT_WORKERS", "2")], check=True, stdout=sys.stderr)
    table = pd.read_csv(scratch / "grid" / "cohorts.tsv", sep="\t")
    for masks, words in ((True, "with masks"), (False, "without masks")):
        own = table[~table.competent & (table.masks == masks)]
        for kind, rows in (("nothing planted", own.kind == "none"), ("a signature planted", own.kind != "none")):
            yield _row(f"networks, {kind}, {words}", int((own[rows].verdict == "ORIGIN").sum()), int(rows.sum()))


def _row(words: str, hits: int, count: int) -> str:
    share, low, high = rate(hits, count)
    return f"| {words} | {hits} | {count} | {share:.3f} [{low:.3f}, {high:.3f}] |"
