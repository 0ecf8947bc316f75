"""Which jobs the results of a run were made from, for `biasaudit verify` to look for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from biasaudit.run_folder.checksums import read_sealed, sealed, write_flushed
from biasaudit.run_folder.place import MARK

__all__ = ["read_jobs", "write_jobs"]

_JOBS = "jobs.json"


def write_jobs(run: Path, keys: Iterable[str]) -> None:
    """Note the jobs of a finished run."""
    write_flushed(run / MARK / _JOBS, sealed({"keys": list(keys)}))


def read_jobs(run: Path) -> tuple[str, ...] | None:
    """Return their keys; None where they were not noted, or the note is damaged."""
    record = read_sealed(run / MARK / _JOBS)
    return None if record is None else tuple(record["keys"])
