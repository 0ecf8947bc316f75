"""Records of findings, verdicts and comparisons, and their form in ``audit.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

import numpy as np

from biasaudit.vocabulary import (
    REGIME_ORDER,
    STATUSES,
    VERDICT_ORDER,
    Regime,
    RelianceKind,
    Status,
    ThresholdOn,
    VerdictWord,
)

__all__ = [
    "MAPS_GATE",
    "REGIME_ORDER",
    "STATUSES",
    "VERDICT_ORDER",
    "Comparison",
    "ComparisonRecord",
    "EstimateRecord",
    "Finding",
    "FindingRecord",
    "Flag",
    "Regime",
    "Reliance",
    "RelianceKind",
    "RelianceRecord",
    "Share",
    "Status",
    "Verdict",
    "VerdictWord",
    "withholds_maps",
]


MAPS_GATE = "G2"
"""The check that attribution maps must pass."""


_RELIANCE = ("reliance", "reliance_low", "reliance_high", "reliance_n_needed")
_STATED = ("equivalent", "healthy", "n_needed", "follows_prevalence")
_OF_FLAG = ("may_flag", *_STATED, *_RELIANCE)
_DETAILS_FIRST = (
    *("may_flag", "equivalent", "pair", "n_pairs", "n_needed", "guard", "healthy", "held_fixed", "covariate_notes"),
    *_RELIANCE,
)
"""Order of the details that runs have had since the first version; others follow in the order of the check."""


class EstimateRecord(TypedDict, total=False):
    """A number with its interval, and the coverage of that; null where it could not be estimated."""

    estimate: float | None
    low: float | None
    high: float | None
    level: float | None


# `from` and `class` are words of the language, so that these keys cannot be written as fields of a class.
_From = TypedDict("_From", {"from": str | None}, total=False)
_Class = TypedDict("_Class", {"class": NotRequired[str | None]})


class RelianceRecord(EstimateRecord, _From, total=False):
    """Share of the response that is owed to the signature, what is known of it, the check it is from, and who agrees.

    Of a bound `estimate` and `high` are null, since the share may be anything above `low`.
    """

    kind: RelianceKind | None
    corroborated_by: list[str]


class FindingRecord(_Class):
    """The outcome of one check for one origin factor, class and layer."""

    code: str
    status: Status
    factor: NotRequired[str | None]
    contrast: NotRequired[str | None]
    layer: NotRequired[str | None]
    input: NotRequired[str | None]
    statistic: NotRequired[float | None]
    low: NotRequired[float | None]
    high: NotRequired[float | None]
    p_value: NotRequired[float | None]
    n: NotRequired[int]
    threshold: NotRequired[float | None]
    reason: NotRequired[str]
    remedy: NotRequired[str]
    details: NotRequired[dict[str, Any]]
    level: NotRequired[float | None]
    threshold_on: NotRequired[ThresholdOn | None]
    alpha: NotRequired[float | None]
    statistic_name: NotRequired[str | None]


class ComparisonRecord(TypedDict):
    """A paired difference of two arms, first minus second."""

    arms: list[str]
    quantity: str
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    contrast: NotRequired[str | None]
    level: NotRequired[float | None]


@dataclass(frozen=True)
class Share:
    """A share of the network's response with its interval; None where it could not be estimated.

    Attributes
    ----------
    estimate, low, high : float or None
        Not clipped: resampling may leave [0, 1].
    n_needed : int or None
        Subjects at which the interval would lie below the tolerance, everything else unchanged; None if no feasible
        number.
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n_needed: int | None = None


@dataclass(frozen=True)
class Flag:
    """The part of a finding that the verdict reads, whichever check it is from.

    Attributes
    ----------
    may_flag : bool
        Its p-value is one of those that Holm's correction runs over, and flags if it stays small.
    equivalent : bool or None
        Whether a dependence on the origin is shown to be smaller than the tolerance; None where that was not asked.
    healthy : bool or None
        Whether healthy subjects only were compared, so that no disease explains a difference; None where nothing was
        compared.
    n_needed : int or None
        Subjects at which equivalence could be shown; None if no feasible number, or where nothing was compared.
    reliance : Share or None
        Share of the response that is owed to the origin, where the check estimates it beside its statistic.
    follows_prevalence : bool or None
        Whether scores are shown to be higher at origins that hold more patients, beyond what else sets origins apart;
        None where that was not asked.
    """

    may_flag: bool
    equivalent: bool | None = None
    healthy: bool | None = None
    n_needed: int | None = None
    reliance: Share | None = None
    follows_prevalence: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what is stated, under the names that the details of a finding in ``audit.json`` have."""
        asked = {
            "equivalent": self.equivalent,
            "healthy": self.healthy,
            "follows_prevalence": self.follows_prevalence,
        }
        stated: dict[str, Any] = {
            "may_flag": self.may_flag,
            **{name: value for name, value in asked.items() if value is not None},
        }
        if self.healthy is not None:
            stated["n_needed"] = self.n_needed
        if self.reliance is not None:
            values = (self.reliance.estimate, self.reliance.low, self.reliance.high, self.reliance.n_needed)
            stated |= zip(_RELIANCE, values, strict=True)
        return stated

    @classmethod
    def from_dict(cls, details: Mapping[str, Any]) -> Flag | None:
        """Inverse of `to_dict`; None where the details say nothing of a flag."""
        if "may_flag" not in details:
            return None
        stated = {name: details.get(name) for name in _STATED}
        values = (details.get(name) for name in _RELIANCE)
        return cls(details["may_flag"], **stated, reliance=Share(*values) if _RELIANCE[0] in details else None)


@dataclass(frozen=True)
class Finding:
    """The outcome of one check for one origin factor, class and layer (contract: ``audit.json``).

    Attributes
    ----------
    code : str
        Stable code of the check: ``U4``.
    status : Status
        ``clear`` asked and nothing found, with power; ``concern``; ``inconclusive`` asked, cannot tell;
        ``not_applicable`` this design or input does not allow the question; ``error`` the computation failed.
    statistic, low, high : float or None
        Estimate and its interval.
    p_value : float or None
        Never 0.
    threshold : float or None
        What the statistic, one of its bounds, or the p-value was held against.
    n : int
        Subjects behind the finding.
    factor, class_name, layer, input : str or None
        Origin factor, class inside which the question was asked, network layer, reduced input.
    contrast : str or None
        With more than two classes: the class that was held against the rest.
    reason : str
        Why this status, in plain words.
    remedy : str
        What to do about it; may be empty.
    details : mapping
        Further named numbers, for people.
    flag : Flag or None
        What the verdict reads beside the status; None for a check that cannot flag. In ``audit.json`` it is part of
        the details.
    level : float or None
        Coverage of the interval, such as .95. Of .9 either bound alone holds with a probability of .95.
    threshold_on : {"statistic", "p_value"} or None
        What the threshold is held against; the statistic (or its bound) where it is not stated.
    alpha : float or None
        Where the p-value was judged: what it had to be at most. The engine states it.
    statistic_name : str or None
        Name and unit of the statistic where it is not the one that the check states (`Check.statistic`).
    """

    code: str
    status: Status
    reason: str
    statistic: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    n: int = 0
    factor: str | None = None
    class_name: str | None = None
    layer: str | None = None
    input: str | None = None
    remedy: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    contrast: str | None = None
    flag: Flag | None = None
    level: float | None = None
    threshold_on: ThresholdOn | None = None
    alpha: float | None = None
    statistic_name: str | None = None

    @property
    def may_flag(self) -> bool:
        """Whether the finding is one of the tests that may flag."""
        return self.flag is not None and self.flag.may_flag and self.p_value is not None

    def to_dict(self) -> FindingRecord:
        """Return the finding as ``audit.json`` holds it; a number that is not finite becomes null."""
        return {
            "code": self.code,
            "factor": self.factor,
            "contrast": self.contrast,
            "class": self.class_name,
            "layer": self.layer,
            "input": self.input,
            "status": self.status,
            "statistic": _number(self.statistic),
            "low": _number(self.low),
            "high": _number(self.high),
            "p_value": _number(self.p_value),
            "n": self.n,
            "threshold": _number(self.threshold),
            "reason": self.reason,
            "remedy": self.remedy,
            "details": self._all_details(),
            "level": self._level(),
            "threshold_on": None if _number(self.threshold) is None else self.threshold_on or "statistic",
            "alpha": _number(self.alpha),
            "statistic_name": self.statistic_name,
        }

    def _level(self) -> float | None:
        known = _number(self.low) is not None or _number(self.high) is not None
        return _number(self.level) if known else None

    def _all_details(self) -> dict[str, Any]:
        stated = {} if self.flag is None else self.flag.to_dict()
        given = {**stated, **self.details}
        names = [name for name in _DETAILS_FIRST if name in given] if stated else []
        return {name: _plain(given[name]) for name in dict.fromkeys([*names, *given])}

    @classmethod
    def from_dict(cls, record: FindingRecord) -> Finding:
        """Inverse of `to_dict`."""
        details = record.get("details", {})
        flag = Flag.from_dict(details)
        own = {name: value for name, value in details.items() if flag is None or name not in _OF_FLAG}
        return cls(
            code=record["code"],
            status=record["status"],
            reason=record["reason"],
            statistic=record["statistic"],
            low=record["low"],
            high=record["high"],
            p_value=record["p_value"],
            threshold=record["threshold"],
            n=record["n"],
            factor=record["factor"],
            class_name=record["class"],
            layer=record["layer"],
            input=record["input"],
            remedy=record["remedy"],
            details=own,
            contrast=record["contrast"],
            flag=flag,
            level=record.get("level"),
            threshold_on=record.get("threshold_on"),
            alpha=record.get("alpha"),
            statistic_name=record.get("statistic_name"),
        )


@dataclass(frozen=True)
class Reliance:
    """Estimated share of the network's response that is owed to the signature.

    Attributes
    ----------
    estimate, low, high : float or None
        In [0, 1]; None where this design allows no estimate. Of a bound only `low` is known.
    level : float or None
        Coverage of the interval, such as .9: either bound alone holds with a probability of .95.
    source : str or None
        Code of the check it comes from.
    corroborated_by : tuple of str
        Codes of the checks that point the same way.
    kind : {"interval", "bound"} or None
        None where nothing is known.
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    source: str | None = None
    corroborated_by: tuple[str, ...] = ()
    kind: RelianceKind | None = None
    level: float | None = None

    def to_dict(self) -> RelianceRecord:
        """Return the record that ``audit.json`` holds."""
        return {
            "estimate": _number(self.estimate),
            "low": _number(self.low),
            "high": _number(self.high),
            "kind": self.kind,
            "from": self.source,
            "corroborated_by": list(self.corroborated_by),
            "level": _number(self.level),
        }


@dataclass(frozen=True)
class Verdict:
    """The answer for one arm and one origin factor, with more than two classes for one contrast.

    Attributes
    ----------
    word : VerdictWord
    reason : str
        Two plain sentences.
    factor : str
    reliance : Reliance
    provisional : bool
        True while something that the claim needs is still open (G3, calibration).
    settle : str
        The data that would settle an undetermined verdict, or what remains unexcluded.
    contrast : str or None
        The class held against the rest; None with two classes.
    flagged : tuple of str
        Codes of the checks that flag, whatever the word: a gate that fails at MIXED does not let them pass.
    tests : int
        How many tests Holm's correction ran over.
    """

    word: VerdictWord
    reason: str
    factor: str
    reliance: Reliance
    provisional: bool = True
    settle: str = ""
    contrast: str | None = None
    flagged: tuple[str, ...] = ()
    tests: int = 0


@dataclass(frozen=True)
class Comparison:
    """A paired difference between two arms (first minus second), same subjects and folds; `level` is its coverage."""

    arms: tuple[str, str]
    quantity: str
    difference: float
    low: float
    high: float
    p_value: float
    contrast: str | None = None
    level: float | None = None

    def to_dict(self) -> ComparisonRecord:
        """Return the record that ``audit.json`` holds."""
        return {
            "arms": list(self.arms),
            "quantity": self.quantity,
            "contrast": self.contrast,
            "difference": _number(self.difference),
            "low": _number(self.low),
            "high": _number(self.high),
            "p_value": _number(self.p_value),
            "level": _number(self.level),
        }


def withholds_maps(code: str, status: Status) -> bool:
    """Say whether a finding withholds the attribution maps of its arm: they failed G2 and are not drawn.

    Takes the two fields, since a finding is also met as a record of ``audit.json`` and as a row of a table.
    """
    return code == MAPS_GATE and status == "concern"


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return _number(float(value))
    return value.item() if isinstance(value, np.generic) else value
