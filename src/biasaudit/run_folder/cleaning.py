"""Free the space of a finished run: the results of jobs go, what the run is read for stays."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biasaudit.errors import IncompleteError, UsageError
from biasaudit.run_folder.finished import finished_audit
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.place import is_marked
from biasaudit.run_folder.stored_job import DONE

__all__ = ["Freed", "clean"]

_JOBS = "jobs"
_OURS = re.compile(r"[0-9a-f]{24}|\.[0-9a-f]{24}-\w+")
"""Folders of jobs, and what interrupted ones leave behind."""


@dataclass(frozen=True)
class Freed:
    """What was removed.

    Attributes
    ----------
    jobs : int
    size : int
        Bytes.
    """

    jobs: int
    size: int


def clean(run_folder: Path, *, unfinished: bool = False) -> Freed:
    """Remove the stored results of all jobs; report, tables, maps, models, protocol and ``audit.json`` stay.

    Parameters
    ----------
    run_folder : Path
    unfinished : bool
        Whether the folder may hold a run that is not finished, which then begins anew.

    Raises
    ------
    UsageError
        The folder is no run, or a run is going on in it.
    DataError
        ``audit.json`` or ``protocol.yaml`` is damaged: the jobs are what it can be made from again.
    IncompleteError
        The run is not finished, and that was not allowed.
    """
    _require_cleanable(run_folder, unfinished)
    with in_use(run_folder, "run"):
        folders = list(_job_folders(run_folder / _JOBS))
        size = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
        for folder in folders:
            # Without its marker a job that is removed in part is no job.
            (folder / DONE).unlink(missing_ok=True)
            shutil.rmtree(folder)
    return Freed(len(folders), size)


def _require_cleanable(run_folder: Path, unfinished: bool) -> None:
    try:
        finished_audit(run_folder)
    except IncompleteError:
        if not is_marked(run_folder):
            raise UsageError(f"{run_folder} is no run of biasaudit; nothing was removed") from None
        if not unfinished:
            raise IncompleteError(
                f"the run in {run_folder} is not finished, and resumes from its jobs; finish it, or give --unfinished "
                "to let it begin anew"
            ) from None


def _job_folders(jobs: Path) -> Iterator[Path]:
    if jobs.is_symlink():
        raise UsageError(f"{jobs} is a link; nothing was removed; clean the folder that it leads to")
    if jobs.is_dir():
        yield from (path for path in sorted(jobs.iterdir()) if _OURS.fullmatch(path.name) and not path.is_symlink())
