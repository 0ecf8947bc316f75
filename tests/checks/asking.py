"""Short words for asking a check, and a cohort of one class against a rest that holds several."""

from __future__ import annotations

from typing import Any

import numpy as np

from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import get


def judge(code: str, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
    return get("check", code)().judge(evidence, protocol)


def judge_once(code: str, evidence: ArmEvidence, protocol: Protocol) -> Finding:
    """Ask a check that gives one finding."""
    (finding,) = judge(code, evidence, protocol)
    return finding


def judged_by_class(code: str, evidence: ArmEvidence, protocol: Protocol) -> dict[str | None, Finding]:
    return {finding.class_name: finding for finding in judge(code, evidence, protocol)}


def in_class(findings: list[Finding], class_name: str) -> Finding:
    return next(finding for finding in findings if finding.class_name == class_name)


def of_label(findings: list[Finding]) -> Finding:
    return next(finding for finding in findings if finding.class_name is None)


def words(values: Any) -> np.ndarray:
    """A column of metadata."""
    return np.array(list(values), dtype=object)


def against_the_rest(planted, seed=1, signature=0.0, n=240):
    """`ms` against healthy and tumour; most tumours at origin b, and the score of ms is far lower in them."""
    generator = np.random.default_rng(seed)
    label = np.array(["healthy", "tumour", "ms", "healthy"])[np.arange(n) % 4]
    usual = generator.random(n) < 0.8
    origin = np.where((label == "tumour") == usual, "b", "a")
    origin = np.where(label == "ms", np.where(np.arange(n) // 4 % 2, "a", "b"), origin)
    logit = 3.0 * (label == "ms") - 3.0 * (label == "tumour") + signature * (origin == "b") + generator.normal(size=n)
    positive = label == "ms"
    return planted(
        n=n,
        classes=("not ms", "ms"),
        contrast="ms",
        inside=("ms",),
        positive=positive,
        origin=origin,
        label=label,
        patient=label != "healthy",
        erasable=np.ones(n, dtype=bool),
        severity=np.where(label != "healthy", generator.lognormal(size=n), np.nan),
        logit=logit,
        regime="crossed",
        masks_given=True,
    )
