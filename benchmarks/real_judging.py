"""Judge one stored cohort of `real_images.py` as if more or less had been declared; nothing is trained again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import get
from biasaudit.verdict import Design, decide

COUNTS = (5, 10, 20, 40)
BASE = ("D1", "G1", "U1", "U5")
FIELD = ("U13", "U14")


def judged(evidence: ArmEvidence, protocol: Protocol) -> dict[str, Any]:
    """Findings of every check, of probes by their number, and the verdict of every variant."""
    nothing = declaring(protocol, field=False, probes=False)
    base = findings(BASE, evidence, nothing)
    field = findings(FIELD, evidence, protocol)
    bare = findings(FIELD, evidence, nothing)
    probes = {k: findings(("P1",), with_probes(evidence, k), protocol) for k in _counts(evidence)}
    none = findings(("P1",), replace(evidence, probes=None), nothing)
    variants = {"nothing": [*base, *bare, *none], "field": [*base, *field, *none]}
    variants |= {f"{k} probes": [*base, *bare, *own] for k, own in probes.items()}
    if 20 in probes:
        variants["field and 20 probes"] = [*base, *field, *probes[20]]
    if not set(FIELD) <= set(protocol.checks):
        variants = {name: own for name, own in variants.items() if "field" not in name}
    return {
        "findings": [compact(finding) for finding in (*base, *field)],
        "probes": {k: [compact(finding) for finding in own] for k, own in probes.items()},
        "verdicts": {name: verdict(own, evidence, protocol) for name, own in variants.items()},
    }


def _counts(evidence: ArmEvidence) -> Sequence[int]:
    given = 0 if evidence.probes is None else evidence.probes.subject.size
    return [k for k in COUNTS if k <= given]


def with_probes(evidence: ArmEvidence, k: int) -> ArmEvidence:
    """The first `k` of the probes, which were drawn by chance."""
    assert evidence.probes is not None
    return replace(evidence, probes=evidence.probes.kept(np.arange(evidence.probes.subject.size) < k))


def declaring(protocol: Protocol, *, field: bool, probes: bool) -> Protocol:
    """The same protocol without the field, the probes or both."""
    dropped = {name: None for name, kept in (("field", field), ("probes", probes)) if not kept}
    return protocol.model_copy(update={"cohort": protocol.cohort.model_copy(update=dropped)})


def findings(codes: Sequence[str], evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
    return [finding for code in codes for finding in get("check", code)().judge(evidence, protocol)]


def verdict(found: Sequence[Finding], evidence: ArmEvidence, protocol: Protocol) -> dict[str, Any]:
    design = Design(evidence.regime, evidence.masks_given, evidence.mask_is_complete)
    decided = decide(found, design, evidence.factor, protocol)
    return {"word": decided.word, "reliance": decided.reliance.to_dict(), "reason": decided.reason}


def compact(finding: Finding) -> dict[str, Any]:
    found: Mapping[str, Any] = finding.to_dict()
    names = ("code", "status", "input", "class", "statistic", "low", "high", "p_value")
    return {**{name: found.get(name) for name in names}, "may_flag": finding.may_flag}
