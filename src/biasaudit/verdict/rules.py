"""The rules, from what is flagged and how much of the response is known to be owed to the origin to one word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from biasaudit.protocol import Protocol
from biasaudit.records import VERDICT_ORDER, Finding, Verdict
from biasaudit.reliance import corroboration, estimate_reliance, is_measured_by_probes
from biasaudit.stats.multiplicity import holm
from biasaudit.verdict import words
from biasaudit.verdict.case import EDITS, Case, Design

__all__ = ["decide", "decide_contrasts", "flags", "headline", "p_values"]


def decide(findings: Sequence[Finding], design: Design, factor: str, protocol: Protocol) -> Verdict:
    """Give the verdict for one arm and one origin factor.

    Parameters
    ----------
    findings : sequence of Finding
        Of this arm and factor, all checks.
    design : Design
    factor : str
    protocol : Protocol
        Thresholds.

    Returns
    -------
    Verdict
        A PATHOLOGY that no probes show is provisional unless the spike-in test of power (G3) was asked.
    """
    case = _case(findings, design, factor, protocol, flags(findings, protocol.statistics.alpha))
    return _decide(replace(case, tests=_made(p_values(findings))))


def decide_contrasts(
    findings: Sequence[Finding],
    designs: Mapping[str | None, Design],
    factor: str,
    protocol: Protocol,
    beside: Sequence[float] = (),
) -> tuple[Verdict, ...]:
    """Give one verdict per contrast; Holm's correction is over the tests of all of them together.

    What flags by its own arm and factor and no longer beside the tests of others convicts nobody, and forbids PATHOLOGY
    all the same: a wider correction must not clear.

    Parameters
    ----------
    findings : sequence of Finding
        Of this arm and factor, all checks and contrasts.
    designs : mapping of contrast to Design
        One entry, None, with two classes.
    factor, protocol
        As in `decide`.
    beside : sequence of float
        p-values of the tests of other arms and factors that are corrected together with these (`p_values`).
    """
    alone = flags(findings, protocol.statistics.alpha)
    flagged = flags(findings, protocol.statistics.alpha, beside) if beside else alone
    tests = _made([*p_values(findings), *beside])
    verdicts = []
    for contrast, design in designs.items():
        own = [finding for finding in findings if finding.contrast == contrast]
        case = _case(own, design, factor, protocol, _of(contrast, flagged))
        case = replace(case, doubted=tuple(f for f in _of(contrast, alone) if f not in case.flagged), tests=tests)
        verdicts.append(replace(_decide(case), contrast=contrast))
    return tuple(verdicts)


def _of(contrast: str | None, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.contrast == contrast)


def _case(
    findings: Sequence[Finding], design: Design, factor: str, protocol: Protocol, flagged: tuple[Finding, ...]
) -> Case:
    reliance = estimate_reliance(findings, design.regime, flagged, corroboration(findings))
    return Case(findings, design, factor, protocol, reliance, flagged)


def _decide(case: Case) -> Verdict:
    return _obstacle(case) or _reading_origin(case) or _reading_pathology(case) or _open(case)


def headline(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; of equal ones the first."""
    return max(verdicts, key=lambda verdict: VERDICT_ORDER.index(verdict.word))


def flags(findings: Sequence[Finding], alpha: float, beside: Sequence[float] = ()) -> tuple[Finding, ...]:
    """Return the findings that flag after Holm's correction (Holm 1979) over all that vote, and the p-values `beside`.

    Those vote that may flag (`Finding.may_flag`); edits of the images do not where probes measure from both sides what
    an edit only bounds, or mixes with disease beyond the masks.
    """
    tests = _voting(findings)
    adjusted = holm([*p_values(findings), *beside])[: len(tests)]
    return tuple(test for test, p_value in zip(tests, adjusted, strict=True) if p_value <= alpha)


def p_values(findings: Sequence[Finding]) -> list[float]:
    """Return the p-values of the tests of one arm and factor that vote, nan where one could not be made."""
    return [np.nan if test.p_value is None else test.p_value for test in _voting(findings)]


def _made(tests: Sequence[float]) -> int:
    """Count the tests that could be made: Holm's correction is over these."""
    return int(np.isfinite(tests).sum())


def _voting(findings: Sequence[Finding]) -> list[Finding]:
    contrasts = {finding.contrast for finding in findings}
    probed = {
        contrast
        for contrast in contrasts
        if is_measured_by_probes([finding for finding in findings if finding.contrast == contrast])
    }
    return [f for f in findings if f.may_flag and not (f.code in EDITS and f.contrast in probed)]


def _obstacle(case: Case) -> Verdict | None:
    """Return a verdict where nothing can be said at all."""
    if any(finding.status == "error" for finding in case.findings):
        reason = "A check could not be computed, so no verdict is given. See the finding marked as an error."
        return case.verdict("UNDETERMINED", reason, "Mend the cause and run the audit again.")
    competence = case.of("G1")
    if not competence:
        reason = "Whether the classifier beats chance was not asked. What was not asked never counts as passed."
        return case.verdict("UNDETERMINED", reason, "Add G1 to the checks of the protocol and run again.")
    if competence[0].status != "clear":
        return _without_competence(case, competence[0])
    if case.design.regime == "single":
        reason = (
            "All subjects come from a single origin, so there is no origin to compare. "
            "Whether the classifier would travel to another one cannot be told from these images."
        )
        return case.verdict("UNDETERMINED", reason, "Images of both classes from a second origin would settle it.")
    return None


def _without_competence(case: Case, competence: Finding) -> Verdict:
    """ORIGIN where the scores answer to the origin all the same; nothing else can be said of such a target."""
    if competence.status == "inconclusive" and case.answers_to_the_origin:
        return case.verdict("ORIGIN", words.nothing_but_the_origin(case, competence), words.AFTER_NOTHING_LEARNED)
    return case.verdict("UNDETERMINED", *words.incompetent(case, competence))


def _reading_origin(case: Case) -> Verdict | None:
    """ORIGIN or MIXED: flagged, and the lower bound of reliance says how much."""
    low, settings = case.reliance.low, case.protocol.verdict
    if not case.flagged or low is None or low <= settings.low or not case.is_the_origin:
        return None
    if low > settings.high:
        return case.verdict("ORIGIN", words.mostly_the_origin(case), words.after_flag(case))
    if case.may_be_chance:
        return None
    return case.verdict("MIXED", words.also_the_origin(case), words.after_flag(case))


def _reading_pathology(case: Case) -> Verdict | None:
    """PATHOLOGY: equivalence shown, nothing flagged."""
    high = case.reliance.high  # of a lower bound there is none
    if case.flagged or case.doubted or high is None or high >= case.protocol.verdict.tolerance:
        return None
    if case.reliance.source == "P1":
        # Its interval holds the power: images of the missing cell, not a planted stand-in for them.
        return case.verdict("PATHOLOGY", *words.cleared_by_probes(case))
    if case.without_power:
        return None
    provisional = not case.of("G3")
    if case.crossed:
        shown = words.cleared_by_scores(case) if case.shown_alike else None
    else:
        asked = case.design.masks_given and case.outside_was_asked and not case.outside_concerns
        # What is erased of two kinds of lesion can leave less of a gap than the origin makes (docs/benchmarks.md).
        asked = asked and case.protocol.cohort.mask_in != "all"
        shown = words.cleared_by_erasure(case) if asked else None
    return None if shown is None else case.verdict("PATHOLOGY", *shown, provisional=provisional)


def _open(case: Case) -> Verdict:
    """UNDETERMINED: say why, and what would settle it."""
    if case.reliance.low is None:
        return case.verdict("UNDETERMINED", *words.no_estimate(case))
    if case.flagged and not case.is_the_origin:
        return case.verdict("UNDETERMINED", *words.outside_the_masks(case))
    if case.flagged and case.reliance.low > case.protocol.verdict.low:
        return case.verdict("UNDETERMINED", *words.chance_weights(case))
    if case.flagged:
        return case.verdict("UNDETERMINED", *words.how_much_is_open(case))
    if case.doubted:
        return case.verdict("UNDETERMINED", *words.lost_in_the_audit(case))
    return case.verdict("UNDETERMINED", *words.neither_shown(case))
