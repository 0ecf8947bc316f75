"""The run folder: every finished job is one folder named by the hash of what made it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.errors import IncompleteError, UsageError

__all__ = ["Job", "Store", "digest", "finished_audit", "read_json", "write_json"]

_DONE = "done"


@dataclass(frozen=True)
class Job:
    """A pure function of its arguments that writes one folder.

    Attributes
    ----------
    step : str
        Which function does it (`engine.steps`).
    arguments : mapping
        Plain JSON types; all that the result depends on besides `needs` and the code.
    needs : mapping of role to tuple of keys
        Jobs whose folders are read.
    code : str
        Version of the step's code.
    title : str
        For people; not part of the identity.
    """

    step: str
    arguments: Mapping[str, Any]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code: str = ""
    title: str = ""

    @cached_property
    def key(self) -> str:
        """Identity: 24 hexadecimal digits."""
        return digest([self.step, self.code, self.arguments, {role: list(keys) for role, keys in self.needs.items()}])[
            :24
        ]

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Keys of all jobs that must be finished first."""
        return tuple(key for keys in self.needs.values() for key in keys)


class Store:
    """Finished jobs below one folder.

    Parameters
    ----------
    root : Path
        The run folder; jobs lie in ``root/jobs/<key>/``.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.jobs = self.root / "jobs"

    def folder(self, key: str) -> Path:
        """Where the result of a job lies, finished or not."""
        return self.jobs / key

    def needs(self, job: Job) -> dict[str, list[Path]]:
        """Folders of the jobs whose results a job reads, by role."""
        return {role: [self.folder(key) for key in keys] for role, keys in job.needs.items()}

    def finished(self, key: str) -> bool:
        """Whether the job's folder is complete."""
        return (self.folder(key) / _DONE).exists()

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Give a folder to write to, which becomes the job's own only if the block ends without an error.

        Files are flushed to disk, the folder is renamed, and the marker is written last, so that a crash at any
        moment leaves either a finished job or none.
        """
        self.jobs.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=self.jobs))
        try:
            yield temporary
            _flush(temporary)
            self._publish(temporary, key)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _publish(self, temporary: Path, key: str) -> None:
        folder = self.folder(key)
        if self.finished(key):
            return
        shutil.rmtree(folder, ignore_errors=True)
        try:
            os.rename(temporary, folder)
        except OSError:
            if not self.finished(key):
                raise
            return
        (folder / _DONE).touch()
        _flush(folder)

    def sweep(self) -> None:
        """Remove what interrupted jobs left behind; call it only while no worker runs."""
        for leftover in self.jobs.glob(".*-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def require_ours(self) -> None:
        """Refuse a folder that holds something else.

        Raises
        ------
        UsageError
        """
        if self.root.exists() and not self.root.is_dir():
            raise UsageError(f"{self.root} is a file; give a folder for the run")
        if self.root.is_dir() and any(self.root.iterdir()) and not (self.root / "protocol.yaml").exists():
            raise UsageError(f"{self.root} is not empty and is no run of biasaudit; give a new folder")


def finished_audit(run_folder: Path) -> dict[str, Any]:
    """Read what a finished run found.

    Raises
    ------
    UsageError
        The folder is no run, or its ``audit.json`` is damaged.
    IncompleteError
        The run has not been finished.
    """
    if not (run_folder / "protocol.yaml").exists():
        raise UsageError(f"{run_folder} is no run of biasaudit; expected the folder that `biasaudit run` wrote")
    path = run_folder / "audit.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise IncompleteError(
            f"the run in {run_folder} is incomplete; run the same `biasaudit run` command again to resume"
        ) from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON ({error.msg}); rerun the audit") from None


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write JSON with stable key order, by way of a temporary name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=2, default=_plain) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def read_json(path: Path) -> Any:
    """Read JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _flush(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
