"""Plan the judgements: which jobs and which columns of the cohort each check receives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from biasaudit.checks.check import required
from biasaudit.engine.evidence.kind import Asked, Planned, Planning, kinds_of, withheld
from biasaudit.engine.evidence.request import CohortTable, EvidenceRequest, JudgeArguments
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.situation.contrasts import class_index
from biasaudit.engine.situation.outline import Outline
from biasaudit.protocol import Protocol
from biasaudit.records import Recipe
from biasaudit.registry import get

__all__ = ["OF_RESULTS", "Judged", "PlannedEvidence", "add_judgement", "planned_evidence"]

OF_RESULTS = ("scores", "erased", "severity")
"""Kinds of evidence that the verdict, tables and comparisons look at whatever is asked."""

_ELSEWHERE = {"cohort": {"probes"}}
"""What checks see of them is evidence, so that adding some asks no other check again."""

_SECTIONS = ("schema_version", "cohort", "folds", "statistics", "verdict")
"""Sections of the protocol that every check may read; kinds of evidence add their own."""


@dataclass(frozen=True)
class Judged:
    """Which judgement: arm, origin factor, check, and the class that is held against the rest, if there are several."""

    arm: str
    factor: str
    code: str
    contrast: str | None = None


@dataclass(frozen=True)
class PlannedEvidence:
    """All that was planned for one arm, origin factor and contrast.

    Attributes
    ----------
    request : EvidenceRequest
        Of all kinds together.
    needs : mapping of kind to (mapping of Role to tuple of keys)
        Jobs of every kind.
    """

    request: EvidenceRequest
    needs: Mapping[str, Mapping[Role, tuple[str, ...]]]

    def needs_of(self, kinds: Iterable[str]) -> dict[Role, tuple[str, ...]]:
        """Return the jobs of some of the kinds, as far as they were planned."""
        return {role: keys for kind in kinds for role, keys in self.needs.get(kind, {}).items()}


def planned_evidence(planning: Planning, arm: str, asked: Asked) -> PlannedEvidence:
    """Plan every kind of evidence that a check of the arm needs, or is helped by at no cost."""
    outline = planning.outline
    planned: dict[str, Planned] = {kind: planning.of(kind, asked) for kind in _wanted(outline, asked.recipe)}
    request = EvidenceRequest(
        arm=arm,
        factor=asked.factor,
        contrast=asked.contrast,
        table=_table(outline, asked.factor),
        masks_given=outline.has_masks(asked.contrast),
        mask_is_complete=outline.protocol.cohort.mask_is_complete,
        seed=outline.protocol.folds.seed,
        one_network=outline.situation.one_network,
        kinds={kind: own.about for kind, own in planned.items()},
    )
    return PlannedEvidence(request, {kind: own.needs for kind, own in planned.items()})


def add_judgement(planning: Planning, evidence: PlannedEvidence, code: str) -> str:
    """Plan to ask one check, which is shown the kinds of evidence that it names and nothing else."""
    outline, check = planning.outline, get("check", code)
    reason = withheld(check, outline.situation)
    kinds = () if reason else kinds_of(check)
    request = evidence.request.only(kinds)
    arguments = JudgeArguments(code, _sections(outline.protocol, request.kinds), request, reason)
    contrast = request.contrast
    title = f"judge {code}: {request.arm}, {request.factor}" + (f", {contrast.name}" if contrast.name else "")
    return planning.book.add(arguments, evidence.needs_of(kinds), title)


def _wanted(outline: Outline, recipe: Recipe) -> list[str]:
    """Name the kinds of an arm: what its checks cannot do without, and what else they look at if it is free."""
    checks = [get("check", code) for code in outline.situation.codes(recipe)]
    asked = [check for check in checks if not withheld(check, outline.situation)]
    kinds = dict.fromkeys((*OF_RESULTS, *(kind for check in asked for kind in kinds_of(check))))
    needed = {kind for check in asked for kind in required(check)}
    return [kind for kind in kinds if kind in needed or get("evidence", kind).free]


def _sections(protocol: Protocol, kinds: Iterable[str]) -> dict[str, object]:
    """Return what a check may read of the protocol, as JSON."""
    names = {*_SECTIONS, *(name for kind in kinds for name in get("evidence", kind).settings)}
    return protocol.model_dump(mode="json", include=names, exclude=_ELSEWHERE)


def _table(outline: Outline, factor: str) -> CohortTable:
    samples = outline.cohort.samples
    names = sorted({name for sample in samples for name in sample.covariates})
    return CohortTable(
        subject=tuple(sample.subject for sample in samples),
        label=tuple(outline.cohort.classes[class_index(outline.cohort, sample)] for sample in samples),
        origin=tuple(sample.origins[factor] for sample in samples),
        fold=tuple(outline.situation.folds),
        patient=outline.ill,
        erasable=outline.erasable_rows,
        covariates={name: tuple(sample.covariates.get(name) for sample in samples) for name in names},
    )
