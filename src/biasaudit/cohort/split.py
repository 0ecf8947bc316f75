"""Split a cohort into subjects that an already trained network has seen and subjects that it has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from biasaudit.cohort.folds import assign_folds
from biasaudit.cohort.readers.cells import bare_number, folded, is_missing, quoted_few
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import FileLimits, Protocol
from biasaudit.records import Cohort, Sample
from biasaudit.regular_files import decoded, read_regular

__all__ = ["SEEN", "split_folds", "split_notes"]

SEEN = -1
"""Fold of the samples that the network has seen: controls train on them, and no fold holds them out."""

_TRAINING = ("train", "training", "val", "valid", "validation", "dev", "tune", "tuning", "seen")
_HELD_OUT = ("test", "testing", "held-out", "heldout", "holdout", "hold-out", "external", "unseen")
_SMALLEST_CLASS = 2


def split_folds(cohort: Cohort, protocol: Protocol) -> npt.NDArray[np.intp]:
    """Divide the subjects into folds where the target was trained before the audit.

    With one file of weights the held-out subjects are divided into folds for the sake of the controls; with several,
    the split column says by its number which file of weights held a subject out.

    Parameters
    ----------
    cohort : Cohort
    protocol : Protocol
        Its target has weights.

    Returns
    -------
    int (samples,)
        `SEEN`, or the fold in [0, n).

    Raises
    ------
    DataError
        If the split is not stated, cannot be understood, or leaves no class to be tested.
    """
    weights = protocol.target.weights or []
    if len(weights) > 1:
        return _numbered(cohort, len(weights))
    seen = _seen(cohort, protocol)
    folds = np.full(len(seen), SEEN, dtype=np.intp)
    unseen = replace(cohort, samples=tuple(s for s, is_seen in zip(cohort.samples, seen, strict=True) if not is_seen))
    _require_both(unseen)
    folds[~np.array(seen)] = assign_folds(unseen, protocol.folds.n, protocol.folds.seed)
    return folds


def split_notes(cohort: Cohort, folds: Sequence[int]) -> list[str]:
    """Say how many subjects are left to judge the network by."""
    labels = {s.subject: s.label for s, fold in zip(cohort.samples, folds, strict=True) if fold != SEEN}
    seen = {s.subject for s, fold in zip(cohort.samples, folds, strict=True) if fold == SEEN}
    counts = Counter(labels.values())
    listed = ", ".join(f"{name} {counts[name]}" for name in cohort.classes)
    return [
        f"the target was trained outside of this audit: it is judged by the {len(labels)} subjects that it has not "
        f"seen ({listed}); the {len(seen)} others only help to train the controls"
    ]


def _seen(cohort: Cohort, protocol: Protocol) -> list[bool]:
    path = protocol.target.training_subjects
    if path is not None:
        return _listed(cohort, str(path))
    splits = [sample.split.lower() for sample in cohort.samples]
    if not any(splits):
        remedy = "name the column of the split (`cohort.split`: train, val, test), or `target.training_subjects`"
        raise DataError([Fault("target.weights", "it is not said which subjects the network has seen", remedy)])
    faults = [
        _unclear(sample, _TRAINING + _HELD_OUT)
        for sample, split in zip(cohort.samples, splits, strict=True)
        if split not in _TRAINING + _HELD_OUT
    ]
    faults += _parted(cohort, [split in _TRAINING for split in splits])
    if faults:
        raise DataError(faults)
    return [split in _TRAINING for split in splits]


def _listed(cohort: Cohort, path: str) -> list[bool]:
    listed = _names_in(path)
    subjects = {sample.subject for sample in cohort.samples}
    otherwise = _spelt_otherwise(listed - subjects, subjects)
    if otherwise and listed & subjects:
        message = f"{len(otherwise)} subjects are not written as in the cohort: {quoted_few(list(otherwise))}"
        raise DataError([Fault(path, message, f"did you mean {quoted_few(list(otherwise.values()))}?")])
    if listed and not listed & subjects:
        message = f"none of its {len(listed)} subjects is in the cohort, for example {min(listed)!r}"
        remedy = f"write subjects as the table does, for example {min(subjects)!r}; an empty file if it saw none"
        raise DataError([Fault(path, message, remedy)])
    return [sample.subject in listed for sample in cohort.samples]


def _names_in(path: str) -> set[str]:
    """Read a list of one subject a line, with or without quotes; lines that are missing say nothing."""
    try:
        text = decoded(read_regular(path, FileLimits().table_bytes))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({why})"
        raise DataError([Fault(path, reason, "give a text file with one subject a line")]) from None
    names = {line.strip().strip("\"'").strip() for line in text.splitlines()}
    return {name for name in names if not is_missing(name)}


def _spelt_otherwise(listed: Iterable[str], subjects: Iterable[str]) -> dict[str, str]:
    """Pair listed names with subjects that differ in case, ``sub-`` or digits alone: they would count as unseen."""
    known = {folded(subject.removeprefix("sub-")): subject for subject in sorted(subjects)}
    keys = {name: folded(name.removeprefix("sub-")) for name in sorted(listed)}
    return {name: known[key] for name, key in keys.items() if key in known}


def _numbered(cohort: Cohort, count: int) -> npt.NDArray[np.intp]:
    numbers = [str(number + 1) for number in range(count)]
    expected = (*numbers, *_TRAINING)
    splits = [_plain(sample.split) for sample in cohort.samples]
    faults = [
        _unclear(sample, expected)
        for sample, split in zip(cohort.samples, splits, strict=True)
        if split not in expected
    ]
    folds = np.array([numbers.index(split) if split in numbers else SEEN for split in splits], dtype=np.intp)
    faults += _parted(cohort, folds.tolist())
    if not faults:
        faults = [
            Fault("cohort.split", f"file {fold + 1} of the weights held out no {name!r}", "check the numbers")
            for fold in range(count)
            for name in cohort.classes
            if not any(
                s.label == name and fold_of_file == fold for s, fold_of_file in zip(cohort.samples, folds, strict=True)
            )
        ]
    if faults:
        raise DataError(faults)
    return folds


def _plain(split: str) -> str:
    """Write the number of a file of weights as an integer, which a spreadsheet or pandas may hold as 1.0."""
    number = bare_number(split)
    return split.lower() if number is None else f"{number:g}"


def _parted(cohort: Cohort, sides: Sequence[object]) -> list[Fault]:
    """Make a fault of each subject whose images are in different splits."""
    first: dict[str, tuple[object, Sample]] = {}
    faults = []
    for sample, side in zip(cohort.samples, sides, strict=True):
        first_side, other = first.setdefault(sample.subject, (side, sample))
        if first_side != side:
            message = (
                f"subject {sample.subject!r} is in split {sample.split!r} here and {other.split!r} at {other.where}"
            )
            faults.append(
                Fault(sample.where, message, "what the network saw of a subject is not held out; correct one")
            )
    return faults


def _require_both(unseen: Cohort) -> None:
    counts = Counter({s.subject: s.label for s in unseen.samples}.values())
    if min(counts[name] for name in unseen.classes) < _SMALLEST_CLASS:
        listed = ", ".join(f"{name} {counts[name]}" for name in unseen.classes)
        message = f"too few subjects are held out ({listed}), expected at least {_SMALLEST_CLASS} of each class"
        raise DataError([Fault("target.weights", message, "an audit needs subjects that the network has not seen")])


def _unclear(sample: Sample, expected: Sequence[str]) -> Fault:
    listed = ", ".join(name for name in expected if name in ("train", "val", "test") or name.isdigit())
    what = "no split" if not sample.split else f"split {sample.split!r}"
    return Fault(sample.where, f"{what}, expected one of {listed}", "say whether the network has seen the subject")
