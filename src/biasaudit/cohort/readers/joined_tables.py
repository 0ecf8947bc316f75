"""Several tables of one cohort as one: their rows belong together by the subject, or by subject and session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from biasaudit.cohort.readers.cells import folded, is_missing, quoted_few
from biasaudit.cohort.readers.manifest import Manifest, Source, read_manifest
from biasaudit.errors import DataError, Fault, gathered, suggestion
from biasaudit.protocol import TableCohort
from biasaudit.records import Note

__all__ = ["read_tables"]

Key = tuple[str, ...]

_FREESURFER = re.compile(r"(?:[lr]h\.\S+|Measure:\S+|Seg:\S+)")
"""What the first column of FreeSurfer's group tables is called; it holds the subjects."""
_MRIQC = "bids_name"
_ENTITIES = re.compile(r"(?P<sub>sub-[^_]+)(?:_(?P<ses>ses-[^_]+))?_\S+")
_PREFIX = re.compile(r"^(?:sub|ses)-")
_REMEDY = "rename the column of the subjects, or name it as `key`"


def read_tables(settings: TableCohort) -> Manifest:
    """Read the tables of a cohort and join them by the key.

    The rows are those of the first table that have one in each other; where a subject has several in another, each is a
    row. A table that lacks some columns of the key joins by the others. FreeSurfer's group tables hold the subjects in
    their first column, MRIQC's hold subject and session in ``bids_name``.

    Raises
    ------
    DataError
        Every fault at once: of the tables themselves, no key, several rows of one key on both sides, no row in
        common, columns of one name that disagree.
    """
    if len(settings.tables) == 1:
        return read_manifest(settings.tables[0], settings.limits)
    keys = settings.key or [settings.subject]
    tables: list[Manifest] = []
    faults: list[Fault] = []
    for path in settings.tables:
        try:
            tables.append(_with_key(read_manifest(path, settings.limits), keys))
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    joined = tables[0]
    for table in tables[1:]:
        joined = _joined(joined, table, keys)
    return joined


def _with_key(table: Manifest, keys: Sequence[str]) -> Manifest:
    """Name the columns of the key in a table of FreeSurfer or MRIQC, and require the first one and all its cells."""
    names = [str(name) for name in table.frame.columns]
    if keys[0] not in names:
        table = _named_by_program(table, names, keys)
    faults = [
        fault
        for key in keys
        if key in table.frame
        for fault in gathered(
            [table.where(row) for row in table.rows if is_missing(table.cell(row, key))],
            f"column {key!r} is empty",
            "fill it in or leave the row out",
        )
    ]
    if faults:
        raise DataError(faults)
    return table


def _named_by_program(table: Manifest, names: Sequence[str], keys: Sequence[str]) -> Manifest:
    if _FREESURFER.fullmatch(names[0]):
        note = f"{table.path.name}: {keys[0]!r} is its first column, {names[0]!r}"
        return replace(table, frame=table.frame.rename(columns={names[0]: keys[0]}), notes=(*table.notes, note))
    found = [_ENTITIES.fullmatch(name) for name in table.column(_MRIQC)]
    if _MRIQC not in names or not all(found):
        raise DataError([Fault(f"{table.path}:1", f"no column {keys[0]!r} to join by", _no_key(keys[0], names))])
    frame = table.frame.copy()
    for key, entity in zip(keys, ("sub", "ses"), strict=False):
        if key not in frame and all(each and each[entity] for each in found):
            frame[key] = [each[entity] for each in found if each]
    note = f"{table.path.name}: {' and '.join(k for k in keys[:2] if k in frame)} are read from {_MRIQC!r}"
    return replace(table, frame=frame, notes=(*table.notes, note))


def _no_key(key: str, names: Sequence[str]) -> str:
    return f"{suggestion(key, names)} {_REMEDY}"


@dataclass(frozen=True)
class _Pairs:
    """Rows of two tables that belong together."""

    first: list[int]
    second: list[int]


def _joined(first: Manifest, second: Manifest, keys: Sequence[str]) -> Manifest:
    shared = [key for key in keys if key in first.frame and key in second.frame]
    pairs, notes = _matched(first, second, shared)
    left, right = first.kept(pairs.first), second.kept(pairs.second)
    faults = _disagreements(left, right, shared)
    if faults:
        raise DataError(faults)
    new = [str(name) for name in right.frame.columns if name not in left.frame]
    filled = {
        name: _filled(left, right, name) for name in left.frame.columns if name in right.frame and name not in keys
    }
    frame = pd.concat([left.frame.assign(**filled), right.frame[new]], axis=1)
    said = (*left.notes, *right.notes, *notes)
    return Manifest(left.path, frame, left.lines, said, left.commas, _sources(left, right, [*new, *filled]))


def _sources(left: Manifest, right: Manifest, names: Iterable[str]) -> dict[str, Source]:
    """Say where columns are from that are not, or not only, of the first; commas of both are decimal in both or not."""
    sources = dict(left.joined)
    for name in names:
        if name not in left.frame:
            sources[name] = right.source(name)
        elif name in left.comma_columns:
            sources[name] = replace(left.source(name), commas=name in right.comma_columns)
    return sources


def _matched(first: Manifest, second: Manifest, keys: Sequence[str]) -> tuple[_Pairs, list[str]]:
    """Pair the rows of one key; who has none in the other table is told and left out."""
    known, others = _rows_by_key(first, keys), _rows_by_key(second, keys)
    others, respelt = _spelt_alike(first, second, known, others)
    both = known.keys() & others.keys()
    if not both:
        message = f"none of its {keys[0]!r} is in {first.path.name}: {_shown(others)} here, {_shown(known)} there"
        raise DataError([Fault(str(second.path), message, "write subjects alike in all tables")])
    several = [key for key in known if key in both and len(known[key]) > 1 and len(others[key]) > 1]
    if several:
        message = f"several rows of {_shown(several)} here and in {first.path.name}"
        remedy = "name the column that tells them apart, such as the session, as the second `key`"
        raise DataError([Fault(second.where(others[several[0]][1]), message, remedy)])
    pairs = [(one, other) for key in known if key in both for one in known[key] for other in others[key]]
    pairs.sort()
    notes = [*respelt, *_left_out(first, second, known, both), *_left_out(second, first, others, both)]
    return _Pairs([one for one, _ in pairs], [other for _, other in pairs]), notes


def _rows_by_key(table: Manifest, keys: Sequence[str]) -> dict[Key, list[int]]:
    rows: dict[Key, list[int]] = {}
    for row in table.rows:
        cells = (_PREFIX.sub("", table.cell(row, key)).rstrip("/") for key in keys)
        rows.setdefault(tuple(cells), []).append(row)
    return rows


def _spelt_alike(
    first: Manifest, second: Manifest, known: Mapping[Key, list[int]], others: Mapping[Key, list[int]]
) -> tuple[dict[Key, list[int]], list[str]]:
    """Spell keys of the second table as in the first, as spreadsheets make 1 of 001: where it is plain which is meant.

    Raises
    ------
    DataError
        ``1`` of one table is ``01`` or ``001`` of the other.
    """
    here, there = _by_folded(others), _by_folded(known)
    apart = [name for name in here if name in there and here[name] != there[name]]
    unclear = [name for name in apart if len(here[name]) + len(there[name]) > 2]
    if unclear:
        places = [second.where(others[key][0]) for name in unclear for key in here[name]]
        spelt = f"{_shown(here[unclear[0]])} here, {_shown(there[unclear[0]])} in {first.path.name}"
        message = f"subjects that are spelt in several ways: {spelt}"
        raise DataError(gathered(places, message, "write subjects alike in all tables"))
    names = {here[name][0]: there[name][0] for name in apart}
    return {names.get(key, key): rows for key, rows in others.items()}, _respelt(first, second, names)


def _by_folded(rows: Iterable[Key]) -> dict[Key, list[Key]]:
    """Spellings by what they have in common, in order."""
    spellings: dict[Key, list[Key]] = {}
    for key in sorted(rows):
        spellings.setdefault(tuple(map(folded, key)), []).append(key)
    return spellings


def _respelt(first: Manifest, second: Manifest, names: Mapping[Key, Key]) -> list[str]:
    if not names:
        return []
    said = f"{second.path.name}: {len(names)} that {first.path.name} spells otherwise are taken for the same"
    return [Note(f"{said}: {_shown(names)} for {_shown(names.values())}", said)]


def _left_out(table: Manifest, other: Manifest, rows: Mapping[Key, Sequence[int]], both: set[Key]) -> list[str]:
    alone = [key for key in rows if key not in both]
    if not alone:
        return []
    said = f"{table.path.name}: {len(alone)} without a row in {other.path.name} are left out"
    return [Note(f"{said}: {_shown(alone)}", said)]


def _shown(keys: Iterable[Key]) -> str:
    return quoted_few([" ".join(key) for key in keys])


def _disagreements(first: Manifest, second: Manifest, keys: Sequence[str]) -> list[Fault]:
    """Refuse columns of one name whose cells differ; where one of the two is missing the other is taken."""
    faults = []
    for name in (str(n) for n in first.frame.columns if n in second.frame and n not in keys):
        pairs = zip(first.column(name), second.column(name), strict=True)
        rows = [row for row, (one, other) in enumerate(pairs) if _differ(one, other)]
        if rows:
            one, other = first.cell(rows[0], name), second.cell(rows[0], name)
            message = f"column {name!r} is {other!r} here and {one!r} at {first.where(rows[0], name)}"
            remedy = "leave it in one of the tables, or rename one"
            faults += gathered([second.where(row) for row in rows], message, remedy)
    return faults


def _differ(one: str, other: str) -> bool:
    return not is_missing(one) and not is_missing(other) and folded(one) != folded(other)


def _filled(first: Manifest, second: Manifest, name: str) -> list[str]:
    pairs = zip(first.column(name), second.column(name), strict=True)
    return [other if is_missing(one) else one for one, other in pairs]
