"""Whether a run is finished, and what it found."""

from __future__ import annotations

import json
from pathlib import Path

from biasaudit.errors import IncompleteError, UsageError
from biasaudit.run_folder.contract import AUDIT, PROTOCOL, ArmRecord, AuditRecord

__all__ = ["arm_of", "finished_audit"]


def finished_audit(run_folder: Path) -> AuditRecord:
    """Read what a finished run found.

    Raises
    ------
    UsageError
        The folder is no run, or its ``audit.json`` is damaged.
    IncompleteError
        The run has not been finished.
    """
    if not (run_folder / PROTOCOL).exists():
        raise UsageError(f"{run_folder} is no run of biasaudit; expected the folder that `biasaudit run` wrote")
    path = run_folder / AUDIT
    try:
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise IncompleteError(
            f"the run in {run_folder} is incomplete; run the same `biasaudit run` command again to resume"
        ) from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON ({error.msg}); rerun the audit") from None


def arm_of(audit: AuditRecord, name: str | None) -> ArmRecord:
    """Return one arm of an ``audit.json``, without a name the primary one.

    Raises
    ------
    UsageError
        The run has no arm of that name.
    """
    for arm in audit["arms"]:
        if arm["name"] == name or (name is None and arm["primary"]):
            return arm
    known = ", ".join(arm["name"] for arm in audit["arms"])
    raise UsageError(f"the run has no arm {name!r}; it has {known}")
