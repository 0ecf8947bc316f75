"""False flags and power of the verdict on simulated scores; few draws, wide margins."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.verdict import Design, decide

CODES = ("G1", "A2", "U1", "U4")


def words(planted, protocol, cohorts: int = 40, **plan) -> Counter[str]:
    counted: Counter[str] = Counter()
    for seed in range(cohorts):
        evidence = planted(seed=100 + seed, masks=True, **plan)
        outline = np.random.default_rng(seed).normal(size=len(evidence.subject))
        evidence = replace(evidence, reduced={"silhouette": outline})
        findings = [f for code in CODES for f in registry.get("check", code)().judge(evidence, protocol)]
        design = Design(evidence.regime, True, plan.get("mask_is_complete", False))
        counted[decide(findings, design, "origin", protocol).word] += 1
    return counted


def test_crossed_cohorts_without_a_signature_are_not_flagged(planted, protocol):
    counted = words(planted, protocol, n=200)
    assert counted["ORIGIN"] + counted["MIXED"] <= 3
    assert counted["PATHOLOGY"] >= 8


def test_crossed_cohorts_ruled_by_the_signature_are_always_caught(planted, protocol):
    counted = words(planted, protocol, n=200, signature=3.0, pathology=1.0)
    assert counted["ORIGIN"] >= 36
    assert counted["PATHOLOGY"] == 0


@pytest.mark.parametrize(("share", "expected"), [(0.0, "PATHOLOGY"), (0.9, "ORIGIN")])
def test_aliased_cohorts_are_read_by_erasure(share, expected, planted, protocol):
    plan = {"signature": 3 * share, "pathology": 3 * (1 - share), "mask_is_complete": True}
    counted = words(planted, protocol, n=200, design="aliased", **plan)
    assert counted[expected] >= 24
    assert counted["ORIGIN" if expected == "PATHOLOGY" else "PATHOLOGY"] == 0
