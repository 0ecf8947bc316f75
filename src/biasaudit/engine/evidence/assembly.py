"""Gather the evidence of one arm, origin factor and contrast from finished jobs: one row per subject and origin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from biasaudit import registry
from biasaudit.engine.evidence.kind import EvidenceKind, Fields
from biasaudit.engine.evidence.request import CohortTable, EvidenceRequest
from biasaudit.engine.evidence.subjects import Kept, Rows, units_of
from biasaudit.engine.jobs.job import Folders
from biasaudit.records import ArmEvidence
from biasaudit.stats.design import regime

__all__ = ["assemble"]

_COLUMNS = ("subject", "positive", "origin", "fold", "covariates", "categories", "label", "patient", "erasable")
"""Fields of the table, of which a subject's first image counts."""

_KNOWN = frozenset(field.name for field in fields(ArmEvidence))


def assemble(request: EvidenceRequest, folders: Folders) -> ArmEvidence:
    """Gather the kinds of evidence that are asked for, and nothing else.

    Several images of one subject at one origin are averaged, since subjects are the units of every statement.

    Parameters
    ----------
    request : EvidenceRequest
    folders : Folders
        Of the jobs that were planned for these kinds.

    Returns
    -------
    ArmEvidence
        Without the rows that an already trained target has seen, unless a kind is asked of the data themselves.
    """
    kinds = _in_order(registry.get("evidence", name)() for name in request.kinds)
    evidence = _table_evidence(request)
    rows = Rows(request.contrast, np.asarray(request.table.label), np.asarray(request.table.origin))
    for kind in kinds:
        evidence = _with(evidence, kind.gather(request.kinds[kind.name], folders, evidence, rows))
    if not any(kind.of_everybody for kind in kinds):
        evidence = _held_out(evidence, kinds)
    return _one_row_per_subject(evidence, kinds)


def _in_order(kinds: Iterable[EvidenceKind]) -> list[EvidenceKind]:
    """Put kinds behind those that they add to."""
    return sorted(kinds, key=lambda kind: len(kind.after))


def _with(evidence: ArmEvidence, changed: Fields) -> ArmEvidence:
    """Replace fields; what the record does not know is kept in `further`."""
    known = {name: value for name, value in changed.items() if name in _KNOWN}
    further = {name: value for name, value in changed.items() if name not in _KNOWN}
    return replace(evidence, **known, further={**evidence.further, **further})


def _held_out(evidence: ArmEvidence, kinds: Sequence[EvidenceKind]) -> ArmEvidence:
    """Drop rows that the given network was trained on."""
    kept = Kept(evidence.fold >= 0)
    if kept.rows.all():
        return evidence
    changed: Fields = {**_each(evidence, (*_COLUMNS, "severity"), kept.take)}
    for kind in kinds:
        changed |= kind.select(evidence, kept)
    return _with(evidence, changed)


def _one_row_per_subject(evidence: ArmEvidence, kinds: Sequence[EvidenceKind]) -> ArmEvidence:
    """Average the images of one subject at one origin in one class; nothing changes when there is one image each."""
    units = units_of(evidence)
    if units is None:
        return evidence
    changed: Fields = {**_each(evidence, _COLUMNS, units.take_first), "severity": units.mean(evidence.severity)}
    for kind in kinds:
        changed |= kind.per_subject(evidence, units)
    return _with(evidence, changed)


def _each(evidence: ArmEvidence, names: Iterable[str], change: Callable[[np.ndarray], np.ndarray]) -> Fields:
    """Change columns, and the columns of mappings; what is not given stays so."""
    changed: Fields = {}
    for name in names:
        values = getattr(evidence, name)
        if isinstance(values, Mapping):
            changed[name] = {key: change(own) for key, own in values.items()}
        elif values is not None:
            changed[name] = change(values)
    return changed


def _table_evidence(request: EvidenceRequest) -> ArmEvidence:
    """Make the evidence of the table alone."""
    table, contrast = request.table, request.contrast
    positive, origin = np.asarray(contrast.positive, dtype=bool), np.asarray(table.origin)
    several = contrast.name is not None
    label = np.asarray(table.label) if several else None
    return ArmEvidence(
        arm=request.arm,
        factor=request.factor,
        regime=regime(positive, origin, label),
        classes=contrast.classes,
        subject=np.asarray(table.subject),
        positive=positive,
        origin=origin,
        fold=np.asarray(table.fold),
        severity=np.full(positive.size, np.nan),
        covariates=_numeric(table),
        categories=_in_words(table),
        masks_given=request.masks_given,
        mask_is_complete=request.mask_is_complete,
        seed=request.seed,
        one_network=request.one_network,
        contrast=contrast.name,
        inside=(contrast.name,) if contrast.name is not None else (),
        label=label,
        patient=np.asarray(table.patient, dtype=bool) if several or all(table.patient) else None,
        erasable=np.asarray(table.erasable, dtype=bool) if several else None,
    )


def _numeric(table: CohortTable) -> dict[str, np.ndarray]:
    return {
        name: np.array([np.nan if value is None else float(value) for value in values])
        for name, values in table.covariates.items()
        if not _has_words(values)
    }


def _in_words(table: CohortTable) -> dict[str, np.ndarray]:
    return {
        name: np.array(["" if value is None else str(value) for value in values])
        for name, values in table.covariates.items()
        if _has_words(values)
    }


def _has_words(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) for value in values)
