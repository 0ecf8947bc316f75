"""U13: what does the score do when what lies outside of the disease field is taken from the other class?"""

from __future__ import annotations

from biasaudit.checks.outside_field import bound_finding, field_fault, lowest
from biasaudit.checks.premises import fault_finding, stream
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Finding
from biasaudit.registry import register
from biasaudit.stats.frames import transplant_share
from biasaudit.stats.strata import joint_codes

__all__ = ["FrameTransplant"]


@register("check", "U13")
class FrameTransplant:
    """Change of the score under the tones, sharpness and frame of the other class, beyond those of the own."""

    code = "U13"
    title = "Frame transplant"
    question = "Which share of the class gap moves with what lies outside of the disease field?"
    why = (
        "If the network reads the disease, the border of another image and the tones and sharpness that are measured "
        "there change little. What they do change lies outside of the field that you declared: source, projection or "
        "positioning."
    )
    kind = "used"
    statistic = "share of the class gap"
    needs = ("table", "scores", "frames")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Judge the change under transplanted frames."""
        fault = field_fault(evidence, protocol)
        if fault:
            return [fault_finding(self.code, evidence, fault)]
        assert evidence.frames is not None
        share = transplant_share(
            evidence.logit,
            evidence.frames.transplanted,
            evidence.frames.donors,
            evidence.positive,
            joint_codes(evidence.positive, evidence.fold),
            protocol.statistics.n_bootstraps,
            stream(evidence, self.code),
        )
        how = "moves when an image is given the frame of the other class, beyond frames of its own"
        return [bound_finding(self.code, evidence, protocol, lowest(share, protocol), how)]
