"""Types of the record that ``biasaudit compare --json`` prints, and the page of a comparison is made from."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from biasaudit.records import EstimateRecord, Regime, RelianceRecord, Status, VerdictWord
from biasaudit.run_folder.contract import TruthRecord

__all__ = [
    "ArmPairRecord",
    "ChangeRecord",
    "ComparedArmRecord",
    "DifferenceRecord",
    "FindingPairRecord",
    "OutcomeRecord",
    "RunComparisonRecord",
    "RunRecord",
]


class RunRecord(TypedDict):
    """Name, version, size and design of a run."""

    folder: str
    name: str | None
    version: str | None
    finished: str | None
    subjects: int
    regime: Regime
    origins: list[str]
    classes: list[str]


class ComparedArmRecord(TypedDict):
    """Verdict and estimates of one arm of the first or second run."""

    run: int
    arm: str
    primary: bool
    verdict: VerdictWord
    contrast: str | None
    provisional: bool
    reason: str
    auc: EstimateRecord
    reliance: RelianceRecord
    lesion_gain: EstimateRecord | None
    origin_auc: EstimateRecord | None
    truth: TruthRecord | None


class DifferenceRecord(TypedDict):
    """A paired difference, first run minus second."""

    quantity: str
    contrast: str | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    level: NotRequired[float | None]


class ArmPairRecord(TypedDict):
    """One arm of either run, and their differences; `unpaired` says why there are none."""

    arms: list[str]
    subjects: int
    unpaired: str | None
    differences: list[DifferenceRecord]
    notes: list[str]


class OutcomeRecord(TypedDict):
    """Status, statistic and reason of a finding in one of the runs."""

    status: Status
    statistic: float | None
    p_value: float | None
    reason: str | None


_Class = TypedDict("_Class", {"class": str | None})


class FindingPairRecord(_Class):
    """A finding that differs between the runs, or that one of them does not have."""

    arms: list[str] | None
    code: str
    factor: str | None
    contrast: str | None
    layer: str | None
    input: str | None
    first: OutcomeRecord | None
    second: OutcomeRecord | None


class ChangeRecord(TypedDict):
    """A field whose value differs; null where a run does not have it."""

    key: str
    first: Any
    second: Any


class RunComparisonRecord(TypedDict):
    """Two finished audits side by side."""

    schema_version: NotRequired[str]
    runs: list[RunRecord]
    same_data: bool
    arms: list[ComparedArmRecord]
    pairs: list[ArmPairRecord]
    findings: list[FindingPairRecord]
    settings: list[ChangeRecord]
    environment: list[ChangeRecord]
