"""Measure the AUC to publish: on held-out subjects of whom class and origin are independent. G1 reports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from biasaudit.checks.premises import interval_level
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Probes
from biasaudit.stats.independent import FEWEST, Scored, auc_inside_origins, independent_auc, shared_origins
from biasaudit.stats.intervals import Interval
from biasaudit.stats.pair_auc import folds_overlap

__all__ = ["PublishedAuc", "published_auc"]

_ENOUGH = 20
"""Probes to bring."""

_NAMED = 4
"""Most origins that a sentence names one by one."""


@dataclass(frozen=True)
class PublishedAuc:
    """AUC where the origin tells nothing of the class.

    Attributes
    ----------
    area : Interval
        nan where there is none.
    inside : float
        The same over pairs of one origin only; nan where there is none.
    how : str
        ``weights``, ``one origin``, ``probes``, or empty where there is none.
    text : str
        On whom it was measured, or why it could not be and what would give it.
    """

    area: Interval
    inside: float
    how: str
    text: str

    def details(self) -> dict[str, Any]:
        """Named numbers and words for the finding."""
        return {
            "independent_auc": self.area.estimate,
            "independent_low": self.area.low,
            "independent_high": self.area.high,
            "inside_origins_auc": self.inside,
            "independent_how": self.how,
            "independent_text": self.text,
        }


def published_auc(evidence: ArmEvidence, protocol: Protocol) -> PublishedAuc:
    """AUC where the origin tells nothing of the class, or the reason why there is none.

    Parameters
    ----------
    evidence : ArmEvidence
        With finite scores of both classes.
    protocol : Protocol

    Returns
    -------
    PublishedAuc
        From the origins that hold both classes; where none does, from probes that share an origin with the other class.
    """
    networks = evidence.network
    level, widening = interval_level(protocol), folds_overlap(networks)
    scored = Scored(np.asarray(evidence.logit, dtype=np.float64), evidence.positive, evidence.origin, networks)
    shares = shared_origins(scored.positive, scored.origin)
    area = independent_auc(scored, shares)
    if not np.isnan(area.estimate):
        how, text = _of_the_cohort(evidence, shares)
        inside = auc_inside_origins(scored, shares).estimate
        return PublishedAuc(area.interval(level, widening), inside, how, text)
    probes = _of_missing_cells(evidence)
    if probes is not None:
        joined = _joined(evidence, probes)
        area = auc_inside_origins(joined, _probed_shares(joined))
        if not np.isnan(area.estimate):
            text = _of_the_probes(evidence, joined, probes)
            return PublishedAuc(area.interval(level, widening), area.estimate, "probes", text)
    return PublishedAuc(Interval(np.nan, np.nan, np.nan), np.nan, "", _why_none(evidence))


def _of_the_cohort(evidence: ArmEvidence, origins: Sequence[str] | dict[str, float]) -> tuple[str, str]:
    negative, positive = evidence.classes
    every = np.unique(evidence.origin).size
    if every == 1:
        return "one origin", f"All subjects are of one {evidence.factor}, which tells nothing of the class."
    used = int(np.isin(evidence.origin, list(origins)).sum())
    if len(origins) == 1:
        where = f"the {used} held-out subjects of {_names(list(origins))}, the only {evidence.factor} with both classes"
        return "weights", f"Measured on {where}."
    left_out = "" if len(origins) == every else f" of the {len(origins)} (of {every}) origins that hold both classes"
    return (
        "weights",
        f"Measured on {used} held-out subjects{left_out}, weighted so that each {evidence.factor} is as frequent among "
        f"{positive} as among {negative}.",
    )


def _of_missing_cells(evidence: ArmEvidence) -> Probes | None:
    """Probes of a class that their own origin lacks in the audit, where it holds the other class; None without any."""
    if evidence.probes is None:
        return None
    held = set(zip(evidence.origin.tolist(), evidence.positive.tolist(), strict=True))
    probes = evidence.probes.kept((evidence.probes.label != "") & (evidence.probes.twin_of == ""))
    cells = list(zip(probes.origin.tolist(), probes.positive.tolist(), strict=True))
    fitting = [(origin, side) not in held and (origin, not side) in held for origin, side in cells]
    kept = probes.kept(np.array(fitting, dtype=bool))
    return kept if kept.subject.size >= FEWEST else None


def _joined(evidence: ArmEvidence, probes: Probes) -> Scored:
    """Put the probes, as the network of every fold scored them, beside the audited subjects of their origins."""
    audited = np.flatnonzero(np.isin(evidence.origin, probes.origin))
    folds = np.unique(evidence.fold)
    by_fold = [probes.logit if probes.by_fold is None else probes.by_fold[:, fold] for fold in folds]
    k, times = probes.subject.size, folds.size
    return Scored(
        scores=np.concatenate([evidence.logit[audited], *by_fold]),
        positive=np.concatenate([evidence.positive[audited], np.tile(probes.positive, times)]),
        origin=np.concatenate([evidence.origin[audited], np.tile(probes.origin, times)]),
        fold=np.concatenate([evidence.fold[audited], np.repeat(folds, k)]),
        unit=np.concatenate([np.arange(audited.size), np.tile(audited.size + np.arange(k), times)]).astype(np.intp),
    )


def _probed_shares(joined: Scored) -> dict[str, float]:
    """Shares of the origins, every subject counted once."""
    assert joined.unit is not None
    _, once = np.unique(joined.unit, return_index=True)
    return shared_origins(joined.positive[once], np.asarray(joined.origin)[once], 1)


def _of_the_probes(evidence: ArmEvidence, joined: Scored, probes: Probes) -> str:
    assert joined.unit is not None
    audited = np.unique(joined.unit).size - probes.subject.size
    where = _names(sorted(set(probes.origin.tolist())))
    return (
        f"Measured on {audited} held-out subjects and {probes.subject.size} probes of the other class from the same "
        f"{evidence.factor} ({where}), which no network was trained on."
    )


def _names(origins: Sequence[str]) -> str:
    return ", ".join(origins) if len(origins) <= _NAMED else f"{len(origins)} origins"


def _why_none(evidence: ArmEvidence) -> str:
    negative, positive = evidence.classes
    if shared_origins(evidence.positive, evidence.origin):
        return (
            f"None can be given: no fold holds out both {negative} and {positive} of the origins that hold both, and "
            "scores of different networks are not compared. Fewer folds would give one."
        )
    why = (
        f"None can be given: no {evidence.factor} holds at least {FEWEST} subjects of each class, so the "
        f"{evidence.factor} itself may tell them apart. Subjects of both classes from one {evidence.factor} would give "
        "one"
    )
    if "P1" in evidence.retraining_skipped:
        return f"{why}."
    return f"{why}; so would some {_ENOUGH} new images of {negative} from the source of {positive}, as probes."
