"""Read ``audit.json``: what a run found, with empty records where optional parts are absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from biasaudit.errors import DataError, Fault, suggestion
from biasaudit.regular_files import read_json_file
from biasaudit.run_folder.contract import AUDIT, PENDING, SCHEMA_VERSION, AuditRecord
from biasaudit.vocabulary import STATUSES, VERDICT_ORDER

__all__ = ["AGAIN", "read_audit"]

AGAIN = "repeat `biasaudit run` with the same output folder; it resumes"
"""What to do about a damaged file of a run."""

_SCHEMA = SCHEMA_VERSION.partition(".")[0] + "."
_PARTS = ("biasaudit", "cohort", "design", "checks", "settings", "environment")


def read_audit(run: Path, *, pending: bool = False) -> AuditRecord:
    """Read what a run found.

    Parameters
    ----------
    run : Path
        The run folder.
    pending : bool
        Read that of a run whose report is still to be drawn, too.

    Raises
    ------
    FileNotFoundError
    DataError
        It is no JSON, not of this schema, or lacks what nothing can do without; every fault at once.
    """
    path = run / AUDIT
    if not path.exists() and pending:
        path = run / PENDING
    try:
        audit = read_json_file(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError([Fault(str(path), f"not readable as JSON ({reason})", AGAIN)]) from None
    if not isinstance(audit, dict):
        raise DataError([Fault(str(path), f"expected an object, not {type(audit).__name__}", AGAIN)])
    filled = _with_defaults(audit)
    faults = [Fault(str(path), message, AGAIN) for message in _audit_faults(filled)]
    if faults:
        raise DataError(faults)
    # Only what a report cannot do without was looked at: the rest is as the engine of the same schema wrote it.
    return cast(AuditRecord, filled)


def _with_defaults(audit: Mapping[str, object]) -> dict[str, object]:
    """Put empty records where optional parts are absent, so that readers need not ask."""
    empty: dict[str, object] = {**{part: {} for part in _PARTS}, "comparisons": [], "notes": [], "limits": []}
    filled = {**empty, **{key: value for key, value in audit.items() if value is not None}}
    if isinstance(filled["cohort"], dict):
        filled["cohort"] = {"n": 0, "classes": {}, "origins": {}, **filled["cohort"]}
    return filled


def _audit_faults(audit: Mapping[str, object]) -> list[str]:
    faults = []
    version = str(audit.get("schema_version", SCHEMA_VERSION))
    if not version.startswith(_SCHEMA):
        faults.append(f"schema_version is {version!r}, this biasaudit reads {_SCHEMA}x")
    for key in _PARTS:
        if not isinstance(audit[key], dict):
            faults.append(f"{key}: expected an object, not {type(audit[key]).__name__}")
    arms = audit.get("arms")
    if not isinstance(arms, list) or not arms:
        return [*faults, "arms: expected a list with at least one arm"]
    for position, arm in enumerate(arms):
        faults.extend(f"arms[{position}]: {fault}" for fault in _arm_faults(arm))
    design = audit["design"]
    if isinstance(design, dict):
        faults.extend(f"design: {fault}" for fault in _finding_faults(design.get("findings", [])))
    return faults


def _arm_faults(arm: object) -> list[str]:
    if not isinstance(arm, dict) or not isinstance(arm.get("name"), str):
        return ["expected an object with a name"]
    words = [arm.get("verdict"), *(each.get("verdict") for each in arm.get("verdicts") or [])]
    faults = [
        f"verdict is {word!r}; {suggestion(str(word), VERDICT_ORDER)}" for word in words if word not in VERDICT_ORDER
    ]
    return faults + _finding_faults(arm.get("findings") or [])


def _finding_faults(findings: Iterable[object]) -> list[str]:
    faults = []
    for position, finding in enumerate(findings):
        if not isinstance(finding, dict) or "code" not in finding:
            faults.append(f"findings[{position}]: expected an object with a code")
        elif finding.get("status") not in STATUSES:
            known = suggestion(str(finding.get("status")), STATUSES)
            faults.append(f"findings[{position}] ({finding['code']}): status is {finding.get('status')!r}; {known}")
    return faults
