"""State in sentences for the report what a run does not show."""

from __future__ import annotations

from collections.abc import Sequence

from biasaudit.engine.reach import unattainable_lines
from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.results.verdicts import needs_power
from biasaudit.engine.situation.situation import CONFIRMATION, Situation
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.error_rates import limit_of_rates
from biasaudit.records import Verdict, withholds_maps
from biasaudit.run_folder.contract import ErrorRatesRecord

__all__ = ["leaves_power_open", "limits_of", "withheld_maps"]


def withheld_maps(arms: Sequence[ArmResult]) -> list[str]:
    """Say of which arms the attribution maps are not shown, since they failed G2."""
    return [
        f"The report withholds the attribution maps of the {arm.name} arm: {finding.reason}. "
        "Those in the folder `maps` are no evidence."
        for arm in arms
        for finding in next(iter(arm.findings.values()))
        if withholds_maps(finding.code, finding.status)
    ]


def leaves_power_open(verdicts: Sequence[Verdict]) -> bool:
    """Whether a spike-in test (G3) that was not run is missed: not by a flag, nor where probes (P1) hold the power."""
    return any(verdict.word in ("PATHOLOGY", "UNDETERMINED") and needs_power(verdict) for verdict in verdicts)


def limits_of(run: Run, arms: Sequence[ArmResult], rates: Sequence[ErrorRatesRecord]) -> list[str]:
    """Say what the reader must not conclude from this run; `rates` are those that the report prints of the arms."""
    limits = [
        *dict.fromkeys(map(limit_of_rates, rates)),
        "Attribution maps illustrate what the statistics establish; they are no evidence by themselves.",
    ]
    if CONFIRMATION not in run.plan.codes and leaves_power_open([each for arm in arms for each in arm.verdicts]):
        limits.append("The spike-in test of power on this very cohort (G3) has not been run; it counts as open.")
    if not run.situation.ready_made and run.situation.protocol.target.networks_per_fold == 1:
        limits.append(
            "Intervals are of the networks of this audit; others, trained by the same recipe with other seeds, vary "
            "beyond them. `target: {seeds: 2}` measures how far and widens the intervals by it."
        )
    if run.situation.ready_made:
        limits.append(
            "The target was made outside of this audit. That its held-out subjects are held out is the word of who "
            "made it; what retrains the target (U10, U11, G3) was not asked."
        )
    if run.situation.colour_hidden:
        limits.append(
            "Pictures in colour were read in grey: signatures of colour are hidden from this audit. It says nothing of "
            "a network that sees colour."
        )
    limits += [f"{line[0].upper()}{line[1:]}." for line in unattainable_lines(run.outline)]
    limits += _cautions(run.situation)
    if not run.outline.masks_given:
        limits.append(_unmarked(run))
    if run.outline.masks_given and run.situation.protocol.cohort.mask_in == "all":
        limits.append(
            "Masks of all classes were erased: the error rates of that were not measured on the calibration's grid."
        )
    if len(run.plan.contrasts) > 1:
        limits.append("Calibration covers two classes; the error rates of several contrasts were not measured.")
    return limits


def _cautions(situation: Situation) -> list[str]:
    """Say what the inputs of the arms must not be taken for; tissue maps of the user's own need no such words."""
    kinds = dict.fromkeys(kind_of_input(arm.representation) for arm in situation.protocol.arms)
    own_tissue = all(sample.tissue for sample in situation.cohort.samples)
    return [kind.caution for kind in kinds if kind.caution and not (kind.shows == "tissue" and own_tissue)]


def _unmarked(run: Run) -> str:
    marked = run.outline.marked
    if not marked or len(run.plan.contrasts) == 1:
        whom = "subject" if run.situation.protocol.cohort.mask_in == "all" else "patient"
        return f"Without a pathology mask for every {whom} nothing could be erased: U4 and U6 were not asked."
    return (
        f"Only {', '.join(marked)} had a pathology mask for every patient: erasure was asked of no other class, and "
        "compared with no other patients."
    )
