"""Which subjects an already trained network has seen: those never count as held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from biasaudit.cohort.folds import assign_folds
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Sample

__all__ = ["SEEN", "split_folds", "split_notes"]

SEEN = -1
"""Fold of what the network has seen: learned from by controls, held out by nothing."""

_TRAINING = ("train", "training", "val", "valid", "validation", "dev", "tune", "tuning", "seen")
_HELD_OUT = ("test", "testing", "held-out", "heldout", "holdout", "hold-out", "external", "unseen")
_MISSING = ("", "n/a")
_SMALLEST_CLASS = 2


def split_folds(cohort: Cohort, protocol: Protocol) -> npt.NDArray[np.intp]:
    """Divide the subjects where the target was trained before.

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
    held = replace(cohort, samples=tuple(s for s, known in zip(cohort.samples, seen, strict=True) if not known))
    _require_both(held)
    folds[~np.array(seen)] = assign_folds(held, protocol.folds.n, protocol.folds.seed)
    return folds


def split_notes(cohort: Cohort, folds: Sequence[int]) -> list[str]:
    """Say how many subjects are left to judge the network by."""
    held = {s.subject: s.label for s, fold in zip(cohort.samples, folds, strict=True) if fold != SEEN}
    seen = {s.subject for s, fold in zip(cohort.samples, folds, strict=True) if fold == SEEN}
    counts = Counter(held.values())
    shown = ", ".join(f"{name} {counts[name]}" for name in cohort.classes)
    return [
        f"the target was trained outside of this audit: it is judged by the {len(held)} subjects that it has not seen "
        f"({shown}); the {len(seen)} others only help to train the controls"
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
    try:
        with open(path, encoding="utf-8") as file:
            listed = {line.strip() for line in file if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise DataError([Fault(path, reason, "give a text file with one subject a line")]) from None
    subjects = {sample.subject for sample in cohort.samples}
    if listed and not listed & subjects:
        message = f"none of its {len(listed)} subjects is in the cohort, for example {min(listed)!r}"
        remedy = f"write subjects as the table does, for example {min(subjects)!r}; an empty file if it saw none"
        raise DataError([Fault(path, message, remedy)])
    return [sample.subject in listed for sample in cohort.samples]


def _numbered(cohort: Cohort, count: int) -> npt.NDArray[np.intp]:
    numbers = [str(number + 1) for number in range(count)]
    known = (*numbers, *_TRAINING)
    faults = [_unclear(sample, known) for sample in cohort.samples if sample.split.lower() not in known]
    folds = np.array([numbers.index(s.split) if s.split in numbers else SEEN for s in cohort.samples], dtype=np.intp)
    faults += _parted(cohort, folds.tolist())
    if not faults:
        faults = [
            Fault("cohort.split", f"file {fold + 1} of the weights held out no {name!r}", "check the numbers")
            for fold in range(count)
            for name in cohort.classes
            if not any(s.label == name and own == fold for s, own in zip(cohort.samples, folds, strict=True))
        ]
    if faults:
        raise DataError(faults)
    return folds


def _parted(cohort: Cohort, sides: Sequence[object]) -> list[Fault]:
    """Name subjects with images on both sides: the network has seen them."""
    first: dict[str, tuple[object, Sample]] = {}
    faults = []
    for sample, side in zip(cohort.samples, sides, strict=True):
        known, other = first.setdefault(sample.subject, (side, sample))
        if known != side:
            message = (
                f"subject {sample.subject!r} is in split {sample.split!r} here and {other.split!r} at {other.where}"
            )
            faults.append(
                Fault(sample.where, message, "what the network saw of a subject is not held out; correct one")
            )
    return faults


def _require_both(held: Cohort) -> None:
    counts = Counter({s.subject: s.label for s in held.samples}.values())
    if min(counts[name] for name in held.classes) < _SMALLEST_CLASS:
        shown = ", ".join(f"{name} {counts[name]}" for name in held.classes)
        message = f"too few subjects are held out ({shown}), expected at least {_SMALLEST_CLASS} of each class"
        raise DataError([Fault("target.weights", message, "an audit needs subjects that the network has not seen")])


def _unclear(sample: Sample, known: Sequence[str]) -> Fault:
    shown = ", ".join(name for name in known if name in ("train", "val", "test") or name.isdigit())
    what = "no split" if sample.split in _MISSING else f"split {sample.split!r}"
    return Fault(sample.where, f"{what}, expected one of {shown}", "say whether the network has seen the subject")
