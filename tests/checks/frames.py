"""Evidence with exchanged frames, of which the share of the class gap outside of the field is planted."""

from __future__ import annotations

from dataclasses import replace

from checks.conftest import frames, plant

from biasaudit import registry
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding

WITH_FIELD = Protocol.model_validate(
    {
        "cohort": {"reader": "phantom", "field": "foreground"},
        "statistics": {"n_permutations": 199, "n_bootstraps": 199},
    }
)


def framed(share: float, n: int = 240, gap: float = 3.0, seed: int = 1, left: tuple[float, float] | None = None):
    """Evidence of an aliased design whose class gap lies outside of the field by `share`; `left` after blanking."""
    evidence = plant(n=n, design="aliased", pathology=gap * (1 - share), signature=gap * share, seed=seed)
    gaps = None if left is None else (gap * left[0], gap * left[1])
    return replace(evidence, frames=frames(evidence, gap * share, gaps, seed + 10))


def told(evidence: ArmEvidence, code: str, protocol: Protocol = WITH_FIELD) -> list[Finding]:
    """Findings of one check."""
    return registry.get("check", code)().judge(evidence, protocol)
