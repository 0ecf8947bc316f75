"""Take the subject out of names of BIDS files, so that sessions and runs of one person stay together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from biasaudit.records import Note, Sample

__all__ = ["subjects_of_names", "with_subjects_of_names"]

_NAME = re.compile(r"(?:.*[/\\])?(sub-[A-Za-z0-9+]+)((?:_[A-Za-z0-9]+(?:-[A-Za-z0-9+]+)?)+)(?:\.[\w.]+)?")
_ENTITIES = frozenset(
    [
        *("ses", "sample", "task", "tracksys", "acq", "nuc", "voi", "ce", "trc", "stain", "rec", "dir", "run", "mod"),
        *("echo", "flip", "inv", "mt", "part", "proc", "hemi", "space", "split", "recording", "chunk", "seg", "res"),
        *("den", "scale", "label", "desc", "from", "to", "mode"),
    ]
)
"""Entities of BIDS that tell images of one person apart; `site` and `cohort` may be other persons."""
_SUFFIXES = frozenset(
    [
        *("t1w", "t2w", "pdw", "pdt2", "t2starw", "flair", "inplanet1", "inplanet2", "angio", "unit1", "vfa"),
        *("t1map", "t2map", "t2starmap", "r1map", "r2map", "r2starmap", "pdmap", "mtrmap", "mtsat", "mtvmap", "mwfmap"),
        *(
            "mp2rage",
            "t1rho",
            "s0map",
            "m0map",
            "chimap",
            "irt1",
            "megre",
            "mese",
            "mpm",
            "mtr",
            "mts",
            "defacemask",
            "swi",
        ),
        *("bold", "sbref", "cbv", "dwi", "adc", "fa", "trace", "colfa", "expadc", "s0", "asl", "m0scan", "aslcontext"),
        *("epi", "fieldmap", "phasediff", "phase", "phase1", "phase2", "magnitude", "magnitude1", "magnitude2"),
        *("tb1map", "rb1map", "tb1afi", "tb1dam", "tb1epi", "tb1rfm", "tb1tfl", "tb1srge", "rb1cor"),
        *("pet", "blood", "meg", "eeg", "ieeg", "nirs", "motion", "mrsi", "svs", "mrsref", "physio", "stim", "events"),
        *("channels", "electrodes", "optodes", "coordsystem", "headshape", "markers", "scans", "sessions", "beh"),
        *("mask", "dseg", "probseg", "roi", "boldref", "dwiref", "timeseries", "xfm", "qc"),
    ]
)
"""Suffixes of BIDS and of its derivatives; any other last word may be a place."""


def subjects_of_names(cells: Sequence[str], column: str) -> tuple[list[str], list[str]]:
    """Read the subject of every cell of a column of subjects.

    What a cell gives depends on nothing else, so that a table of new images names its subjects as that of the audit
    did.

    Parameters
    ----------
    cells : sequence of str
        ``sub-01_ses-1_T1w``, as MRIQC's group tables have it, or the path of such a file.
    column : str
        Name of the column, for the note.

    Returns
    -------
    subjects : list of str
        ``sub-01`` for the name of a BIDS file, ``sub-01_site-A`` where it holds words that BIDS does not know, and
        any other cell as it is.
    notes : list of str
    """
    subjects = [_subject(cell) for cell in cells]
    read = {cell: subject for cell, subject in zip(cells, subjects, strict=True) if subject != cell}
    if not read:
        return subjects, []
    first, subject = next(iter(read.items()))
    said = f"column {column!r} holds names of BIDS files"
    taken = f"is taken for the subject ({len(set(read.values()))} in all), and its sessions and runs stay in one fold"
    return subjects, [Note(f"{said} such as {first}: {subject} {taken}", f"{said}: sub-* {taken}")]


def with_subjects_of_names(samples: Sequence[Sample], column: str) -> tuple[tuple[Sample, ...], list[str]]:
    """Give every sample the subject that `subjects_of_names` reads, and return the notes."""
    subjects, notes = subjects_of_names([sample.subject for sample in samples], column)
    return tuple(replace(sample, subject=name) for sample, name in zip(samples, subjects, strict=True)), notes


def _subject(cell: str) -> str:
    """Leave the entities and the suffix of BIDS out of the name of a file; a cell without any as it is."""
    name = _NAME.fullmatch(cell)
    if name is None:
        return cell
    words = name[2].split("_")[1:]
    other = [word for place, word in enumerate(words, 1) if not _is_of_bids(word, last=place == len(words))]
    return "_".join([name[1], *other]) if len(other) < len(words) else cell


def _is_of_bids(word: str, *, last: bool) -> bool:
    entity, dash, _ = word.partition("-")
    return entity in _ENTITIES if dash else last and word.casefold() in _SUFFIXES
