"""What a run has read besides images, and which jobs it has stored, for `biasaudit verify` to look for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from biasaudit.run_folder.checksums import checksum_of, read_sealed, sealed, write_flushed
from biasaudit.run_folder.place import MARK

__all__ = ["Inventory", "read_inventory", "write_inputs", "write_jobs"]

_INPUTS, _JOBS = "inputs.json", "jobs.json"


@dataclass(frozen=True)
class Inventory:
    """SHA-256 of files that a run has read, by absolute path, and keys of its jobs; None of what was not recorded."""

    inputs: dict[str, str] | None
    jobs: tuple[str, ...] | None


def write_inputs(run: Path, paths: Iterable[str]) -> None:
    """Note the SHA-256 of some files; paths are kept relative to the run folder."""
    found = {os.path.relpath(path, run): checksum_of(Path(path)).sha256 for path in paths}
    write_flushed(run / MARK / _INPUTS, sealed({"files": found}))


def write_jobs(run: Path, keys: Iterable[str]) -> None:
    """Note the jobs of a finished run."""
    write_flushed(run / MARK / _JOBS, sealed({"keys": list(keys)}))


def read_inventory(run: Path) -> Inventory:
    """Read what was noted; what is damaged counts as not recorded."""
    inputs, jobs = (read_sealed(run / MARK / name) for name in (_INPUTS, _JOBS))
    files = {} if inputs is None else inputs["files"]
    paths = {os.path.normpath(run.absolute() / name): sha256 for name, sha256 in files.items()}
    return Inventory(None if inputs is None else paths, None if jobs is None else tuple(jobs["keys"]))
