"""Whether a run is finished, and what it found."""

from __future__ import annotations

import json
from pathlib import Path

from biasaudit.errors import DataError, IncompleteError, UsageError
from biasaudit.regular_files import read_json_file
from biasaudit.run_folder.contract import AUDIT, PROTOCOL, ArmRecord, AuditRecord
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.vocabulary import PLACES

__all__ = ["arm_of", "finished_audit", "require_undamaged"]


def finished_audit(run_folder: Path, *read: str) -> AuditRecord:
    """Read what a finished run found, and see that nothing that is read of it is damaged.

    Parameters
    ----------
    run_folder : Path
    *read : str
        Files and folders of the run that are read besides ``audit.json`` and ``protocol.yaml``.

    Raises
    ------
    UsageError
        The folder is no run.
    DataError
        A file is not what was written.
    IncompleteError
        The run has not been finished.
    """
    require_undamaged(run_folder, AUDIT, PROTOCOL, PLACES, *read)
    if not (run_folder / PROTOCOL).exists():
        raise UsageError(f"{run_folder} is no run of biasaudit; expected the folder that `biasaudit run` wrote")
    path = run_folder / AUDIT
    try:
        return read_json_file(path)  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise IncompleteError(
            f"the run in {run_folder} is incomplete; run the same `biasaudit run` command again to resume"
        ) from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON ({error.msg}); rerun the audit") from None


def require_undamaged(run_folder: Path, *names: str) -> None:
    """See that files of a run are what was written; those of a version that kept no checksums are taken as they are.

    Parameters
    ----------
    run_folder : Path
    *names : str
        Files, or folders.

    Raises
    ------
    DataError
        One fault for each file that is not.
    """
    faults = list(OwnedFiles(run_folder).differences(("setup", "results"), names))
    if faults:
        raise DataError(faults)


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
