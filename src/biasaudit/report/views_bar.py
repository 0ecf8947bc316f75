"""The bar of reliance: where the estimate lies between the thresholds that the verdict went by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from biasaudit.records import EstimateRecord
from biasaudit.report.words import finite

__all__ = ["Bar", "Scale", "Zone", "reliance_bar", "scale_of"]


@dataclass(frozen=True)
class Bar:
    """A share of one with its interval, in per cent of the bar's length; a lower bound has no estimate."""

    estimate: float | None
    low: float
    high: float
    truth: float | None


@dataclass(frozen=True)
class Zone:
    """A stretch of the bar: where it starts and how long it is, in per cent, and the verdict that lies there."""

    verdict: str
    start: float
    length: float


@dataclass(frozen=True)
class Scale:
    """The zones of a bar, the thresholds between them in per cent, and the rule in words."""

    zones: tuple[Zone, ...]
    ticks: tuple[float, ...]
    words: str


def scale_of(verdict: Mapping[str, object]) -> Scale | None:
    """Lay out the thresholds of the protocol; None where they were not recorded.

    Parameters
    ----------
    verdict : mapping
        The protocol's ``verdict`` section: `low`, `tolerance` and `high`, shares of one.
    """
    recorded = [finite(verdict.get(key)) for key in ("low", "tolerance", "high")]
    known = [round(100 * value, 1) for value in recorded if value is not None]
    if len(known) != len(recorded):
        return None
    low, tolerance, high = known
    # Between `low` and `tolerance` an interval may be cleared by its upper end or flagged by its lower one.
    ends = [0.0, min(low, tolerance), max(low, tolerance), max(high, tolerance), 100.0]
    names = ("PATHOLOGY", "either", "MIXED", "ORIGIN")
    zones = tuple(
        Zone(name, start, round(stop - start, 1))
        for name, start, stop in zip(names, ends, ends[1:], strict=False)
        if stop > start
    )
    words = (
        f"PATHOLOGY takes an interval that ends below {tolerance:g} % and no flag; a flag makes it MIXED if the "
        f"interval begins above {low:g} %, ORIGIN if it begins above {high:g} %."
    )
    return Scale(zones, tuple(dict.fromkeys(sorted((low, tolerance, high)))), words)


def reliance_bar(reliance: EstimateRecord, truth: float | None) -> Bar | None:
    """Place an estimate on the bar; None where there is neither an estimate nor a lower bound."""
    estimate, low, high = (finite(reliance.get(key)) for key in ("estimate", "low", "high"))
    is_bound = reliance.get("kind") == "bound" and low is not None
    if estimate is None and not is_bound:
        return None
    planted = finite(truth)
    return Bar(
        estimate=None if estimate is None else _length(estimate),
        low=_length(low if low is not None else estimate or 0.0),
        high=_length(1.0 if is_bound else high if high is not None else estimate or 0.0),
        truth=None if planted is None else _length(planted),
    )


def _length(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 1)
