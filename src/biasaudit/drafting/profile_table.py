"""First look at a table: which columns hold images, masks and tissue maps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from biasaudit.cohort.images.formats import SUPPORTED, dimensions_of
from biasaudit.cohort.images.missing_files import missing_file_faults
from biasaudit.cohort.readers.bids_names import subjects_of_names
from biasaudit.cohort.readers.cells import read_numbers
from biasaudit.cohort.readers.manifest import Manifest, read_manifest
from biasaudit.drafting import guesses
from biasaudit.drafting.class_words import plain
from biasaudit.drafting.measures import Measures, as_patterns, measures_of
from biasaudit.drafting.profile import DatasetCounts, Profile, missing_files
from biasaudit.errors import DataError, Fault

__all__ = ["profile_table"]


def profile_table(path: Path) -> Profile:
    """List the images of a CSV or TSV table with one row per image, and guess what its columns are.

    Raises
    ------
    DataError
        It cannot be read, or has neither paths of images nor columns of features.
    """
    manifest = read_manifest(path)
    frame = _plain(manifest)
    paths = [str(column) for column in frame.columns if _holds_paths(list(frame[column]))]
    settings = _columns(frame, paths)
    images = settings["image"]
    measures = Measures() if images else _measures(frame, str(settings["subject"]))
    if not images and not measures.columns:
        columns = ", ".join(map(str, frame.columns))
        remedy = f"write one; its cells end in {', '.join(SUPPORTED[:4])} or similar; columns: {columns}"
        raise DataError([Fault(f"{path}:1", "no column holds the paths of images", remedy)])
    settings["features"] = as_patterns(measures.columns, [str(column) for column in frame.columns])
    tissue = [str(name) for name in settings.get("tissue") or ()]
    numbers = [*measures.columns, *measures.left_out]
    names, notes = subjects_of_names(list(frame[str(settings["subject"])]), str(settings["subject"]))
    subject = tuple(names)
    first = (
        tuple(manifest.path_of(row, images[0]) or os.path.abspath(path.parent) for row in manifest.rows)
        if images
        else ()
    )
    return Profile(
        reader="table",
        source=(os.path.abspath(path),),
        datasets=(DatasetCounts(path.stem, len(set(subject)), len(set(subject)), len(frame)),),
        frame=frame.drop(columns=[*paths, *numbers, str(settings["subject"])], errors="ignore"),
        subject=subject,
        dataset=(path.stem,) * len(frame),
        image=first,
        marked=_given(frame, settings.get("mask")),
        tissue=tuple(all(row) for row in zip(*(frame[name] for name in tissue), strict=True))
        if tissue
        else (False,) * len(frame),
        brain=_given(frame, settings.get("brain_mask")),
        settings={key: value for key, value in settings.items() if value},
        choices={"image": ", ".join(paths), "subject": _why_subject(frame, str(settings["subject"]), subject)},
        dimensions=dimensions_of(first[0]) if first else 2,
        measures=measures,
        notes=tuple(notes),
        faults=tuple(_absent(manifest, paths)),
    )


def _measures(frame: pd.DataFrame, subject: str) -> Measures:
    """Columns of numbers, looked at beside the class and the first origin that is known for all."""
    label = guesses.label_column(frame)
    origins = guesses.origin_columns(frame, list(frame[subject]), [label] if label else [])
    known = next((column.values for column in origins if column.missing == 0 and column.levels > 1), ())
    return measures_of(frame, [subject, *([label] if label else [])], list(frame[label]) if label else (), known)


def _why_subject(frame: pd.DataFrame, column: str, subjects: Sequence[str]) -> str:
    """Say why this is the column of subjects, and what must hold where none is called so."""
    if subjects != tuple(frame[column]):
        return f"guess: of names such as {frame[column].iat[0]} the part {subjects[0]}"
    if guesses.named_column(frame, guesses.SUBJECTS, all) == column:
        return "guess by its name"
    return "guess, none is called so: rows of one person must have the same cell here, or they part between folds"


def _columns(frame: pd.DataFrame, paths: Sequence[str]) -> dict[str, list[str] | str | None]:
    """Guess the settings of the table reader: the columns of images, subjects, masks, tissue, maps and splits."""
    files = frame[list(paths)]
    mask = guesses.named_column(files, guesses.MASKS, any)
    brain = guesses.named_column(files, guesses.BRAIN_MASKS, any)
    tissue = _tissue(files)
    maps = [name for name in paths if all(frame[name]) and any(word in plain(name) for word in guesses.MAPS)]
    taken = {mask, brain, *tissue, *maps}
    images = [name for name in paths if name not in taken]
    # Several image columns may be channels or alternatives; the first one is proposed and the others are named.
    preferred = [name for name in images if plain(name) in ("image", "path", "file", "filename", "img")]
    chosen = (preferred or images)[:1]
    subject = guesses.named_column(frame, guesses.SUBJECTS, all) or (chosen or [str(frame.columns[0])])[0]
    return {
        "image": chosen,
        "subject": subject,
        "mask": mask,
        "brain_mask": brain,
        "tissue": tissue,
        "maps": maps,
        "split": guesses.named_column(frame, guesses.SPLITS, any),
    }


def _tissue(files: pd.DataFrame) -> list[str]:
    by_name = {plain(str(column)): str(column) for column in files.columns}
    complete = [
        [by_name[name] for name in names] for names in guesses.TISSUES if all(name in by_name for name in names)
    ]
    return complete[0] if complete else []


def _holds_paths(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell]
    return bool(given) and all(cell.lower().endswith(SUPPORTED) for cell in given)


def _given(frame: pd.DataFrame, column: list[str] | str | None) -> tuple[bool, ...]:
    return tuple(bool(cell) for cell in frame[column]) if isinstance(column, str) else (False,) * len(frame)


def _absent(manifest: Manifest, columns: Sequence[str]) -> list[Fault]:
    """Make a fault of the files that the table names and that are not there, of many one."""
    named: dict[str, str] = {}
    for column in columns:
        for row in manifest.rows:
            if path := manifest.path_of(row, column):
                named.setdefault(path, manifest.where(row))
    return missing_file_faults({path: named[path] for path in missing_files(named)})


def _plain(manifest: Manifest) -> pd.DataFrame:
    """Cells as text, empty where missing, numbers with a decimal point whatever mark the table has."""
    frame = manifest.frame.apply(guesses.filled)
    for name in frame.columns:
        numbers = read_numbers(list(frame[name]), commas=name in manifest.comma_columns)
        if numbers.marks and not numbers.wrong:
            frame[name] = ["" if value is None else f"{value:.15g}" for value in numbers.values]
    return frame
