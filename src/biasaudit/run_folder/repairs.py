"""What was found damaged in a run folder and made anew: told beside the notes of the audit, which stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from biasaudit.run_folder.checksums import read_sealed, sealed, write_flushed
from biasaudit.run_folder.place import MARK

__all__ = ["read_repairs", "write_repairs"]

_REPAIRS = "repairs.json"


def write_repairs(run: Path, notes: Iterable[str]) -> None:
    """Keep these notes and no others."""
    path, kept = run / MARK / _REPAIRS, list(notes)
    if kept:
        write_flushed(path, sealed({"notes": kept}))
    else:
        path.unlink(missing_ok=True)


def read_repairs(run: Path) -> list[str]:
    """Return the notes, oldest first; none where there are none."""
    record = read_sealed(run / MARK / _REPAIRS)
    return [] if record is None else [str(note) for note in record["notes"]]
