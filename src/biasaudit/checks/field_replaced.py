"""U14: how much of the class gap is left when the disease field is blank?"""

from __future__ import annotations

import numpy as np

from biasaudit.checks.outside_field import Lowest, bound_finding, field_fault, lowest
from biasaudit.checks.premises import bound_level, fault_finding, percent, score_fault, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding, Flag, FloatArray
from biasaudit.registry import register
from biasaudit.stats.effects import gap_share
from biasaudit.stats.frames import mimicry_share
from biasaudit.stats.intervals import Resampled, bootstrap_gap_share
from biasaudit.stats.strata import joint_codes

__all__ = ["FieldReplaced"]

FILLINGS = ("the mean image", "the mean image in the frame's own tones")
"""What the field was filled with, in the order of `FrameEdits.blanked`."""

_FRAME_INPUT = "background"
_MIMICRY = "mimicry"


@register("check", "U14")
class FieldReplaced:
    """Class gap that is left of images whose field shows the same in everybody."""

    code = "U14"
    title = "Field replaced"
    question = "Which share of the class gap is left when the disease field shows the same in every image?"
    why = (
        "If the network reads the disease, no gap is left where everybody's field is the mean image. What is left "
        "comes from outside of the field that you declared: source, projection or positioning."
    )
    kind = "used"
    statistic = "share of the class gap"
    needs = ("table", "scores", "frames", "reduced")
    optional = ("reduced",)

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the gap that is left, and whether a network that sees the frame alone answers like the target."""
        fault = field_fault(evidence, protocol)
        if fault:
            return [fault_finding(self.code, evidence, fault)]
        assert evidence.frames is not None
        shares = [_left(evidence, evidence.frames.blanked[:, place], protocol) for place in range(len(FILLINGS))]
        # Both fillings must leave a gap: one alone may be an artefact of its own.
        share = min(shares, key=lambda own: own.low)
        how = f"is left when the field is filled with {FILLINGS[shares.index(share)]}"
        found = bound_finding(self.code, evidence, protocol, share, how)
        mimicry = _mimicry(evidence, protocol)
        return [found] if mimicry is None else [found, mimicry]


def _left(evidence: ArmEvidence, blanked: FloatArray, protocol: Protocol) -> Lowest:
    """Share of the class gap that one filling leaves."""
    full, truth = evidence.logit, evidence.positive
    draws = bootstrap_gap_share(
        full,
        blanked,
        truth,
        joint_codes(truth, evidence.fold),
        protocol.statistics.n_bootstraps,
        stream(evidence, "U14"),
    )
    share = gap_share(full[truth], blanked[truth], full[~truth], blanked[~truth])
    return lowest(Resampled(share, draws), protocol)


def _mimicry(evidence: ArmEvidence, protocol: Protocol) -> Finding | None:
    """Report, without a vote, how far the target answers as a network that was trained on the frame alone."""
    mimic = evidence.reduced.get(_FRAME_INPUT)
    if mimic is None or score_fault(mimic, evidence.subject):
        return None
    share = mimicry_share(
        evidence.logit,
        mimic,
        evidence.positive,
        joint_codes(evidence.positive, evidence.fold),
        protocol.statistics.n_bootstraps,
        stream(evidence, "U14", _MIMICRY),
    )
    own = lowest(share, protocol)
    known = bool(np.isfinite([own.estimate, own.low]).all())
    agrees = known and own.p_value <= protocol.statistics.alpha
    verb = "scores" if agrees else "is not shown to score"
    reason = f"inside the healthy the target {verb} like a network that sees the frame alone"
    if known:
        reason += f": that would make up {percent(own.estimate)} of the class gap, at least {percent(own.low)}"
    return Finding(
        code="U14",
        status="concern" if agrees else "inconclusive",
        reason=f"{reason}; this corroborates and decides nothing",
        statistic=own.estimate if known else None,
        low=own.low if known else None,
        level=bound_level(protocol),
        p_value=own.p_value if known else None,
        threshold=protocol.verdict.low,
        n=int(evidence.positive.size),
        factor=evidence.factor,
        input=_MIMICRY,
        flag=Flag(may_flag=False),
        details={"kind": "bound"},
    )
