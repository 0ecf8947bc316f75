"""Turn the cells of a table into classes, origins and covariates; shared by all readers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from biasaudit.cohort.readers.cells import bare_number, folded, is_missing, quoted_few
from biasaudit.cohort.readers.origin_names import one_spelling
from biasaudit.errors import Fault, closest, gathered, suggestion
from biasaudit.protocol import LabelSettings
from biasaudit.records import Sample

__all__ = [
    "Classes",
    "Pooled",
    "assign_classes",
    "missing_faults",
    "pool_origins",
    "subject_faults",
    "with_pooled_origins",
]

OTHER = "other"
_LONGEST_NAME = 256
_FEW_LABELS = 5
_LIKENESS = 0.75
"""Share of letters in common from which a label that counts as negative is taken for a misspelt positive one: .89 for
``pnuemonia`` and ``pneumonia``, .67 for ``adenoma`` and ``adenocarcinoma``."""


@dataclass(frozen=True)
class Classes:
    """The class of every row.

    Attributes
    ----------
    names : tuple of str
        The negative class, then the positive ones.
    labels : tuple of str
        Class name per row; empty where unknown.
    faults : tuple of Fault
    notes : tuple of str
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def assign_classes(values: Sequence[str], places: Sequence[str], settings: LabelSettings, *, labelled: bool) -> Classes:
    """Turn label cells into classes.

    Parameters
    ----------
    values : sequence of str
        Label cells. One that is missing (`is_missing`) has no class, unless the settings name it as one.
    places : sequence of str
        ``table.tsv:12`` per cell.
    settings : LabelSettings
    labelled : bool
        False for new images: whatever cannot be told is left unknown, and nothing is a fault.
    """
    cells, values = values, [_meant(value, settings) for value in values]
    names, note = _class_names(values, settings)
    open_negative = settings.negative is None
    labels = tuple(_class_of(value, names, open_negative) for value in values)
    faults = _label_faults(cells, values, places, settings) if labelled else []
    notes = [*(_misspelt(values, settings) if labelled and open_negative else []), *([note] if note else [])]
    notes += _respelt(cells, values)
    return Classes(names, labels, tuple(faults), tuple(notes))


def pool_origins(
    origins: Sequence[str], subjects: Sequence[str], labels: Sequence[str], minimum: int, factor: str
) -> tuple[list[str], list[str]]:
    """Pool origins with fewer than `minimum` subjects as ``other``.

    Origins of different classes are never pooled with each other (``other (healthy)``, ``other (ms)``): a pool that
    holds both classes would turn a nested design into a crossed one that it is not. A small origin stays by itself
    where there is nothing to pool it with, or where a single origin would be left.

    Parameters
    ----------
    origins, subjects, labels : sequences of str
        One per sample.
    minimum : int
        Smallest number of subjects of an origin.
    factor : str
        Name of the origin factor, for the notes.

    Returns
    -------
    list of str
        Origin per sample.
    list of str
        Notes.
    """
    sizes = {origin: len({s for s, o in zip(subjects, origins, strict=True) if o == origin}) for origin in set(origins)}
    small = sorted(origin for origin, size in sizes.items() if size < minimum)
    groups: dict[tuple[str, ...], list[str]] = {}
    for origin in small:
        classes = {label for label, o in zip(labels, origins, strict=True) if o == origin}
        groups.setdefault(tuple(sorted(classes)), []).append(origin)
    names = _pool_names(groups)
    pooled = [names.get(origin, origin) for origin in origins]
    if len(set(pooled)) < 2:
        names, pooled = {}, list(origins)
    return pooled, _pooling_notes(small, names, sizes, minimum, factor)


@dataclass(frozen=True)
class Pooled:
    """Samples whose small origins are pooled.

    Attributes
    ----------
    samples : tuple of Sample
    names : mapping of factor to (mapping of origin to origin)
        Origins that were pooled or spelt in several ways, and under which name.
    notes : list of str
    """

    samples: tuple[Sample, ...]
    names: Mapping[str, Mapping[str, str]]
    notes: list[str]


def with_pooled_origins(samples: Sequence[Sample], factors: Sequence[str], minimum: int) -> Pooled:
    """Give every origin one spelling (`one_spelling`), and pool those of fewer than `minimum` subjects by factor."""
    notes: list[str] = []
    names: dict[str, dict[str, str]] = {}
    origins: list[dict[str, str]] = [dict(sample.origins) for sample in samples]
    subjects, labels = [sample.subject for sample in samples], [sample.label for sample in samples]
    for factor in factors:
        joined, told = one_spelling([origin[factor] for origin in origins], factor)
        spelt = [joined.get(origin[factor], origin[factor]) for origin in origins]
        pooled, said = pool_origins(spelt, subjects, labels, minimum, factor)
        notes += [*told, *said]
        names[factor] = {o[factor]: name for o, name in zip(origins, pooled, strict=True) if o[factor] != name}
        for origin, name in zip(origins, pooled, strict=True):
            origin[factor] = name
    renamed = tuple(replace(sample, origins=o) for sample, o in zip(samples, origins, strict=True))
    return Pooled(renamed, names, notes)


def subject_faults(samples: Sequence[Sample]) -> list[Fault]:
    """Make a fault of each row that repeats another, gives a subject a second label, or names what is no name."""
    faults = _name_faults(samples)
    seen_images: dict[tuple[str, ...], Sample] = {}
    seen_subjects: dict[str, Sample] = {}
    for sample in samples:
        first = seen_images.setdefault(sample.images, sample)
        if first is not sample and sample.images:
            faults.append(_repeated_image(first, sample))
        earlier = seen_subjects.setdefault(sample.subject, sample)
        if sample.label and earlier.label and sample.label != earlier.label:
            message = f"subject {sample.subject!r} is {sample.label!r} here and {earlier.label!r} at {earlier.where}"
            faults.append(Fault(sample.where, message, "one subject has one label; correct or drop a row"))
    return faults


def _name_faults(samples: Sequence[Sample]) -> list[Fault]:
    """Refuse subjects, classes and origins that are longer than a name, or of several lines."""
    odd: dict[str, list[str]] = {}
    for sample in samples:
        named = {"subject": sample.subject, "label": sample.label, **sample.origins}
        for what, name in named.items():
            if len(name) > _LONGEST_NAME or len(name.splitlines()) > 1:
                odd.setdefault(what, []).append(sample.where)
    message = f"expected a name of one line and at most {_LONGEST_NAME} characters"
    remedy = "is a quotation mark missing in the table?"
    return [fault for what, places in odd.items() for fault in gathered(places, f"{what}: {message}", remedy)]


def _repeated_image(first: Sample, second: Sample) -> Fault:
    if first.subject == second.subject:
        return Fault(second.where, f"repeats {first.where} (same subject and image)", "drop one of the two rows")
    message = f"image {second.images[0]} belongs to {second.subject!r} here and to {first.subject!r} at {first.where}"
    return Fault(second.where, message, "correct the path or the subject")


def _class_names(values: Sequence[str], settings: LabelSettings) -> tuple[tuple[str, ...], str]:
    positives = settings.positives
    if settings.negative is not None:
        return (settings.negative, *positives), ""
    alike = sorted({value for value in values if value and value not in positives}, key=lambda v: (len(v), v))
    others = sorted({folded(value): value for value in reversed(alike)}.values())
    if len(others) == 1:
        words = len(alike) > 1 and bare_number(others[0]) is None
        return (others[0], *positives), f"labels {quoted_few(alike)} are read as {others[0]!r}" if words else ""
    negative = f"not {' or '.join(positives)}"
    note = f"class {negative!r} joins the labels {', '.join(others)}" if others else ""
    return (negative, *positives), note


def _meant(cell: str, settings: LabelSettings) -> str:
    """Return the class that a cell names, whatever its case and, of numbers, its digits; else the cell itself."""
    named = [name for name in (*settings.positives, settings.negative) if name is not None]
    if cell in named:
        return cell
    alike = [name for name in named if folded(name) == folded(cell)]
    return alike[0] if len(alike) == 1 else "" if is_missing(cell) else cell


def _respelt(cells: Sequence[str], values: Sequence[str]) -> list[str]:
    """Say which labels differ from their class in case alone; ``1.0`` for 1 and ``TRUE`` for true go without saying."""
    spelt = Counter((cell, value) for cell, value in zip(cells, values, strict=True) if value and cell != value)
    return [
        f"label {cell!r} (rows: {count}) is read as {value!r}"
        for (cell, value), count in spelt.items()
        if bare_number(cell) is None and value.casefold() not in ("true", "false")
    ]


def _class_of(value: str, names: tuple[str, ...], open_negative: bool) -> str:
    if not value or value in names[1:]:
        return value
    return names[0] if open_negative or value == names[0] else ""


def _label_faults(
    cells: Sequence[str], values: Sequence[str], places: Sequence[str], settings: LabelSettings
) -> list[Fault]:
    counts = Counter(value for value in values if value)
    table = places[0].rsplit(":", 1)[0] if places else "the table"
    faults = missing_faults(
        [cell if not value else "x" for cell, value in zip(cells, values, strict=True)],
        places,
        f"no label in column {settings.column!r}",
        "fill it in, or leave the row out by `select`",
        "if it is a class, name it as `negative` or `positive`",
    )
    faults += _unknown_labels(values, places, settings)
    if settings.negative is not None and len(counts.keys() - {*settings.positives, settings.negative}) > _FEW_LABELS:
        return faults  # of the wrong column nothing else is of use
    listed = ", ".join(f"{name!r} ({count})" for name, count in counts.most_common(8))
    for role, name in (*(("positive", name) for name in settings.positives), ("negative", settings.negative)):
        if name is not None and name not in counts and counts:
            message = f"no row has the {role} label {name!r} in column {settings.column!r}; present: {listed}"
            faults.append(Fault(table, message, suggestion(name, counts)))
    if counts and set(counts) <= set(settings.positives) and settings.negative is None:
        message = f"every row is {_either(list(counts))}; a classifier needs two classes"
        if len(settings.positives) > 1:
            message = f"every row is {_either(list(counts))}; a healthy class is needed beside them"
        faults.append(Fault(table, message, "add rows of the other class"))
    return faults


def missing_faults(
    cells: Sequence[str], places: Sequence[str], message: str, remedy: str, if_value: str
) -> list[Fault]:
    """Make one fault per file of all cells of a column that say nothing; signs such as NA are shown.

    Parameters
    ----------
    cells, places : sequences of str
        One per row.
    message, remedy : str
        As of `Fault`.
    if_value : str
        What to do where such a sign is meant as a value.
    """
    empty = [row for row, cell in enumerate(cells) if is_missing(cell)]
    signs = [cells[row] for row in empty if cells[row] not in ("", "n/a")]
    shown, advice = (f" ({quoted_few(signs)})", f"{remedy}; {if_value}") if signs else ("", remedy)
    return gathered([places[row] for row in empty], message + shown, advice)


def _misspelt(values: Sequence[str], settings: LabelSettings) -> list[str]:
    """Make a note of each label that counts as negative but is spelt like a positive one."""
    counts = Counter(value for value in values if value and value not in settings.positives)
    meant = {value: closest(value, _spellings(value, settings.positives), _LIKENESS) for value in counts}
    return [
        f"label {value!r} (rows: {counts[value]}) counts as negative but resembles the positive label {name!r}: "
        "correct it if it is misspelt"
        for value, name in meant.items()
        if name is not None
    ]


def _spellings(value: str, names: Iterable[str]) -> list[str]:
    """Names that may be a misspelling of the value: not abnormal for normal, nor grade 3 for grade 2."""
    lowered = value.lower()
    others = {name: name.lower() for name in names}
    return [
        name
        for name, other in others.items()
        if re.findall(r"\d+", lowered) == re.findall(r"\d+", other)
        and (lowered == other or not (lowered.endswith(other) or other.endswith(lowered)))
    ]


def _unknown_labels(values: Sequence[str], places: Sequence[str], settings: LabelSettings) -> list[Fault]:
    if settings.negative is None:
        return []
    classes = (*settings.positives, settings.negative)
    counts = Counter(value for value in values if value and value not in classes)
    if len(counts) > _FEW_LABELS:
        message = f"{len(counts)} unknown labels ({quoted_few(list(counts))}), expected {_either(classes)}"
        unknown = [place for value, place in zip(values, places, strict=True) if value in counts]
        return gathered(unknown, message, "is it the column of the label? If so, leave those rows out by `select`")
    return [
        Fault(
            places[list(values).index(value)],
            f"unknown label {value!r} (rows: {count}), expected {_either(classes)}",
            _label_remedy(value, classes),
        )
        for value, count in counts.items()
    ]


def _label_remedy(value: str, classes: Sequence[str]) -> str:
    """Advise what to do with an unknown label; a misspelt one is never advised to count as negative."""
    meant = closest(value, _spellings(value, classes))
    if meant is not None:
        return f"did you mean {meant!r}? If not, leave those rows out by `select`"
    return "leave those rows out by `select`, or leave `negative` out to take all other labels as negative"


def _either(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)


def _pool_names(groups: Mapping[tuple[str, ...], Sequence[str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for classes, members in groups.items():
        alone = len(groups) == 1 or len(classes) > 1
        if len(members) > 1:
            names |= dict.fromkeys(members, OTHER if alone else f"{OTHER} ({classes[0]})")
    return names


def _pooling_notes(
    small: Sequence[str], names: Mapping[str, str], sizes: Mapping[str, int], minimum: int, factor: str
) -> list[str]:
    notes = []
    for pool in sorted(set(names.values())):
        members = ", ".join(f"{origin} ({sizes[origin]})" for origin in small if names.get(origin) == pool)
        notes.append(f"{factor}: origins of fewer than {minimum} subjects are pooled as {pool!r}: {members}")
    unpooled = [f"{origin} ({sizes[origin]})" for origin in small if origin not in names]
    if unpooled:
        why = "kept because there is nothing to pool with"
        notes.append(f"{factor}: fewer than {minimum} subjects, {why}: {', '.join(unpooled)}")
    return notes
