"""The run folder: every finished job is one folder named by the hash of what made it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from biasaudit.engine.jobs.job import Folders, Job, Role
from biasaudit.errors import UsageError

__all__ = ["Store"]

_DONE = "done"


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
        """Return the folder of a job's result, finished or not."""
        return self.jobs / key

    def needs(self, job: Job) -> Folders:
        """Folders of the jobs whose results a job reads, by role."""
        return self.folders(job.needs)

    def folders(self, needs: Mapping[Role, tuple[str, ...]]) -> Folders:
        """Folders of some jobs, by role."""
        return Folders({role: tuple(self.folder(key) for key in keys) for role, keys in needs.items()})

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


def _flush(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
