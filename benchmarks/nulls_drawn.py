"""Scores that are drawn, in crossed cohorts that depend on no origin, judged by G1, U1 and the verdict.

No network is trained, so that many cohorts cost little: of all tests that may flag U1's alone has a null at nothing at
all (the others ask for a share of the gap above `verdict.low`), so that it is the first to exceed its level.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from biasaudit import seeds
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import get
from biasaudit.stats.design import regime
from biasaudit.verdict import Design, decide

MASTER = 20261202
FAMILIES = ("prevalence", "label noise", "healthy mix", "unequal variances")
SIZES = (80, 160, 320)
GAP = 2.0
"""How many SD of the healthy the mean patient scores above them."""


def drawn(count: int) -> Iterator[dict[str, Any]]:
    """Judge `count` cohorts of each family, as rows that `nulls_page` counts."""
    for number in range(count):
        for family in FAMILIES:
            yield _row(family, number)


def _row(family: str, number: int) -> dict[str, Any]:
    """Judge one cohort; bounds by many resamples only where a test is significant, since nothing flags otherwise."""
    evidence = scores(family, number)
    found, word = _judged(evidence, QUICK)
    tests = [[own.class_name, own.p_value] for own in found if own.may_flag and own.p_value is not None]
    if any(p_value <= QUICK.statistics.alpha for _, p_value in tests):
        _, word = _judged(evidence, FULL)
    return {"family": family, "severity": "known" if evidence.masks_given else "unknown", "word": word, "tests": tests}


def _protocol(bootstraps: int) -> Protocol:
    statistics = {"n_permutations": 999, "n_bootstraps": bootstraps}
    return Protocol.model_validate({"cohort": {"reader": "phantom"}, "statistics": statistics})


QUICK, FULL = _protocol(100), _protocol(1000)


def _judged(evidence: ArmEvidence, protocol: Protocol) -> tuple[list[Finding], str]:
    found = [finding for code in ("G1", "U1") for finding in get("check", code)().judge(evidence, protocol)]
    design = Design(evidence.regime, evidence.masks_given, evidence.mask_is_complete)
    return found, decide(found, design, "origin", protocol).word


def scores(family: str, number: int) -> ArmEvidence:
    """Draw one cohort: 2 or 4 origins, as often as not unlike in size, whose share of patients differs or not.

    Patients score by the logarithm of their severity, which is known in every second cohort. What is special:
    *prevalence*, .1 to .4; *label noise*, 5 or 10 % of the labels, with which origins go; *healthy mix*, 15 to 50 % of
    the healthy of all origins score 1.5 SD higher; *unequal variances*, the scores of half of the origins have 1.5 to 4
    times the SD of the others.
    """
    chance = seeds.generator(MASTER, "drawn nulls", family, number)
    n, origins = int(chance.choice(SIZES)), int(chance.choice((2, 2, 4)))
    prevalence = float(chance.choice((0.1, 0.2, 0.3, 0.4))) if family == "prevalence" else 0.5
    positive = chance.permutation(np.arange(n) < round(prevalence * n))
    wrong = chance.random(n) < (float(chance.choice((0.05, 0.1))) if family == "label noise" else 0.0)
    upper = chance.random(n) < _upper(positive, float(chance.choice((0.0, 0.4, 0.8))), float(chance.choice((0.5, 0.3))))
    origin = upper * (origins // 2) + chance.integers(0, origins // 2, n)
    severity = chance.lognormal(0.0, 0.6, n)
    mixed = chance.random(n) < (chance.uniform(0.15, 0.5) if family == "healthy mix" else 0.0)
    mean = np.where(positive ^ wrong, GAP + 0.5 * np.log(severity), 1.5 * mixed)
    spread = np.where(upper, chance.uniform(1.5, 4.0) if family == "unequal variances" else 1.0, 1.0)
    return _evidence(
        positive, origin, np.where(positive ^ wrong, severity, 0.0), mean + spread * chance.normal(size=n), number
    )


def _upper(positive: np.ndarray, confounding: float, size: float) -> np.ndarray:
    """How likely each subject comes from the second half of the origins."""
    return size + confounding * np.where(positive, 1 - size, -size) / 2


def _evidence(
    positive: np.ndarray, origin: np.ndarray, severity: np.ndarray, logit: np.ndarray, number: int
) -> ArmEvidence:
    n, known = positive.size, number % 2 == 0
    names = np.array([f"site{own}" for own in origin])
    return ArmEvidence(
        arm="intensity", factor="origin", regime=regime(positive, names), classes=("healthy", "ms"),
        subject=np.array([f"s{own:04d}" for own in range(n)]), positive=positive, origin=names,
        fold=np.arange(n) % 5, severity=np.where(positive & known, severity, np.nan), covariates={},
        masks_given=known, mask_is_complete=known, seed=number, logit=logit,
    )  # fmt: skip
