"""Arguments of the step that asks one check, and what evidence is gathered from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from biasaudit.engine.jobs.job import Arguments, Component
from biasaudit.engine.situation.contrasts import Contrast

__all__ = ["CohortTable", "EvidenceRequest", "JudgeArguments"]


@dataclass(frozen=True)
class CohortTable:
    """The columns of the cohort for one origin factor, one row per image in cohort order.

    Attributes
    ----------
    subject, label, origin : tuple of str
        `label` is the name of the class.
    fold : tuple of int
        The fold that held the image out; negative if an already trained network has seen it.
    patient : tuple of bool
        Whether the subject has pathology.
    erasable : tuple of bool
        Whether the subject is healthy or its class has masks.
    covariates : mapping of name to tuple
        Numbers and words, None where missing.
    """

    subject: tuple[str, ...]
    label: tuple[str, ...]
    origin: tuple[str, ...]
    fold: tuple[int, ...]
    patient: tuple[bool, ...]
    erasable: tuple[bool, ...]
    covariates: Mapping[str, tuple[float | str | None, ...]]


@dataclass(frozen=True)
class EvidenceRequest:
    """The arm, factor and contrast whose evidence is gathered, and the kinds of it.

    Attributes
    ----------
    arm, factor : str
    contrast : Contrast
    table : CohortTable
    masks_given : bool
        Every patient of the contrast has a pathology mask.
    mask_is_complete : bool
        The user declares that no pathology lies outside the masks.
    seed : int
        Master seed.
    kinds : mapping of kind to record
        What reading each kind back takes, beside the folders; None if nothing.
    one_network : bool
        One network scored everybody; else those of every fold the subjects that it holds out.
    """

    arm: str
    factor: str
    contrast: Contrast
    table: CohortTable
    masks_given: bool
    mask_is_complete: bool
    seed: int
    kinds: Mapping[str, Any]
    one_network: bool = False

    def only(self, kinds: Iterable[str]) -> EvidenceRequest:
        """Return the request of some of the kinds, as far as they were planned."""
        return replace(self, kinds={kind: self.kinds[kind] for kind in kinds if kind in self.kinds})


@dataclass(frozen=True)
class JudgeArguments(Arguments):
    """Ask one check about one arm, origin factor and contrast.

    Attributes
    ----------
    code : str
        Of the check.
    protocol : mapping
        The sections of the protocol that the check may read, as JSON.
    request : EvidenceRequest
        What it is shown.
    withheld : str
        Why it cannot be asked; empty if it can.
    """

    step: ClassVar[str] = "judge"
    code: str
    protocol: Mapping[str, Any]
    request: EvidenceRequest
    withheld: str = ""

    @property
    def components(self) -> tuple[Component, ...]:
        """The check, and the kinds of evidence that it is shown."""
        return (Component("check", self.code), *(Component("evidence", kind) for kind in self.request.kinds))
