"""Take the subject out of names of BIDS files, so that sessions and runs of one person stay together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from biasaudit.records import Sample

__all__ = ["subjects_of_names", "with_subjects_of_names"]

_NAME = re.compile(r"(?:.*[/\\])?(sub-[A-Za-z0-9+]+)((?:_[A-Za-z0-9]+-[A-Za-z0-9+]+)*(?:_[A-Za-z0-9]+)?)(?:\.[\w.]+)?")


def subjects_of_names(cells: Sequence[str], column: str) -> tuple[list[str], list[str]]:
    """Read the subject of every cell of a column of subjects.

    Parameters
    ----------
    cells : sequence of str
        ``sub-01_ses-1_T1w``, as MRIQC's group tables have it, or the path of such a file.
    column : str
        Name of the column, for the note.

    Returns
    -------
    subjects : list of str
        ``sub-01`` where every cell is the name of a BIDS file, else the cells as they are.
    notes : list of str
    """
    names = [name for cell in cells if (name := _NAME.fullmatch(cell)) is not None]
    told = next((name for name in names if name[2]), None)
    if len(names) < len(cells) or told is None:
        return list(cells), []
    subjects = [name[1] for name in names]
    note = (
        f"column {column!r} holds names of BIDS files such as {told[0]}: {told[1]} is taken for the subject "
        f"({len(set(subjects))} in all), and its sessions and runs stay in one fold"
    )
    return subjects, [note]


def with_subjects_of_names(samples: Sequence[Sample], column: str) -> tuple[tuple[Sample, ...], list[str]]:
    """Give every sample the subject that `subjects_of_names` reads, and return the notes."""
    subjects, notes = subjects_of_names([sample.subject for sample in samples], column)
    return tuple(replace(sample, subject=name) for sample, name in zip(samples, subjects, strict=True)), notes
