"""Embeddings in place of images: one row of numbers per subject, in a file beside the table."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biasaudit.cohort.images.declared import PARSING, npy_header
from biasaudit.cohort.readers.binary_tables import EXPANSION, parquet_table, require_small
from biasaudit.cohort.readers.cells import quoted_few
from biasaudit.cohort.readers.features import feature_spread
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import TableCohort
from biasaudit.records import FloatArray, Note, Sample
from biasaudit.regular_files import read_regular

__all__ = ["embedding_names", "with_embeddings"]

VALUES, SUBJECTS = "embeddings", "subject"
"""Keys of the arrays of an .npz; `embeddings` is also the column of lists of a .parquet."""

_LIMIT = "cohort.limits.table_megabytes"
_LONGEST_HEADER = 1 << 17
_WRITE = "write it by `numpy.savez(file, embeddings=..., subject=...)`"


@dataclass(frozen=True)
class _Embeddings:
    """`values` (n, d) of `subjects` (n,)."""

    subjects: Sequence[str]
    values: FloatArray


def with_embeddings(
    samples: Sequence[Sample], path: Path, settings: TableCohort
) -> tuple[tuple[Sample, ...], list[str]]:
    """Give every sample the embedding of its subject, scaled by the median and interquartile range of the cohort.

    An ``.npz`` holds the arrays ``embeddings``, numbers (n, d), and ``subject``, names or numbers (n,). A ``.parquet``
    holds the column of the subjects, as the table calls it, and either a column ``embeddings`` of lists or a column of
    numbers for every dimension. Nothing is ever unpickled.

    Parameters
    ----------
    samples : sequence of Sample
    path : Path
    settings : TableCohort

    Returns
    -------
    samples, notes
        Dimensions that do not vary over the cohort are left out, and told.

    Raises
    ------
    DataError
        Every fault at once: the file, its arrays, subjects that stand in it twice or not at all, values that are not
        finite.
    """
    known = _read(path, settings)
    faults = [*_twice(path, known), *_absent(path, known, samples), *_not_finite(path, known)]
    if faults:
        raise DataError(faults)
    rows = {subject: row for row, subject in enumerate(known.subjects)}
    values = known.values[[rows[sample.subject] for sample in samples]]
    spread = feature_spread(values)
    kept = spread > 0
    if not kept.any():
        raise DataError([Fault(str(path), "the embeddings of all subjects are the same", "embed the images again")])
    scaled = ((values - np.median(values, axis=0))[:, kept] / spread[kept]).tolist()
    made = tuple(replace(sample, features=tuple(row)) for sample, row in zip(samples, scaled, strict=True))
    return made, _notes(path, known, samples, kept)


def embedding_names(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Name the dimensions: ``e001``, ``e002``, ..."""
    count = len(samples[0].features) if samples else 0
    return tuple(f"e{number:0{len(str(count))}d}" for number in range(1, count + 1))


def _notes(path: Path, known: _Embeddings, samples: Sequence[Sample], kept: npt.NDArray[np.bool_]) -> list[str]:
    notes: list[str] = [f"{int(kept.sum())} dimensions of embeddings in place of images ({path.name})"]
    if not kept.all():
        notes.append(f"{path.name}: {int((~kept).sum())} dimensions are the same in all subjects and left out")
    others = [subject for subject in known.subjects if subject not in {sample.subject for sample in samples}]
    if others:
        said = f"{path.name}: {len(others)} subjects without a row in the table are left out"
        notes.append(Note(f"{said}: {quoted_few(others)}", said))
    return notes


def _read(path: Path, settings: TableCohort) -> _Embeddings:
    try:
        content = read_regular(path, settings.limits.table_bytes, _LIMIT)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise DataError(
            [Fault(str(path), reason, "give the path of a file of embeddings in `cohort.features`")]
        ) from None
    most = settings.limits.table_bytes * EXPANSION
    parse = _parquet if path.suffix.lower() == ".parquet" else _npz
    try:
        subjects, values = parse(path, content, settings.subject, most)
    except DataError:
        raise
    except Exception as error:  # whatever zipfile, NumPy and pyarrow raise on damaged files
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError([Fault(str(path), f"cannot be read as embeddings ({reason})", _WRITE)]) from None
    faults = list(_shape_faults(path, subjects, values))
    if faults:
        raise DataError(faults)
    return _Embeddings([str(each).strip() for each in subjects.tolist()], np.asarray(values, dtype=np.float64))


def _shape_faults(path: Path, subjects: npt.NDArray[Any], values: npt.NDArray[Any]) -> list[Fault]:
    found = []
    if values.dtype.kind not in "fiu":
        found.append(Fault(str(path), f"{VALUES} are {values.dtype}, expected real numbers", _WRITE))
    if values.ndim != 2 or 0 in values.shape:
        found.append(
            Fault(str(path), f"{VALUES} have the shape {values.shape}, expected (subjects, dimensions)", _WRITE)
        )
    if subjects.ndim != 1 or subjects.dtype.kind not in "iuU":
        message = f"{SUBJECTS} is {subjects.dtype} of the shape {subjects.shape}, expected one name per row"
        found.append(Fault(str(path), message, _WRITE))
    elif values.ndim == 2 and len(subjects) != len(values):
        message = (
            f"{len(subjects)} subjects and {len(values)} rows of {VALUES}, expected as many of one as of the other"
        )
        found.append(Fault(str(path), message, _WRITE))
    return found


def _twice(path: Path, known: _Embeddings) -> list[Fault]:
    twice = [subject for subject, count in Counter(known.subjects).items() if count > 1]
    if not twice:
        return []
    message = f"{len(twice)} subjects stand in it more than once: {quoted_few(twice)}"
    return [Fault(str(path), message, "keep one row per subject, such as the mean over its images")]


def _absent(path: Path, known: _Embeddings, samples: Sequence[Sample]) -> list[Fault]:
    given = set(known.subjects)
    absent = list(dict.fromkeys(sample.subject for sample in samples if sample.subject not in given))
    if not absent:
        return []
    message = f"no embedding of {len(absent)} subjects of the table: {quoted_few(absent)}"
    return [Fault(str(path), message, "embed them, spell subjects alike in both, or leave their rows out by `select`")]


def _not_finite(path: Path, known: _Embeddings) -> list[Fault]:
    bad = np.flatnonzero(~np.isfinite(known.values).all(axis=1))
    if not bad.size:
        return []
    first = int(np.flatnonzero(~np.isfinite(known.values[bad[0]]))[0])
    value = known.values[bad[0], first]
    message = (
        f"{bad.size} rows hold values that are not finite, the first {value} in row {bad[0] + 1} "
        f"(subject {known.subjects[bad[0]]!r}), dimension {first + 1}"
    )
    return [Fault(str(path), message, "leave these subjects out, or embed their images again")]


def _npz(path: Path, content: bytes, subject: str, most: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        names = {part.filename.removesuffix(".npy"): part for part in parts.infolist()}
        missing = [key for key in (SUBJECTS, VALUES) if key not in names]
        if missing:
            held = quoted_few(list(names)) or "nothing"
            message = f"no array {' and no array '.join(map(repr, missing))}; it holds {held}"
            raise DataError([Fault(str(path), message, _WRITE)])
        subjects, values = (_array(path, parts, names[key], key, most) for key in (SUBJECTS, VALUES))
    return np.char.decode(subjects, "utf-8") if subjects.dtype.kind == "S" else subjects, values


def _array(path: Path, parts: zipfile.ZipFile, part: zipfile.ZipInfo, key: str, most: int) -> npt.NDArray[Any]:
    """Read one array whose header says no more than the file holds, and no more than is allowed."""
    with parts.open(part) as file:
        _, kind, end = npy_header(file.read(_LONGEST_HEADER))
    if kind.hasobject:
        message = f"{key} is an array of Python objects, which is never unpickled"
        raise DataError([Fault(str(path), message, "write numbers and text: `numpy.asarray(names, dtype=str)`")])
    require_small(path, max(part.file_size, end), most)
    content = parts.read(part)
    with PARSING:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))


def _parquet(path: Path, content: bytes, subject: str, most: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    table = parquet_table(path, content, most, "save an .npz")
    if subject not in table.column_names:
        message = f"no column {subject!r}; it holds {quoted_few(table.column_names)}"
        raise DataError([Fault(str(path), message, "call the column of the subjects as the table does")])
    subjects = np.asarray([str(each) for each in table.column(subject).to_pylist()])
    if VALUES in table.column_names:
        return subjects, _of_lists(path, table.column(VALUES).to_pylist())
    others = [name for name in table.column_names if name != subject and not name.startswith("__index_level_")]
    columns = [np.asarray(table.column(name).to_pylist(), dtype=np.float64) for name in others]
    return subjects, np.stack(columns, axis=1) if columns else np.empty((len(subjects), 0))


def _of_lists(path: Path, rows: Sequence[Sequence[float] | None]) -> npt.NDArray[Any]:
    lengths = {0 if row is None else len(row) for row in rows}
    if len(lengths) > 1:
        message = f"{VALUES} of {min(lengths)} to {max(lengths)} dimensions, expected as many in every row"
        raise DataError([Fault(str(path), message, "embed all images by one network")])
    return np.asarray(rows, dtype=np.float64)
