"""Errors and power of a whole audit, its tests corrected arm by arm and factor by factor or all together.

Two inputs and two origin factors of drawn scores, which the checks and the rules judge as they judge an audit's. The
two networks make half of their errors on the same subjects, as networks of one cohort do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from biasaudit.calibration.rates import rate
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Verdict
from biasaudit.registry import get
from biasaudit.stats.design import regime
from biasaudit.verdict import Design, decide_contrasts, p_values

NULLS = int(os.environ.get("BIASAUDIT_RUNS", "400"))
DRIVEN = NULLS // 8
GAP = 1.6
"""Distance between the classes, in standard deviations of the scores inside them."""
ARMS, FACTORS = ("intensity", "background"), {"site": 2, "scanner": 4}
PROTOCOL = Protocol.model_validate(
    {"cohort": {"reader": "phantom"}, "statistics": {"n_permutations": 999, "n_bootstraps": 399}}
)


@dataclass(frozen=True)
class Case:
    """Cohorts of `n` subjects; `reliance` of the first network on the site, 0 of everything else."""

    n: int
    masks: bool
    reliance: float = 0.0

    def __str__(self) -> str:
        known = "severity known, 12 tests" if self.masks else "severity unknown, 4 tests"
        return f"{'nothing' if not self.reliance else f'R* {self.reliance:g} of one'} | {self.n} | {known}"


CASES = tuple(Case(n, masks, r) for r in (0.0, 0.2, 0.35, 0.5) for n in (120, 240) for masks in (False, True))


def study(scratch: Path) -> str:
    started = time.time()
    rows = [line for case in CASES for line in _rows(case, list(_audits(case)))]
    nulls = [rows for rows in rows if "| nothing" in rows]
    driven = [rows for rows in rows if "| nothing" not in rows]
    return (
        "## Error rate of a whole audit\n\n"
        f"Command: `python benchmarks/run.py audit_scope` ({time.time() - started:.0f} s). Two networks, two origin "
        f"factors, crossed; {NULLS} clean audits ({NULLS // 4} a row) and {DRIVEN} of every driven kind. *flagged*: "
        "some test stays below alpha; *condemned*: some verdict is ORIGIN or MIXED, for which the lower bound of "
        "reliance must also lie above `verdict.low`. Of driven audits only the driven verdict counts. 95 % intervals "
        "(Wilson).\n\n"
        "| planted | subjects | tests | scope | flagged | condemned |\n|---|---|---|---|---|---|\n"
        + "\n".join([*nulls, *_pooled(), *driven])
        + "\n"
    )


_CLEAN: list[pd.DataFrame] = []


def _pooled() -> Iterator[str]:
    """All clean audits together."""
    table = pd.concat(_CLEAN)
    for scope, own in table.groupby("scope", sort=False):
        yield f"| nothing, all | | | {scope} | {_shown(own.flagged)} | {_shown(own.condemned)} |"


def _rows(case: Case, audits: list[dict[str, object]]) -> Iterator[str]:
    table = pd.DataFrame(audits)
    if not case.reliance:
        _CLEAN.append(table)
    for scope, own in table.groupby("scope", sort=False):
        yield f"| {case} | {scope} | {_shown(own.flagged)} | {_shown(own.condemned)} |"


def _shown(hits: pd.Series) -> str:
    share, low, high = rate(int(hits.sum()), len(hits))
    return f"{int(hits.sum())} of {len(hits)}: {share:.3f} [{low:.3f}, {high:.3f}]"


def _audits(case: Case) -> Iterator[dict[str, object]]:
    for seed in range(DRIVEN if case.reliance else NULLS // 4):
        found = {(own.arm, own.factor): (own, _findings(own)) for own in _evidence(case, seed)}
        for scope in ("verdict", "audit"):
            verdicts = {key: _verdict(key, found, scope) for key in found}
            judged = [verdicts[ARMS[0], "site"]] if case.reliance else list(verdicts.values())
            yield {
                "scope": scope,
                "flagged": any(verdict.flagged for verdict in judged),
                "condemned": any(verdict.word in ("ORIGIN", "MIXED") for verdict in judged),
            }


def _findings(evidence: ArmEvidence) -> list[Finding]:
    return [finding for code in ("G1", "U1") for finding in get("check", code)().judge(evidence, PROTOCOL)]


def _verdict(
    key: tuple[str, str], found: dict[tuple[str, str], tuple[ArmEvidence, list[Finding]]], scope: str
) -> Verdict:
    evidence, findings = found[key]
    others = [p_value for other, (_, own) in found.items() if other != key for p_value in p_values(own)]
    design = Design(evidence.regime, evidence.masks_given, False)
    beside = others if scope == "audit" else []
    return decide_contrasts(findings, {None: design}, evidence.factor, PROTOCOL, beside)[0]


def _evidence(case: Case, seed: int) -> Iterator[ArmEvidence]:
    """Scores of five folds; in every other cohort the classes lie in unlike shares at the sites."""
    chance = np.random.default_rng([seed, case.n, case.masks])
    positive = np.arange(case.n) % 2 == 1
    tilt = 0.3 * (seed % 2)
    site = (chance.random(case.n) < 0.5 + tilt * (2 * positive - 1)).astype(int)
    scanner = (2 * site + chance.integers(0, 2, case.n)) if seed % 4 < 2 else chance.integers(0, 4, case.n)
    origins = {"site": site, "scanner": scanner}
    shared, fold = chance.standard_normal(case.n), chance.permutation(case.n) % 5
    severity = np.where(positive, chance.lognormal(size=case.n), np.nan)
    shift = GAP * case.reliance / (1 - case.reliance)
    for arm in ARMS:
        noise = (shared + chance.standard_normal(case.n)) / np.sqrt(2)
        logit = GAP * positive + noise + shift * site * (arm == ARMS[0])
        for factor in FACTORS:
            names = np.array([f"{factor}{number}" for number in origins[factor]])
            yield ArmEvidence(
                arm=arm, factor=factor, regime=regime(positive, names), classes=("healthy", "ms"),
                subject=np.array([f"s{number:04d}" for number in range(case.n)]), positive=positive, origin=names,
                fold=fold, severity=severity if case.masks else np.full(case.n, np.nan), covariates={},
                masks_given=case.masks, mask_is_complete=False, seed=seed, logit=logit,
            )  # fmt: skip
