"""What retrained networks said, gathered for the checks that ask for them: U10, U11 and G3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from biasaudit.engine.arguments.judgements import JudgeArguments
from biasaudit.engine.jobs.held_out import HeldOut, in_cohort_order
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.situation.contrasts import contrast_logits
from biasaudit.records import ArmEvidence, DoseResponse, FloatArray, SpikeIn, SpikeTrial, UnseenOrigin

__all__ = ["per_unit", "retrained"]

Part = dict[str, Any]


def retrained(arguments: JudgeArguments, needs: Folders) -> Part:
    """Return the fields of `ArmEvidence` that the judged check has networks for.

    Parameters
    ----------
    arguments : JudgeArguments
    needs : Folders
        Score folders, one per fold and role.
    """
    if arguments.retraining_skipped:
        return {"retraining_skipped": {arguments.code: arguments.retraining_skipped}}
    design = arguments.retraining
    if design is None:
        return {}
    scores = _Scores(needs, arguments.contrast)
    gather: dict[str, Callable[[], Part]] = {
        "U10": lambda: {"unseen": _unseen(design, scores)},
        "U11": lambda: {"dose": _dose(design, scores)},
        "G3": lambda: {"spike": _spike(design, scores)},
    }
    return gather[arguments.code]()


def per_unit(evidence: ArmEvidence, unit_of: np.ndarray) -> Part:
    """Average the retrained networks' scores over the images of a unit.

    Parameters
    ----------
    evidence : ArmEvidence
        One row per image.
    unit_of : int (n,)
        The unit of every image.

    Returns
    -------
    dict
        Fields to replace.
    """
    fields: Part = {"unseen": {name: _unseen_units(own, unit_of) for name, own in evidence.unseen.items()}}
    if evidence.dose is not None:
        rows, first, mean = _grouped(unit_of[evidence.dose.rows])
        fields["dose"] = replace(
            evidence.dose, rows=rows, side=evidence.dose.side[first], scores=mean(evidence.dose.scores)
        )
    if evidence.spike is not None:
        fields["spike"] = SpikeIn(
            _trial_units(evidence.spike.planted, unit_of), _trial_units(evidence.spike.sham, unit_of)
        )
    return fields


class _Scores:
    """Scores of the retrained networks by role."""

    def __init__(self, needs: Folders, contrast: Mapping[str, Any] | None) -> None:
        self._needs = needs
        self._contrast = contrast

    def parts(self, role: Role) -> list[HeldOut]:
        """Scores of every fold."""
        known = [HeldOut.read(folder, next(folder.glob("logits-*.npy")).stem) for folder in self._needs[role]]
        return [HeldOut(own.rows, contrast_logits(own.values, self._contrast)) for own in known]

    def stacked(self, role: Role) -> FloatArray:
        """Scores of the folds one after another, (m,)."""
        return np.concatenate([part.values for part in self.parts(role)])

    def in_order(self, role: Role, n: int) -> FloatArray:
        """Scores of the folds in cohort order, (n,)."""
        return in_cohort_order(self.parts(role), n)


def _unseen(design: Mapping[str, Any], scores: _Scores) -> dict[str, UnseenOrigin]:
    return {
        origin: UnseenOrigin(
            rows=np.array([row for rows in own["rows"] for row in rows], dtype=np.intp),
            unseen=scores.stacked(Role("unseen", origin)),
            reference=scores.stacked(Role("reference", origin)),
            training_size=tuple(own["training_size"]),
        )
        for origin, own in design.items()
    }


def _dose(design: Mapping[str, Any], scores: _Scores) -> DoseResponse:
    return DoseResponse(
        rows=np.array([row for rows in design["rows"] for row in rows], dtype=np.intp),
        side=np.array([side for sides in design["side"] for side in sides], dtype=bool),
        scores=np.stack([scores.stacked(Role("level", str(level))) for level in design["levels"]], axis=1),
        levels=tuple(design["levels"]),
        training_size=design["training_size"],
        sides=(tuple(design["sides"][0]), tuple(design["sides"][1])),
    )


def _spike(design: Mapping[str, Any], scores: _Scores) -> SpikeIn:
    trials = [
        SpikeTrial(
            edited=np.asarray(design[name], dtype=bool),
            without=scores.in_order(Role(name, "original"), len(design[name])),
            with_edit=scores.in_order(Role(name, "spiked"), len(design[name])),
        )
        for name in ("planted", "sham")
    ]
    return SpikeIn(*trials)


def _grouped(units: np.ndarray) -> tuple[np.ndarray, np.ndarray, Callable[[FloatArray], FloatArray]]:
    """Distinct units, the first row of each, and a function that averages over the rows of a unit."""
    kept, first, own = np.unique(units, return_index=True, return_inverse=True)
    return kept, first, lambda values: np.stack([values[own == unit].mean(0) for unit in range(kept.size)])


def _unseen_units(own: UnseenOrigin, unit_of: np.ndarray) -> UnseenOrigin:
    rows, _, mean = _grouped(unit_of[own.rows])
    return replace(own, rows=rows, unseen=mean(own.unseen), reference=mean(own.reference))


def _trial_units(trial: SpikeTrial, unit_of: np.ndarray) -> SpikeTrial:
    _, first, mean = _grouped(unit_of)
    return SpikeTrial(trial.edited[first], mean(trial.without), mean(trial.with_edit))
