"""State how far one arm relies on the origin: as an interval from a check that measures it, else as a lower bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biasaudit.records import Finding, Regime, Reliance, Share
from biasaudit.vocabulary import OF_FIELD, SHUFFLED

__all__ = ["RELIANCE_SOURCES", "RelianceSource", "corroboration", "estimate_reliance", "is_measured_by_probes"]


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
    bound : bool
        Part of the reliance can escape the check, so that only a lower bound has a meaning.
    """

    code: str
    crossed: bool
    is_statistic: bool
    bound: bool = False


RELIANCE_SOURCES: tuple[RelianceSource, ...] = (
    RelianceSource("U1", crossed=True, is_statistic=False),
    # Probes are the cell that the design lacks. Where designs are crossed, edits estimate another quantity (of the
    # class gap), which unmarked disease can raise.
    RelianceSource("P1", crossed=False, is_statistic=False),
    RelianceSource("U4", crossed=False, is_statistic=True),
    RelianceSource("P1", crossed=False, is_statistic=False, bound=True),
    RelianceSource("U13", crossed=False, is_statistic=True, bound=True),
    RelianceSource("U14", crossed=False, is_statistic=True, bound=True),
    RelianceSource("U5", crossed=False, is_statistic=True, bound=True),
)
"""Those of intervals in the order in which they are asked; of several bounds the largest is taken."""


_TELLING = ("clear", "concern")
"""Statuses of probes that tell something; too few of them lie anywhere, and leave the answer to other checks."""


def estimate_reliance(
    findings: Sequence[Finding], regime: Regime, flagged: Sequence[Finding] = (), corroborated_by: tuple[str, ...] = ()
) -> Reliance:
    """Return the reliance of this arm: the first interval of `RELIANCE_SOURCES`, else the largest bound; in [0, 1].

    Parameters
    ----------
    findings : sequence of Finding
        Of this arm, factor and contrast, all checks.
    regime : Regime
        How classes and origins lie to each other in the design.
    flagged : sequence of Finding
        Those of them that flag. The bound of any other finding says nothing: it may be of chance.
    corroborated_by : tuple of str
        Codes of the checks that point at the origin as well.
    """
    telling = [finding for finding in findings if finding.code != "P1" or finding.status in _TELLING]
    measured = _measured(telling, regime, corroborated_by)
    if measured is not None:
        return measured
    bounds = _bounds(flagged, regime)
    if bounds:
        code = max(bounds, key=lambda each: bounds[each])
        level = next(told.level for told in _told(flagged, regime, bound=True) if told.code == code)
        return Reliance(None, bounds[code], None, code, _others(corroborated_by, code), "bound", level)
    return _measured(findings, regime, corroborated_by) or Reliance(corroborated_by=corroborated_by)


def _measured(findings: Sequence[Finding], regime: Regime, corroborated_by: tuple[str, ...]) -> Reliance | None:
    """Return the interval of the first source that gives one; of several of its findings the one that is worst."""
    told = list(_told(findings, regime, bound=False))
    if not told:
        return None
    code = told[0].code
    worst = max(
        (own for own in told if own.code == code), key=lambda own: (own.share.low or 0.0, own.share.high or 0.0)
    )
    low, high = _inside(worst.share)
    others = _others(corroborated_by, code)
    return Reliance(_clipped(worst.share.estimate), low, high, code, others, "interval", worst.level)


def _inside(share: Share) -> tuple[float | None, float | None]:
    """Return the bounds in [0, 1]; of an interval that lies beyond an end those that an estimate at the end would have.

    Cut off at the end it would be a point, and no share is known for certain. An edit may leave more of the class gap
    than there was, since edited images are unlike those that the network was trained on.

    References
    ----------
    Mandelkern and Schultz (2002), Journal of Mathematical Physics 43:5701.
    """
    low, high, estimate = share.low, share.high, share.estimate
    if low is not None and high is not None and estimate is not None and (low >= 1 or high <= 0):
        moved = float(np.clip(estimate, 0.0, 1.0)) - estimate
        low, high = low + moved, high + moved
    return _clipped(low), _clipped(high)


def _bounds(flagged: Sequence[Finding], regime: Regime) -> dict[str, float]:
    """Return the lower bound of every check that flags, largest first where a check gives several; those above 0."""
    bounds: dict[str, float] = {}
    for told in _told(flagged, regime, bound=True):
        low = _clipped(told.share.low)
        if low:
            bounds[told.code] = max(low, bounds.get(told.code, 0.0))
    return _reconciled(bounds)


def _reconciled(bounds: Mapping[str, float]) -> dict[str, float]:
    """Take half of the smaller bound of the two edits of the declared field.

    Both overshoot where the signature lies in the frame alone (a ruler, letters): a transplant applies to the whole
    image what it measures there, and an input that is standardised after the field was blanked shows the frame in more
    contrast. Chosen on half of the judging cohorts of docs/calibration-real.md, by a hash of their names: where R* is
    .5 or more it lies above the true share in 0 of the 42 of that half that flag, and in 3 of the 45 of the other. It
    never exceeds one half, so that the field alone never says that most is the origin: what lies outside of it is
    source, projection or positioning.
    """
    left = {code: low for code, low in bounds.items() if code not in OF_FIELD}
    of_field = {code: low for code, low in bounds.items() if code in OF_FIELD}
    if of_field:
        least = min(of_field, key=lambda code: of_field[code])
        left[least] = of_field[least] / 2
    return left


def _others(codes: Sequence[str], code: str) -> tuple[str, ...]:
    """Leave out the check that the share is from: it cannot agree with itself."""
    return tuple(other for other in codes if other != code)


@dataclass(frozen=True)
class _Told:
    """A share, the check that says so, and the coverage of its interval."""

    code: str
    share: Share
    level: float | None


def _told(findings: Sequence[Finding], regime: Regime, *, bound: bool) -> Iterator[_Told]:
    """Go over what the sources say."""
    sources = (each for each in RELIANCE_SOURCES if each.bound == bound and each.crossed == (regime == "crossed"))
    for source in sources:
        for finding in findings:
            share = _share(finding, source) if finding.code == source.code else None
            if share is not None:
                yield _Told(source.code, share, finding.level)


def _share(finding: Finding, source: RelianceSource) -> Share | None:
    """Share of the response that a finding says is owed to the origin; None if it says nothing of it."""
    if finding.flag is None:
        return None
    if not source.is_statistic:
        share = finding.flag.reliance
        return share if share is not None and (share.estimate is None) == source.bound else None
    if not finding.flag.may_flag or finding.statistic is None:
        return None
    return Share(finding.statistic, finding.low, finding.high)


def is_measured_by_probes(findings: Sequence[Finding]) -> bool:
    """Whether probes tell the reliance from both sides, which no edit of an image does."""
    own = (finding for finding in findings if finding.code == "P1" and finding.status in _TELLING)
    shares = (finding.flag.reliance for finding in own if finding.flag is not None)
    return any(share is not None and share.estimate is not None for share in shares)


def _clipped(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(np.clip(value, 0.0, 1.0))


def corroboration(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the codes of the checks that point at the origin, whether or not the verdict rests on them."""
    pointing = {finding.code for finding in findings if finding.status == "concern" and finding.input != SHUFFLED}
    return tuple(code for code in ("A2", "U1", "U3", "U5", "U7", "U8", "U12", "U13", "U14") if code in pointing)
