"""The use case `compare`: two finished audits side by side, from what they have stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from biasaudit.comparison.arms import ArmPair, compare_arms, matched_arms
from biasaudit.comparison.findings import FindingPair, differing_findings
from biasaudit.comparison.record import RunComparisonRecord, RunRecord
from biasaudit.comparison.settings import ChangedSetting, changed_settings
from biasaudit.comparison.stored_arm import StoredRun, load_stored_run
from biasaudit.errors import UsageError
from biasaudit.regular_files import real_path

__all__ = ["RunComparison", "compare_runs"]

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True)
class RunComparison:
    """Two finished audits side by side.

    Attributes
    ----------
    runs : tuple of RunRecord
    arms : tuple of mapping
        One record per arm of either run: ``run`` (1 or 2), ``arm``, verdict and estimates.
    pairs : tuple of ArmPair
    findings : tuple of FindingPair
    settings, environment : tuple of ChangedSetting
    same_data : bool
        Whether files, labels, origins and folds are the same.
    """

    runs: tuple[RunRecord, RunRecord]
    arms: tuple[Mapping[str, Any], ...]
    pairs: tuple[ArmPair, ...]
    findings: tuple[FindingPair, ...]
    settings: tuple[ChangedSetting, ...]
    environment: tuple[ChangedSetting, ...]
    same_data: bool

    def to_dict(self) -> RunComparisonRecord:
        """Return the record that ``--json`` prints."""
        record = {
            "schema_version": SCHEMA_VERSION,
            "runs": list(self.runs),
            "same_data": self.same_data,
            "arms": [dict(arm) for arm in self.arms],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "findings": [finding.to_dict() for finding in self.findings],
            "settings": [asdict(difference) for difference in self.settings],
            "environment": [asdict(difference) for difference in self.environment],
        }
        # The parts are frozen records whose fields are the keys.
        return cast(RunComparisonRecord, record)


def compare_runs(first: Path, second: Path) -> RunComparison:
    """Put two finished audits side by side.

    Arms of the same name belong together; where there are none, the primary arms.

    Parameters
    ----------
    first, second : Path
        Folders that ``biasaudit run`` wrote.

    Raises
    ------
    UsageError, IncompleteError, DataError
        One of them is no finished run, or both are the same.
    """
    if real_path(first) == real_path(second):
        raise UsageError(f"{first} is compared with itself; give two runs")
    one, two = load_stored_run(first), load_stored_run(second)
    pairs = matched_arms(one, two)
    return RunComparison(
        runs=(_identity(one), _identity(two)),
        arms=tuple(record for number, run in enumerate((one, two), start=1) for record in _arm_records(run, number)),
        pairs=tuple(compare_arms(pair) for pair in pairs),
        findings=tuple(differing_findings(one, two, pairs)),
        settings=tuple(changed_settings(one.audit["settings"], two.audit["settings"])),
        environment=tuple(changed_settings(_environment(one), _environment(two))),
        same_data=one.audit["biasaudit"].get("data_sha256") == two.audit["biasaudit"].get("data_sha256"),
    )


def _environment(run: StoredRun) -> dict[str, str | None]:
    return {"biasaudit": run.audit["biasaudit"].get("version"), **run.audit["environment"]}


def _identity(run: StoredRun) -> RunRecord:
    audit = run.audit
    return RunRecord(
        folder=str(run.folder),
        name=audit.get("name"),
        version=audit["biasaudit"].get("version"),
        finished=audit["biasaudit"].get("finished"),
        subjects=audit["cohort"]["n"],
        regime=audit["design"]["regime"],
        origins=list(run.factors),
        classes=list(audit["cohort"]["classes"]),
    )


def _arm_records(run: StoredRun, number: int) -> Iterator[dict[str, Any]]:
    for arm in run.audit["arms"]:
        target, reliance, truth = arm["target"], arm["reliance"], next(iter((arm.get("truth") or {}).values()), None)
        yield {
            "run": number,
            "arm": arm["name"],
            "primary": arm["primary"],
            "verdict": arm["verdict"],
            "contrast": arm.get("contrast"),
            "provisional": arm["provisional"],
            "reason": arm["reason"],
            "auc": {
                "estimate": target["auc"],
                "low": target["auc_low"],
                "high": target["auc_high"],
                "level": target.get("level"),
            },
            "reliance": {
                **{key: reliance[key] for key in ("estimate", "low", "high", "from")},
                "kind": reliance.get("kind"),
                "level": reliance.get("level"),
            },
            "lesion_gain": arm["lesion_gain"],
            "origin_auc": arm["origin_auc"],
            "truth": truth and {key: truth.get(key) for key in ("omega", "r", "auc_one_site")},
        }
