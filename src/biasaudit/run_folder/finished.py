"""Whether a run is finished, and what it found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from biasaudit.errors import DataError, Fault, IncompleteError, UsageError
from biasaudit.regular_files import regular_status
from biasaudit.run_folder.audit_file import read_audit
from biasaudit.run_folder.contract import AUDIT, PROTOCOL, ArmRecord, AuditRecord
from biasaudit.run_folder.owned import RERUN, OwnedFiles
from biasaudit.run_folder.place import is_marked
from biasaudit.vocabulary import PLACES, VERDICT_ORDER, VerdictWord

__all__ = ["arm_of", "as_written", "fails", "finished_audit", "primary_arm", "primary_first", "require_undamaged"]

_SHOWN = 80


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
    # A run that is shared comes without its places, which only what reads its input needs.
    places = [PLACES] if os.path.lexists(run_folder / PLACES) else []
    require_undamaged(run_folder, AUDIT, PROTOCOL, *places, *read)
    if not (run_folder / PROTOCOL).exists():
        raise UsageError(f"{run_folder} is no run of biasaudit; expected the folder that `biasaudit run` wrote")
    try:
        return read_audit(run_folder)
    except FileNotFoundError:
        what = "the run in it is incomplete" if is_marked(run_folder) else "an incomplete run, or none"
        raise IncompleteError(
            f"{run_folder}: {what}; run the same `biasaudit run` command again to resume, or name the folder of its -o"
        ) from None


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Make one fault of a stored file whose content has another form than what was written.

    Parameters
    ----------
    path : Path
        That the block reads and looks into.

    Raises
    ------
    DataError
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        reason = (str(error).splitlines() or [""])[0][:_SHOWN]
        message = f"it does not hold what was written ({type(error).__name__}: {reason})"
        raise DataError([Fault(str(path), message, "run the audit again")]) from None


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
        One fault for each file that is not, or that is a pipe, a device or the like.
    """
    faults = list(OwnedFiles(run_folder).differences(("setup", "results"), names)) or list(_odd(run_folder, names))
    if faults:
        raise DataError(faults)


def _odd(run_folder: Path, names: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault for whatever is no regular file and would keep who reads it waiting."""
    for path in (each for name in names for each in (run_folder / name, *(run_folder / name).rglob("*"))):
        if path.exists() and not path.is_dir():
            try:
                regular_status(path)
            except OSError as error:
                yield Fault(str(path), f"not readable ({error.strerror})", RERUN)


def primary_arm(audit: AuditRecord) -> ArmRecord:
    """Return the arm that an audit is about: the first where a run of an older version names none."""
    return primary_first(audit)[0]


def primary_first(audit: AuditRecord) -> list[ArmRecord]:
    """Return all arms, the primary one before the others."""
    return sorted(audit["arms"], key=lambda arm: not arm.get("primary", False))


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


def fails(arm: ArmRecord, fail_on: VerdictWord) -> bool:
    """Judge an arm for a gate.

    Parameters
    ----------
    arm : ArmRecord
    fail_on : str
        The mildest verdict that fails; MIXED fails an arm of another verdict too if a check flags.
    """
    at_least = VERDICT_ORDER.index(arm["verdict"]) >= VERDICT_ORDER.index(fail_on)
    return at_least or (fail_on == "MIXED" and bool(arm.get("flagged")))
