"""The records of a calibration as one table: a row per cohort, arm and mask variant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
import pandas as pd

__all__ = ["ArmRecord", "CohortRecord", "ComparisonRecord", "FindingRecord", "TruthRecord", "tabulate", "tabulate_arms"]


FindingRecord = TypedDict(
    "FindingRecord",
    {
        "code": str,
        "status": str,
        "statistic": float | None,
        "p_value": float | None,
        "class": str | None,
        "input": str | None,
        "details": dict[str, Any],
    },
)
"""What a table of cohorts reads of a finding; a class of this kind cannot have a field named `class`."""


class TruthRecord(TypedDict):
    """What was planted, and what the networks made of it; None where undefined."""

    r: float | None
    omega: float | None
    auc_one_site: float | None
    gap: float
    r_error: float | None
    omega_error: float | None


class ArmRecord(TypedDict):
    """One cohort as one arm and one mask variant judged it; what the cohort is comes beside these."""

    cohort: str
    half: str
    regime: str
    masks: bool
    verdict: str
    reason: str
    truth: TruthRecord | None
    reliance: dict[str, Any]
    findings: list[FindingRecord]
    ungated: NotRequired[list[FindingRecord]]


class ComparisonRecord(TypedDict):
    """Difference between two arms of a cohort."""

    quantity: str
    difference: float | None
    low: float
    high: float


class CohortRecord(TypedDict):
    """``record.json`` of one cohort."""

    name: str
    records: list[ArmRecord]
    comparisons: list[ComparisonRecord]


_TRUTH = ("r", "omega", "auc_one_site", "gap", "r_error", "omega_error")


_STATISTIC = ("U4", "U5", "A1", "A2", "U7", "U10")


def tabulate(records: Iterable[CohortRecord]) -> pd.DataFrame:
    """One row per cohort, arm and mask variant.

    Parameters
    ----------
    records : iterable of CohortRecord
    """
    rows = []
    for record in (each for cohort in records for each in cohort["records"]):
        competence = next(finding for finding in record["findings"] if finding["code"] == "G1")
        truth: dict[str, Any] = {**record["truth"]} if record["truth"] else {}
        plain = {key: value for key, value in record.items() if key not in ("findings", "truth", "reliance", "reason")}
        rows.append(
            plain
            | {name: truth.get(name) for name in _TRUTH}
            | {f"reliance_{name}": record["reliance"][name] for name in ("low", "estimate", "high", "from")}
            | {"auc": competence["statistic"], "competent": competence["status"] == "clear"}
            | {"transferred": any(finding["code"] == "U5" for finding in record["findings"])}
            | {"clearable": _clearable(record) and competence["status"] == "clear"}
            | {"maps_pass": _maps_pass(record["findings"])}
            | _evidence(record["findings"])
            | {f"{name} ungated": value for name, value in _evidence(record.get("ungated", ())).items()}
        )
    table = pd.DataFrame(rows)
    numbers = [*_TRUTH, "auc", *(f"reliance_{b}" for b in ("low", "estimate", "high"))]
    table[numbers] = table[numbers].astype(float)
    return table


def _clearable(record: ArmRecord) -> bool:
    """Whether the checks that were asked allow a PATHOLOGY at all: outside crossed designs it needs masks and A2."""
    asked = {finding["code"] for finding in record["findings"]}
    return record["regime"] == "crossed" or (record["masks"] and "A2" in asked)


def _maps_pass(findings: Sequence[FindingRecord]) -> bool | None:
    """Whether the maps passed G2; None where it was not asked."""
    return next((finding["status"] == "clear" for finding in findings if finding["code"] == "G2"), None)


def _evidence(findings: Sequence[FindingRecord]) -> dict[str, float]:
    """Per check the strength that the scoreboard ranks by, and the p-value.

    Several findings of a check give their strongest and their smallest p, corrected for their number (Bonferroni).
    """
    strengths: dict[str, list[float]] = {}
    p_values: dict[str, list[float]] = {}
    for finding in findings:
        if finding["code"][0] in "DG":  # of the design and of the target's competence, not of what it reads
            continue
        if finding["code"] == "U8" and finding["class"] is None:  # of the classes with origin held fixed
            continue
        name = finding["code"] + (f" {finding['input']}" if finding["input"] else "")
        strength = _strength(finding)
        if strength is not None:
            strengths.setdefault(name, []).append(strength)
        if finding["p_value"] is not None and finding["code"] != "U6":  # its p speaks for the pathology
            p_values.setdefault(name, []).append(finding["p_value"])
    columns = {name: max(values) for name, values in strengths.items()}
    return columns | {f"{name} p": min(1.0, len(values) * min(values)) for name, values in p_values.items()}


def _strength(finding: FindingRecord) -> float | None:
    p_value, statistic = finding["p_value"], finding["statistic"]
    if finding["code"] == "U6":
        return None if statistic is None else -float(statistic)
    if finding["code"] == "U2":  # untrained networks show the origin as well; the label they do not
        return None if statistic is None else float(statistic - finding["details"]["auc_label"])
    if finding["code"] in _STATISTIC or p_value is None:
        return None if statistic is None else float(statistic)
    return float(-np.log10(p_value))


def tabulate_arms(records: Iterable[CohortRecord]) -> pd.DataFrame:
    """Whether the reliance difference of two arms has the sign of the truth, and its interval covers it."""
    rows = []
    for record in records:
        own = [each for each in record["records"] if each["masks"]]
        compared = next((c for c in record["comparisons"] if c["quantity"] == "reliance"), None)
        if len(own) != 2 or compared is None or compared["difference"] is None:
            continue
        first, second = (_truth(each) for each in own)
        if first is None or second is None:
            continue
        rows.append({
            "cohort": own[0]["cohort"], "half": own[0]["half"], "regime": own[0]["regime"],
            "truth": first - second, "difference": compared["difference"],
            "covered": compared["low"] <= first - second <= compared["high"],
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["cohort", "half", "regime", "truth", "difference", "covered"])


def _truth(record: ArmRecord) -> float | None:
    """R* of a crossed cohort, Omega* of another."""
    if record["truth"] is None:
        return None
    return record["truth"]["r"] if record["regime"] == "crossed" else record["truth"]["omega"]
