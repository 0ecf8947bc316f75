"""Estimate how far one arm relies on the origin, from the first check that measures it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biasaudit.records import Finding, Regime, Reliance, Share

__all__ = ["RELIANCE_SOURCES", "RelianceSource", "corroboration", "estimate_reliance"]


@dataclass(frozen=True)
class RelianceSource:
    """A check that the reliance may be taken from.

    Attributes
    ----------
    code : str
    crossed : bool
        In crossed designs, else in all others.
    is_statistic : bool
        The finding's statistic is the share; else the check estimates it beside its statistic (`Flag.reliance`).
    """

    code: str
    crossed: bool
    is_statistic: bool


RELIANCE_SOURCES: tuple[RelianceSource, ...] = (
    RelianceSource("U1", crossed=True, is_statistic=False),
    # Where designs are crossed edits estimate another quantity (of the class gap), which unmarked disease can raise.
    RelianceSource("U4", crossed=False, is_statistic=True),
    RelianceSource("U5", crossed=False, is_statistic=True),
)
"""In the order in which they are asked for an estimate."""


def estimate_reliance(findings: Sequence[Finding], regime: Regime, corroborated_by: tuple[str, ...] = ()) -> Reliance:
    """Return the reliance of this arm from the first of `RELIANCE_SOURCES` that gives one; in [0, 1].

    Parameters
    ----------
    findings : sequence of Finding
        Of this arm, factor and contrast, all checks.
    regime : Regime
        How classes and origins lie to each other in the design.
    corroborated_by : tuple of str
        Codes of the checks that point at the origin as well.
    """
    crossed = regime == "crossed"
    for source in RELIANCE_SOURCES:
        shares = (_share(finding, source) for finding in findings if finding.code == source.code)
        share = next((each for each in shares if each is not None), None) if source.crossed == crossed else None
        if share is not None:
            low, high = _clipped(share.low), _clipped(share.high)
            return Reliance(_clipped(share.estimate), low, high, source.code, corroborated_by)
    return Reliance(corroborated_by=corroborated_by)


def _share(finding: Finding, source: RelianceSource) -> Share | None:
    """Share of the response that a finding says is owed to the origin; None if it says nothing of it."""
    if finding.flag is None:
        return None
    if not source.is_statistic:
        share = finding.flag.reliance
        return share if share is not None and share.estimate is not None else None
    if not finding.flag.may_flag or finding.statistic is None:
        return None
    return Share(finding.statistic, finding.low, finding.high)


def _clipped(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(np.clip(value, 0.0, 1.0))


def corroboration(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the codes of the checks that point at the origin, whether or not the verdict rests on them."""
    pointing = {finding.code for finding in findings if finding.status == "concern"}
    return tuple(code for code in ("A2", "U1", "U3", "U5", "U7", "U8", "U12") if code in pointing)
