"""Held-out scores that the user gives, in place of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from biasaudit.cohort.readers.cells import Numbers, is_missing, quoted_few, read_numbers, with_commas
from biasaudit.cohort.readers.manifest import Manifest, missing_columns, read_manifest
from biasaudit.errors import DataError, Fault, gathered
from biasaudit.protocol import TableCohort
from biasaudit.records import FloatArray, Sample

__all__ = ["with_scores"]

_USUAL = ("logit", "score", "probability", "prediction")
_SATURATED = 1e-6
_SUM_TOLERANCE = 1e-2
_LARGEST = 1e100
_GIVE_LOGITS = "rounded to decisions; give logits, or probabilities with more digits"


def with_scores(
    samples: Sequence[Sample], manifest: Manifest, settings: TableCohort, classes: Sequence[str]
) -> tuple[tuple[Sample, ...], list[str]]:
    """Give every sample its held-out logits.

    Parameters
    ----------
    samples : sequence of Sample
    manifest : Manifest
        The cohort's own table, one row per sample: the scores are its columns unless `settings` name another table.
    settings : TableCohort
        With `predictions`, `score` or both.
    classes : sequence of str
        The healthy one first. One column is the score of the pathology; several are one per class in this order.

    Returns
    -------
    samples, notes

    Raises
    ------
    DataError
        Subjects without a score or with two, cells that are no numbers.
    """
    scores = manifest if settings.predictions is None else read_manifest(settings.predictions, settings.limits)
    columns = _columns(scores, settings, classes)
    rows = range(len(samples)) if settings.predictions is None else _joined(samples, scores, settings)
    values, marks = _numbers(scores, rows, columns)
    logits, note = _as_logits(values, settings.score_scale, f"{scores.path}")
    scored = tuple(replace(s, scores=tuple(row)) for s, row in zip(samples, logits.tolist(), strict=True))
    source = f"the target's scores are given ({scores.path.name}: {', '.join(columns)})"
    return scored, [f"{source}{marks}, {note}; that every one is held out is the word of who made them, and not tested"]


def _columns(manifest: Manifest, settings: TableCohort, classes: Sequence[str]) -> list[str]:
    wanted = list(settings.score)
    if not wanted:
        wanted = [name for name in _USUAL if name in manifest.frame][:1]
        if not wanted:
            message = f"no column of scores ({', '.join(_USUAL)})"
            raise DataError([Fault(f"{manifest.path}:1", message, "name it by `cohort.score`")])
    faults = missing_columns(manifest, wanted)
    several = len(wanted) if len(wanted) > 1 else None
    if several not in (None, len(classes)) or (several is None and len(classes) > 2):
        message = f"{len(wanted)} columns of scores for {len(classes)} classes"
        faults.append(Fault("cohort.score", message, f"name one for each of {', '.join(classes)}, in this order"))
    if faults:
        raise DataError(faults)
    return wanted


def _joined(samples: Sequence[Sample], manifest: Manifest, settings: TableCohort) -> list[int]:
    """Find the row of every sample's subject."""
    faults = missing_columns(manifest, [settings.subject])
    if faults:
        raise DataError(faults)
    rows: dict[str, int] = {}
    for row in range(len(manifest.lines)):
        subject = manifest.cell(row, settings.subject)
        if is_missing(subject):
            continue
        if subject in rows:
            message = f"subject {subject!r} has a score at line {manifest.lines[rows[subject]]} already"
            faults.append(Fault(manifest.where(row), message, "keep one row per subject"))
        rows.setdefault(subject, row)
    absent = {sample.where: sample.subject for sample in samples if sample.subject not in rows}
    missing = list(dict.fromkeys(absent.values()))
    who = (
        f"subject {missing[0]!r} has" if len(missing) == 1 else f"{len(missing)} subjects ({quoted_few(missing)}) have"
    )
    remedy = "add the row, or leave the subject out by `select`"
    faults += gathered(absent, f"{who} no score in {manifest.path.name}", remedy) if missing else []
    if faults:
        raise DataError(faults)
    return [rows[sample.subject] for sample in samples]


def _numbers(manifest: Manifest, rows: Sequence[int], columns: Sequence[str]) -> tuple[FloatArray, str]:
    """Scores of the rows in question, and how their numbers are written where not plainly."""
    values = np.full((len(rows), len(columns)), np.nan)
    faults: list[Fault] = []
    marks = ""
    for place, name in enumerate(columns):
        cells = [manifest.cell(row, name) for row in rows]
        numbers = read_numbers(cells, commas=name in manifest.comma_columns)
        values[:, place] = [np.nan if value is None else value for value in numbers.values]
        wrong = [
            position
            for position, cell in enumerate(cells)
            if numbers.ambiguous or not np.isfinite(values[position, place])
        ]
        marks = marks or numbers.marks
        faults += _score_faults(
            name, [cells[p] for p in wrong], [manifest.where(rows[p], name) for p in wrong], numbers
        )
    if faults:
        raise DataError(faults)
    return values, f", read with {marks}" if marks else ""


def _score_faults(name: str, cells: Sequence[str], places: Sequence[str], numbers: Numbers) -> list[Fault]:
    if numbers.ambiguous:
        message = f"column {name!r}: commas and points can be read in two ways ({quoted_few(with_commas(cells))})"
        return gathered(places[:1], message, "write scores with a decimal point")
    message = f"column {name!r} holds {quoted_few(cells)}, expected a finite number"
    return gathered(places, message, "leave the subject out, or give its score")


def _as_logits(values: FloatArray, scale: str, where: str) -> tuple[FloatArray, str]:
    """Turn scores into logits, one column for two classes, and say how."""
    inside = bool(((values >= 0) & (values <= 1)).all())
    if scale == "probabilities" and not inside:
        message = f"probabilities are stated, but the scores run from {values.min():.3g} to {values.max():.3g}"
        raise DataError([Fault(where, message, "state `cohort.score_scale: logits`")])
    _require_scores(values, where)
    probabilities = inside and scale != "logits"
    if probabilities and values.shape[1] > 1 and np.abs(values.sum(1) - 1).max() > _SUM_TOLERANCE:
        if scale == "probabilities":
            raise DataError([Fault(where, "the probabilities of a row do not sum to 1", "give all classes, or logits")])
        probabilities = False
    logits, note = _of_probabilities(values) if probabilities else (values, "taken as logits")
    if logits.shape[1] == 2:
        logits = logits[:, 1:] - logits[:, :1]
    if len(np.unique(logits)) <= 2 and len(logits) > 2:
        raise DataError([Fault(where, f"all probabilities are within {_SATURATED:g} of 0 or 1", _GIVE_LOGITS)])
    return logits, note


def _require_scores(values: FloatArray, where: str) -> None:
    """Refuse scores that are all the same, that are decisions, or whose squares overflow."""
    spread, largest = np.ptp(values, axis=0).max(), np.abs(values).max()
    if spread == 0:
        raise DataError([Fault(where, "every score is the same", "give the scores of the network, not its classes")])
    if len(np.unique(values)) <= 2 and len(values) > 2:
        message = "the scores take two values: decisions, not scores"
        raise DataError([Fault(where, message, "give logits or probabilities")])
    if largest > _LARGEST or spread < 1 / _LARGEST:
        message = f"the scores reach {largest:.3g} and spread over {spread:.3g}: their squares are no numbers"
        raise DataError([Fault(where, message, "divide them by their standard deviation")])


def _of_probabilities(values: FloatArray) -> tuple[FloatArray, str]:
    """Turn probabilities into logits, and say how many are so near 0 or 1 that they were clipped."""
    cut = np.clip(values, _SATURATED, 1 - _SATURATED)
    logits = np.log(cut / (1 - cut)) if values.shape[1] == 1 else np.log(cut)
    note, saturated = "probabilities turned into logits", int((cut != values).any(axis=1).sum())
    if saturated:
        note += (
            f" ({saturated} of {len(values)} are within {_SATURATED:g} of 0 or 1 and count alike: what they owe to the "
            "origin cannot be seen; logits would show it)"
        )
    return logits, note
