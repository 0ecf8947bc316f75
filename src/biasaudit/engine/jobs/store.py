"""The run folder: every finished job is one folder named by the hash of what made it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

from biasaudit.engine.jobs.job import Folders, Job, Role
from biasaudit.errors import DataError, Fault
from biasaudit.protocol.places import Places
from biasaudit.run_folder.checksums import write_flushed
from biasaudit.run_folder.hiding import hide_places
from biasaudit.run_folder.stored_job import DONE, Repair, StoredJob, sealed_record

__all__ = ["DamagedJobError", "Store"]

_AGAIN = "run the same command again, which computes it anew"


_LEFTOVER = re.compile(r"\.[0-9a-f]+-[0-9a-f]{12}")
"""Names that `Store.writing` gives."""


class DamagedJobError(DataError):
    """A stored result is not what was written."""


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

    def place(self, key: str) -> Path:
        """Return where the folder of a job is or will be."""
        return self.jobs / key

    def folder(self, key: str) -> Path:
        """Return the folder of a finished job, every file of which is what was written.

        Raises
        ------
        DamagedJobError
            The job is not finished, or a file is damaged or missing.
        """
        place = self.place(key)
        faults = [Fault(str(place / name), what, _AGAIN) for name, what in StoredJob(place).differences()]
        if faults:
            raise DamagedJobError(faults)
        return place

    def needs(self, job: Job) -> Folders:
        """Folders of the jobs whose results a job reads, by role; raises as `folder` does."""
        return self.folders(job.needs)

    def folders(self, needs: Mapping[Role, tuple[str, ...]]) -> Folders:
        """Folders of some jobs, by role; raises as `folder` does."""
        return Folders({role: tuple(self.folder(key) for key in keys) for role, keys in needs.items()})

    def finished(self, key: str) -> bool:
        """Whether the job's folder is complete and undamaged; each file is read once in a process."""
        return StoredJob(self.place(key)).is_sound()

    def repairs(self, key: str) -> list[Repair]:
        """Say of a finished job what had been wrong with earlier copies, the latest last."""
        return StoredJob(self.place(key)).repairs()

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Give a folder to write to, which becomes the job's own only if the block ends without an error.

        Files are flushed to disk, then the marker with the checksum of every file, and the folder is renamed last: a
        crash at any moment leaves either a finished job or none, and two who do the same job never see half of it.
        """
        self.jobs.mkdir(parents=True, exist_ok=True)
        temporary = self.jobs / f".{key}-{secrets.token_hex(6)}"
        temporary.mkdir()
        try:
            yield temporary
            hide_places(temporary, Places.read(self.root))
            _flush(temporary)
            self._publish(temporary, key)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _publish(self, temporary: Path, key: str) -> None:
        folder, earlier = self.place(key), StoredJob(self.place(key))
        damage = [f"{name}: {what}" for name, what in earlier.differences()] if folder.exists() else []
        if folder.exists() and not damage:
            return
        repaired = [Repair(datetime.now(UTC).isoformat(), what) for what in damage[:1]]
        write_flushed(temporary / DONE, sealed_record(temporary, [*earlier.repairs(), *repaired]))
        _flush_folder(temporary)
        if damage:
            shutil.rmtree(folder, ignore_errors=True)
        try:
            os.rename(temporary, folder)
        except OSError:
            if not self.finished(key):
                raise
            return
        _flush_folder(self.jobs)

    def sweep(self) -> None:
        """Remove what interrupted jobs left behind, and nothing else; call it only while no worker runs."""
        for leftover in self.jobs.glob(".*-*"):
            if _LEFTOVER.fullmatch(leftover.name):
                shutil.rmtree(leftover, ignore_errors=True)


def _flush(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _flush_folder(path)


def _flush_folder(path: Path) -> None:
    """Write a file or a folder to the disk; some file systems cannot flush folders."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError) if path.is_dir() else nullcontext():
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
