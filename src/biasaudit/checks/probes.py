"""P1: do images of a missing cell of class and origin score as the disease says, or as the source says?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from biasaudit.checks.between_networks import OneSeed, seed_details, seed_variance
from biasaudit.checks.premises import Fault, Judgement, bound_level, fault_finding, percent, probability, score_fault
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, Flag, Probes, Share
from biasaudit.registry import register
from biasaudit.stats.intervals import Interval
from biasaudit.stats.network_variance import NetworkVariance
from biasaudit.stats.probes import FEWEST, ProbeShare, Spread, mean_by_origin, probe_share, probes_needed

__all__ = ["COVERED", "USUAL", "ProbesCheck"]

USUAL = 20
"""Probes to bring where fewer would do by the spread of a few scores."""

COVERED = 0.5
"""Share of the other class whose origins must be probed: else the probes speak of a part of the class gap."""

_SHOWN = 3


@dataclass(frozen=True)
class _Cell:
    """Probes of one class from origins that hold the other class alone, and whom they are compared with.

    Attributes
    ----------
    class_name : str
    probes : Probes
    own, other : bool (n,)
        Audited subjects of the probes' class, and those of the other class at the probes' origins.
    prevalence : float
        Largest share of the probes that may be of the other class; above 0 for probes without a label.
    twins : int
        Probes that were left out, since they show subjects of the audit.
    positive : bool
        Whether the class is the positive side.
    covered : float
        Share of the other class whose origins some probe came from.
    """

    class_name: str
    probes: Probes
    own: BoolArray
    other: BoolArray
    prevalence: float
    twins: int
    positive: bool
    covered: float

    def of(self, one: OneSeed) -> _Cell:
        """Return the same cell with one fold answered by one of its networks alone."""
        return replace(self, probes=one.of_probes(self.probes))

    @property
    def two_sided(self) -> bool:
        """Whether the share is an estimate with two bounds; else only its lower bound has a meaning."""
        return not self.positive and self.prevalence == 0 and self.covered >= COVERED


@register("check", "P1")
class ProbesCheck:
    """Place of images of a missing cell between the two classes, Student's interval."""

    code = "P1"
    title = "Probes"
    question = "Do new images of one class from the other class's source score as their class, or as their source?"
    why = (
        "Where each class comes from a source of its own, no statistic of the audited images parts the two. A few "
        "healthy images of the patients' source do: read as healthy, the network knows the disease; read as ill, it "
        "knows the source."
    )
    kind = "used"
    statistic = "share of the class gap"
    needs = ("table", "scores", "probes")
    optional = ("probes",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge each class of the probes, and those without a label."""
        fault = _fault(evidence)
        skipped = evidence.retraining_skipped.get(self.code)
        if fault or skipped:
            return [fault_finding(self.code, evidence, fault or Fault("not_applicable", str(skipped)))]
        if evidence.probes is None:
            return [_no_probes(evidence, protocol)]
        return [_judged(evidence, cell, protocol) for cell in _cells(evidence, evidence.probes)] or [
            _no_probes(evidence, protocol)
        ]


def _fault(evidence: ArmEvidence) -> Fault | None:
    if evidence.regime == "crossed":
        return Fault("not_applicable", "some origins hold both classes, so the scores themselves answer (U1)")
    if evidence.regime == "single":
        return Fault("not_applicable", "there is one origin only, so no cell is missing")
    if evidence.positive.all() or not evidence.positive.any():
        return Fault("inconclusive", "only one class is present, so there is no class gap")
    return score_fault(evidence.logit, evidence.subject)


def _cells(evidence: ArmEvidence, probes: Probes) -> Iterator[_Cell]:
    """Go over the classes of the probes, the healthy first, keeping those of a cell that the audit lacks."""
    label = _labels(evidence)
    sides = dict(zip(probes.label.tolist(), probes.positive.tolist(), strict=True))
    names = sorted(set(sides) - {""}, key=lambda name: (sides[name], name))
    for name in names:
        yield from _cell(evidence, probes.kept(probes.label == name), label == name, 0.0)
    if probes.max_prevalence is not None:
        yield from _cell(evidence, probes.kept(probes.label == ""), ~evidence.positive, probes.max_prevalence)


def _labels(evidence: ArmEvidence) -> np.ndarray:
    """Return the class of every subject; of a contrast the original one."""
    if evidence.label is not None:
        return evidence.label
    return np.where(evidence.positive, evidence.classes[1], evidence.classes[0])


def _cell(evidence: ArmEvidence, probes: Probes, own: BoolArray, prevalence: float) -> Iterator[_Cell]:
    """Keep the probes of one class that come from origins of the other class alone; nothing where there are none."""
    if not probes.subject.size:
        return
    positive = bool(probes.positive[0])
    others = evidence.positive != positive
    missing = set(evidence.origin[others].tolist()) - set(evidence.origin[own].tolist())
    foreign = probes.kept(np.isin(probes.origin, sorted(missing)))
    if foreign.subject.size:
        kept = foreign.kept(foreign.twin_of == "")
        other = others & np.isin(evidence.origin, kept.origin)
        twins = int((foreign.twin_of != "").sum())
        covered = float(other.sum() / max(1, others.sum()))
        yield _Cell(str(probes.label[0]), kept, own, other, prevalence, twins, positive, covered)


@dataclass(frozen=True)
class _Measured:
    """Share of the class gap that the probes go over to the other class, with its interval and p-value."""

    share: ProbeShare
    interval: Interval
    p_value: float
    networks: NetworkVariance | None


def _judged(evidence: ArmEvidence, cell: _Cell, protocol: Protocol) -> Finding:
    k = int(cell.probes.subject.size)
    if k < FEWEST or cell.own.sum() < 2 or cell.other.sum() < 2:
        reason = f"{k} of the probes are {_of_whom(evidence, cell)}{_left_out(cell)}; at least {FEWEST} are needed"
        return _finding(
            evidence, cell, Judgement("inconclusive", reason, _bring(evidence, _needed(evidence, protocol)))
        )
    share = _share(evidence, cell)
    if not _gap_is_known(share, cell, protocol):
        reason = f"the class gap of {abs(share.gap):.2f} logits is too uncertain for a share of it to be known"
        remedy = "train a network that separates the classes, or add subjects"
        return _finding(evidence, cell, Judgement("inconclusive", reason, remedy))
    networks = seed_variance(evidence, lambda one: _share(one.of(evidence), cell.of(one)).estimate)
    share = share.widened(networks, bound_level(protocol))
    interval = share.interval(bound_level(protocol))
    measured = _Measured(share, interval, share.p_above(protocol.verdict.low), networks)
    finding = _finding(evidence, cell, _judgement(evidence, cell, measured, protocol))
    return _with_numbers(finding, cell, measured, protocol)


def _share(evidence: ArmEvidence, cell: _Cell) -> ProbeShare:
    probes, origins = cell.probes, evidence.origin
    shares = [float((origins[cell.other] == origin).mean()) for origin in probes.origin]
    return probe_share(
        mean_by_origin(probes.logit, probes.origin, shares),
        mean_by_origin(evidence.logit[cell.own], origins[cell.own]),
        mean_by_origin(evidence.logit[cell.other], origins[cell.other]),
        cell.prevalence,
    )


def _gap_is_known(share: ProbeShare, cell: _Cell, protocol: Protocol) -> bool:
    """Whether the classes lie apart in the right order, beyond the error of the gap."""
    gap = -share.gap if cell.positive else share.gap
    known = gap - float(ndtri(1 - protocol.statistics.alpha)) * share.gap_error > 0
    return bool(known and np.isfinite(share.error) and share.error > 0)


def _finding(evidence: ArmEvidence, cell: _Cell, judged: Judgement) -> Finding:
    return Finding(
        code="P1",
        status=judged.status,
        reason=judged.reason,
        remedy=judged.remedy,
        n=int(cell.probes.subject.size),
        factor=evidence.factor,
        class_name=cell.class_name or f"{evidence.classes[0]}?",
        flag=Flag(may_flag=False),
        details={"left_out": cell.twins, "origins": ", ".join(sorted(set(cell.probes.origin.tolist())))},
    )


def _with_numbers(finding: Finding, cell: _Cell, measured: _Measured, protocol: Protocol) -> Finding:
    interval, share = measured.interval, measured.share
    # Of origins that no probe came from nothing is known: they may owe nothing to the source.
    bound = Share(low=interval.low * cell.covered)
    reliance = Share(interval.estimate, interval.low, interval.high) if cell.two_sided else bound
    return replace(
        finding,
        statistic=interval.estimate,
        low=interval.low,
        high=interval.high if cell.two_sided else None,
        level=bound_level(protocol),
        p_value=measured.p_value,
        threshold=protocol.verdict.low,
        flag=Flag(may_flag=True, healthy=not cell.positive, reliance=reliance),
        details={
            **finding.details,
            "class_gap": abs(share.gap),
            "class_gap_error": share.gap_error,
            **seed_details(measured.networks),
        },
    )


def _judgement(evidence: ArmEvidence, cell: _Cell, measured: _Measured, protocol: Protocol) -> Judgement:
    limits, interval = protocol.verdict, measured.interval
    bounds = f"[{percent(interval.low)}, {percent(interval.high)}]"
    if not cell.two_sided:
        bounds = f"(at least {percent(interval.low)})"
    shown = (
        f"{cell.probes.subject.size} images of {_of_whom(evidence, cell)}, never trained on, lie "
        f"{percent(interval.estimate)} {bounds} of the way from their own class to the other{_left_out(cell)}"
    )
    if measured.p_value <= protocol.statistics.alpha:
        remedy = "do not take the accuracy for that of the disease; look for what differs between the sources"
        return Judgement(
            "concern", f"{shown}: more than {percent(limits.low)} ({probability(measured.p_value)})", remedy
        )
    if cell.two_sided and interval.high < limits.tolerance:
        return Judgement("clear", f"{shown}: {percent(limits.tolerance)} or more is excluded")
    if not cell.two_sided:
        return Judgement("inconclusive", f"{shown}; such images can show a bias and cannot exclude one")
    reason = f"{shown}; neither more than {percent(limits.low)} nor {percent(limits.tolerance)} is excluded"
    return Judgement("inconclusive", reason, _bring(evidence, _needed(evidence, protocol)))


def _of_whom(evidence: ArmEvidence, cell: _Cell) -> str:
    """Say of which class and source the probes are: ``normal subjects from kermany``."""
    origins = sorted(set(cell.probes.origin.tolist()))
    source = _some(origins) if origins else "a source that holds the other class alone"
    if cell.class_name:
        return f"{cell.class_name} from {source}"
    return f"unknown class from {source} (at most {percent(cell.prevalence)} {evidence.classes[1]}, as you state)"


def _left_out(cell: _Cell) -> str:
    return f" ({cell.twins} more left out: they show subjects of the audit)" if cell.twins else ""


def _no_probes(evidence: ArmEvidence, protocol: Protocol) -> Finding:
    """Say that there are no probes, and how many of which images would settle the verdict."""
    given = evidence.probes is not None
    reason = "no probe shows a class that its origin lacks in this cohort" if given else "there are no probes"
    needed = _needed(evidence, protocol)
    return Finding(
        code="P1",
        status="not_applicable",
        reason=reason,
        remedy=_bring(evidence, needed),
        n=int(evidence.positive.size),
        factor=evidence.factor,
        flag=Flag(may_flag=False),
        details={f"needed_{word}": number for word, number in needed.items()},
    )


def _bring(evidence: ArmEvidence, needed: Mapping[str, int | None]) -> str:
    """Advise how many healthy images of which source to bring, by the spread of this run's own scores."""
    sources = sorted(set(evidence.origin[evidence.positive].tolist()))
    known = [number for number in needed.values() if number]
    count = max([USUAL, *known])
    words = {
        "mixed": "MIXED where half of the response is owed to the origin",
        "origin": "ORIGIN where three quarters are",
        "none": "PATHOLOGY where nothing is",
    }
    shown = [words[word] for word, number in needed.items() if number]
    buys = " or ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
    power = f" By the spread of this run's own scores that many show {buys}, with a power of 80 %." if shown else ""
    return (
        f"Bring {count} images of {evidence.classes[0]} subjects from {_some(sources)}, which are only scored: list "
        f"them in a table and run `biasaudit probe RUN TABLE`.{power}"
    )


def _needed(evidence: ArmEvidence, protocol: Protocol) -> dict[str, int | None]:
    """Count the probes that would show MIXED, ORIGIN and no reliance, each where that is true."""
    positive, limits, alpha = evidence.positive, protocol.verdict, protocol.statistics.alpha
    healthy, ill = evidence.logit[~positive], evidence.logit[positive]
    gap = float(ill.mean() - healthy.mean())
    if not gap > 0 or min(healthy.size, ill.size) < 2:
        return {"mixed": None, "origin": None, "none": None}
    spread = Spread(float(healthy.std(ddof=1)) / gap, float(ill.std(ddof=1)) / gap, healthy.size, ill.size)
    if spread.own == 0 or spread.other == 0:
        return {"mixed": None, "origin": None, "none": None}
    return {
        "mixed": probes_needed(spread, limits.high, limits.low, alpha),
        "origin": probes_needed(spread, (1 + limits.high) / 2, limits.high, alpha),
        "none": probes_needed(spread, 0.0, limits.tolerance, alpha),
    }


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} or {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
