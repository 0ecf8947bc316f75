"""Define what a kind of evidence must offer: plan its jobs, name what a judgement reads of it, and read that back.

A check names in `needs` the kinds that it looks at, and in `optional` those of them that it can do without. One file of
this folder is one kind, registered under the file's name; a judgement gets the kinds of its check and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from biasaudit import registry
from biasaudit.checks.check import Check, required
from biasaudit.engine.evidence.inputs import InputPlanner
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.evidence.subjects import Kept, Rows, Units
from biasaudit.engine.jobs.book import JobBook
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.limits import gravest
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence, Recipe

__all__ = ["Asked", "Columns", "EvidenceKind", "Fields", "Planned", "Planning", "kinds_of", "withheld"]

Fields = dict[str, Any]
"""Fields of `ArmEvidence` by name; a name that it does not have is kept in its `further`."""

ALWAYS_THERE = "table"
"""Word of `needs` for what every judgement is given: subjects, classes, origins, folds and covariates."""


@dataclass(frozen=True)
class Asked:
    """The recipe of the target, the origin factor and the contrast of classes that evidence is asked for."""

    recipe: Recipe
    factor: str
    contrast: Contrast


@dataclass(frozen=True)
class Planned:
    """The jobs that were planned for one kind of evidence.

    Attributes
    ----------
    needs : mapping of Role to tuple of keys
        Jobs that a judgement reads; empty where this audit has nothing of the kind.
    about : record of plain types, or None
        What reading it back takes beside the folders; part of the judgement's identity.
    """

    needs: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    about: Any = None


@dataclass(frozen=True)
class Planning:
    """What kinds of evidence plan with; whatever is planned twice is one job."""

    outline: Outline
    book: JobBook
    inputs: InputPlanner
    networks: NetworkPlanner
    _planned: dict[tuple[str, Asked], Planned] = field(default_factory=dict)

    def of(self, kind: str, asked: Asked) -> Planned:
        """Plan a kind of evidence, once."""
        if (kind, asked) not in self._planned:
            self._planned[kind, asked] = registry.get("evidence", kind)().plan(self, asked)
        return self._planned[kind, asked]


class EvidenceKind(Protocol):
    """One kind of evidence."""

    name: ClassVar[str]
    """Word in the `needs` of checks; the name that it is registered under."""
    after: ClassVar[tuple[str, ...]]
    """Kinds whose fields it adds to."""
    settings: ClassVar[tuple[str, ...]]
    """Sections of the protocol that checks of this kind may read beside `statistics` and `verdict`."""
    free: ClassVar[bool]
    """Whether it takes no job that would not run anyway: then it is also planned for checks that can do without it."""
    of_everybody: ClassVar[bool]
    """Whether subjects count that the target was trained on: True for what is asked of the data themselves."""

    def impossible(self, situation: Situation) -> str:
        """Say why no audit of this situation has such evidence; empty if it may."""
        ...

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Plan the jobs that yield the evidence, and say where a judgement will find it."""
        ...

    def gather(self, about: Any, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Read the evidence back, one row per image.

        Parameters
        ----------
        about : Any
            `Planned.about`.
        folders : Folders
            Of the jobs in `Planned.needs`, possibly among others.
        evidence : ArmEvidence
            What was gathered before, in the order of the check's kinds.
        rows : Rows
        """
        ...

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Return the fields of this kind for some of the rows."""
        ...

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Return the fields of this kind with one row for each subject at one origin."""
        ...


class Columns:
    """Base of most kinds: fields with one row per image, which are averaged over the images of a subject."""

    fields: ClassVar[tuple[str, ...]] = ()
    after: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()
    free: ClassVar[bool] = False
    of_everybody: ClassVar[bool] = False

    def impossible(self, situation: Situation) -> str:
        """Nothing stands in the way, whatever the situation."""
        return ""

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Take the rows that are kept."""
        return {name: _each(values, kept.take) for name, values in self._given(evidence)}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Average over the images of a subject."""
        return {name: _each(values, units.mean) for name, values in self._given(evidence)}

    def _given(self, evidence: ArmEvidence) -> Iterator[tuple[str, Any]]:
        for name in self.fields:
            values = getattr(evidence, name, evidence.further.get(name))
            if values is not None:
                yield name, values


def _each(values: Any, change: Any) -> Any:
    """Change an array, or every array of a mapping."""
    return {name: change(own) for name, own in values.items()} if isinstance(values, Mapping) else change(values)


def kinds_of(check: type[Check]) -> tuple[str, ...]:
    """Name the kinds of evidence that a check is given beside the table, in the order in which it names them."""
    return tuple(word for word in check.needs if word != ALWAYS_THERE)


def withheld(check: type[Check], situation: Situation) -> str:
    """Say why a check cannot be asked at all in a situation; empty if it can."""
    kinds = (kind for kind in kinds_of(check) if kind in required(check))
    return gravest(registry.get("evidence", kind)().impossible(situation) for kind in kinds)
