"""Decide every arm of a run, factor by factor and contrast by contrast."""

from __future__ import annotations

from dataclasses import replace

from biasaudit.engine.plan import ArmContrast
from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.error_rates import carries_weight
from biasaudit.protocol import ArmSettings
from biasaudit.records import ArmEvidence, Recipe, Regime, Verdict
from biasaudit.verdict import Design, decide_contrasts, p_values

__all__ = ["arm_result", "evidence_by_contrast", "needs_power", "to_confirm"]


def to_confirm(run: Run) -> frozenset[Recipe]:
    """Return the recipes of arms with a PATHOLOGY that is put to the spike-in test, if that can be made.

    One that probes show needs none: it was measured on images of the missing cell.
    """
    if not run.situation.confirms:
        return frozenset()
    return frozenset(
        arm.recipe
        for arm in run.situation.protocol.arms
        if any(verdict.word == "PATHOLOGY" and needs_power(verdict) for verdict in _verdicts(run, arm.name))
    )


def needs_power(verdict: Verdict) -> bool:
    """Whether nothing but a spike-in test (G3) would show the power behind a verdict; probes hold their own."""
    return verdict.reliance.source != "P1"


def arm_result(run: Run, arm: ArmSettings) -> ArmResult:
    """Gather the findings, verdicts and evidence of one arm."""
    evidence = evidence_by_contrast(run, arm.name, run.factors[0])
    findings = {factor: run.findings(arm.name, factor) for factor in run.factors}
    return ArmResult(arm, findings, _verdicts(run, arm.name), evidence)


def _verdicts(run: Run, name: str) -> tuple[Verdict, ...]:
    """Decide one arm, factor by factor and contrast by contrast."""
    verdicts: list[Verdict] = []
    for factor in run.factors:
        designs = {
            contrast: Design(own.regime, own.masks_given and _all_erasable(own), own.mask_is_complete)
            for contrast, own in evidence_by_contrast(run, name, factor).items()
        }
        beside = _beside(run, name, factor)
        decided = decide_contrasts(run.findings(name, factor), designs, factor, run.situation.protocol, beside)
        verdicts.extend(_weighed(verdict, designs[verdict.contrast].regime) for verdict in decided)
    return tuple(verdicts)


def _beside(run: Run, name: str, factor: str) -> list[float]:
    """Return the p-values of all other arms and factors, where the whole audit is corrected together."""
    protocol = run.situation.protocol
    if protocol.statistics.scope == "verdict":
        return []
    others = [(arm.name, each) for arm in protocol.arms for each in run.factors if (arm.name, each) != (name, factor)]
    return [p_value for arm, each in others for p_value in p_values(run.findings(arm, each))]


def _weighed(verdict: Verdict, regime: Regime) -> Verdict:
    """Leave checks that calibration found not to discriminate out of what corroborates."""
    kept = tuple(code for code in verdict.reliance.corroborated_by if carries_weight(code, regime) is not False)
    return replace(verdict, reliance=replace(verdict.reliance, corroborated_by=kept))


def _all_erasable(evidence: ArmEvidence) -> bool:
    """Whether erasure speaks of the whole rest: a claim about it cannot leave patients without masks out."""
    return evidence.erasable is None or bool(evidence.erasable.all())


def evidence_by_contrast(run: Run, arm: str, factor: str) -> dict[str | None, ArmEvidence]:
    """Return the evidence of one arm and factor, contrast by contrast."""
    return {contrast.name: run.evidence(ArmContrast(arm, factor, contrast.name)) for contrast in run.plan.contrasts}
