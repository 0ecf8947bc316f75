"""The folder of one finished job: its marker holds the size and SHA-256 of every file in it, and a digest of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from biasaudit.run_folder.checksums import Checksum, checksum_of, difference, read_sealed, sealed

__all__ = ["DONE", "Repair", "StoredJob", "sealed_record"]

DONE = "done"
"""The marker: a job without it is not finished."""


@dataclass(frozen=True)
class Repair:
    """A result that was made anew: when (ISO 8601, UTC), and what was wrong with the earlier copy."""

    time: str
    what: str


def sealed_record(folder: Path, repairs: Sequence[Repair]) -> str:
    """Write the marker's content for the files that are in a folder.

    Parameters
    ----------
    folder : Path
    repairs : sequence of Repair
        Of earlier copies.
    """
    files = {name: asdict(checksum_of(folder / name)) for name in _names(folder)}
    return sealed({"files": files, "repairs": [asdict(own) for own in repairs]})


@dataclass(frozen=True)
class StoredJob:
    """The folder of a job, finished or not."""

    folder: Path

    def is_sound(self) -> bool:
        """Whether the job is finished and every file is what was written."""
        return next(self.differences(), None) is None

    def differences(self) -> Iterator[tuple[str, str]]:
        """Yield the name of every file that is not what was written, and how it differs."""
        record = read_sealed(self.folder / DONE)
        if record is None:
            yield DONE, self._marker_fault()
            return
        for name, own in record["files"].items():
            found = difference(self.folder / name, Checksum(**own))
            if found:
                yield name, found

    def foreign(self) -> list[str]:
        """Name the files that the record does not know."""
        record = read_sealed(self.folder / DONE)
        return [] if record is None else [name for name in _names(self.folder) if name not in record["files"]]

    def repairs(self) -> list[Repair]:
        """Return what was wrong with earlier copies, the latest last."""
        record = read_sealed(self.folder / DONE)
        return [] if record is None else [Repair(**own) for own in record["repairs"]]

    def _marker_fault(self) -> str:
        path = self.folder / DONE
        if not path.exists():
            return "missing: the job is not finished"
        return "damaged: the record of the job's files" if path.stat().st_size else "of a version without checksums"


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != DONE)
    return sorted(path.relative_to(folder).as_posix() for path in files)
