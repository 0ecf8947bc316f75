"""The verdict: the rules that turn the findings of one arm and one origin factor into one word.

Findings flag whose `Finding.flag` says that they may: of U1 (observational), U4 and U5 (interventional), with Holm's
correction over all of them. How much is flagged decides between MIXED and ORIGIN; PATHOLOGY is an equivalence claim and
never the absence of a flag; anything else is UNDETERMINED with its reason (DESIGN.md section 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from biasaudit.protocol import Protocol
from biasaudit.records import VERDICT_ORDER, Finding, Regime, Reliance, Verdict, VerdictWord
from biasaudit.reliance import corroboration, estimate_reliance
from biasaudit.stats.multiplicity import holm

__all__ = ["Design", "decide", "decide_contrasts", "flags", "headline"]

_OUTSIDE = ("background", "silhouette")
_BOTH_CLASSES = "Images of both classes from the same origin would settle it, even a few dozen."
_FOUND = {
    "U4": "the scores still separate the classes after the lesions are erased",
    "U5": "the scores follow the signature when it is imposed on images of the other class",
    "U1": "scores differ between origins within a class",
}
"""What a check that flags has found, in the words of the verdict; of any other check its own reason is quoted."""

_MASKS = "Pathology masks for every patient would let the lesions be erased and the rest be measured."


@dataclass(frozen=True)
class Design:
    """Properties of the design that the rules depend on.

    Attributes
    ----------
    regime : Regime
        ``crossed``, ``nested``, ``aliased`` or ``single``.
    masks_given : bool
        Every patient has a pathology mask.
    mask_is_complete : bool
        The user declares that no pathology lies outside the masks.
    """

    regime: Regime
    masks_given: bool
    mask_is_complete: bool


@dataclass(frozen=True)
class _Case:
    """Everything a rule looks at."""

    findings: Sequence[Finding]
    design: Design
    factor: str
    protocol: Protocol
    reliance: Reliance
    flagged: tuple[Finding, ...]

    def of(self, code: str) -> list[Finding]:
        """Return the findings of one check."""
        return [finding for finding in self.findings if finding.code == code]

    def verdict(self, word: VerdictWord, reason: str, settle: str, *, provisional: bool = False) -> Verdict:
        """Make the verdict for this factor."""
        return Verdict(word, reason, self.factor, self.reliance, provisional, settle)


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
        A PATHOLOGY is provisional unless the spike-in test of power (G3) was asked.
    """
    return _decide(_case(findings, design, factor, protocol, flags(findings, protocol.statistics.alpha)))


def decide_contrasts(
    findings: Sequence[Finding], designs: Mapping[str | None, Design], factor: str, protocol: Protocol
) -> tuple[Verdict, ...]:
    """Give one verdict per contrast; Holm's correction is over the tests of all of them together.

    Parameters
    ----------
    findings : sequence of Finding
        Of this arm and factor, all checks and contrasts.
    designs : mapping of contrast to Design
        One entry, None, with two classes.
    factor, protocol
        As in `decide`.
    """
    flagged = flags(findings, protocol.statistics.alpha)
    verdicts = []
    for contrast, design in designs.items():
        own = [finding for finding in findings if finding.contrast == contrast]
        flagged_here = tuple(finding for finding in flagged if finding.contrast == contrast)
        verdicts.append(replace(_decide(_case(own, design, factor, protocol, flagged_here)), contrast=contrast))
    return tuple(verdicts)


def _case(
    findings: Sequence[Finding], design: Design, factor: str, protocol: Protocol, flagged: tuple[Finding, ...]
) -> _Case:
    reliance = estimate_reliance(findings, design.regime, corroboration(findings))
    return _Case(findings, design, factor, protocol, reliance, flagged)


def _decide(case: _Case) -> Verdict:
    return _obstacle(case) or _reading_origin(case) or _reading_pathology(case) or _open(case)


def headline(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; of equal ones the first."""
    return max(verdicts, key=lambda verdict: VERDICT_ORDER.index(verdict.word))


def flags(findings: Sequence[Finding], alpha: float) -> tuple[Finding, ...]:
    """Return the findings that flag after Holm's correction (Holm 1979) over all that may (`Finding.may_flag`)."""
    tests = [finding for finding in findings if finding.may_flag]
    adjusted: Sequence[float] | np.ndarray = (
        holm([np.nan if test.p_value is None else test.p_value for test in tests]) if tests else []
    )
    return tuple(test for test, p_value in zip(tests, adjusted, strict=True) if p_value <= alpha)


def _obstacle(case: _Case) -> Verdict | None:
    """Return a verdict where nothing can be said at all."""
    if any(finding.status == "error" for finding in case.findings):
        reason = "A check could not be computed, so no verdict is given. See the finding marked as an error."
        return case.verdict("UNDETERMINED", reason, "Mend the cause and run the audit again.")
    competence = case.of("G1")
    if not competence:
        reason = "Whether the classifier beats chance was not asked. What was not asked never counts as passed."
        return case.verdict("UNDETERMINED", reason, "Add G1 to the checks of the protocol and run again.")
    if competence[0].status != "clear":
        return _incompetent(case, competence[0])
    if case.design.regime == "single":
        reason = (
            "All subjects come from a single origin, so there is no origin to compare. "
            "Whether the classifier would travel to another one cannot be told from these images."
        )
        return case.verdict("UNDETERMINED", reason, "Images of both classes from a second origin would settle it.")
    return None


def _incompetent(case: _Case, competence: Finding) -> Verdict:
    """Say that a target is not above chance, and whether its scores follow the origin all the same."""
    found = competence.reason.removesuffix(": not shown to be above chance.")
    reason = f"The classifier is not shown to tell the classes apart ({found})."
    if not case.flagged:
        return case.verdict("UNDETERMINED", reason, "A target that has learned something; then audit again.")
    codes = " and ".join(dict.fromkeys(finding.code for finding in case.flagged))
    reason += f" Its scores follow the origin all the same ({codes}): what it has learned may be the origin."
    settle = "A target that tells the classes apart where both come from the same origin; then audit again."
    return case.verdict("UNDETERMINED", reason, settle)


def _reading_origin(case: _Case) -> Verdict | None:
    """ORIGIN or MIXED: flagged, and the lower bound of reliance says how much."""
    low, settings = case.reliance.low, case.protocol.verdict
    if not case.flagged or low is None or low <= settings.low or not _is_the_origin(case):
        return None
    share = _interval(case.reliance)
    if low > settings.high:
        reason = (
            f"The classifier mostly answers to where an image comes from: {share} of its response is owed to the "
            f"origin. {_because(case)}"
        )
        return case.verdict("ORIGIN", reason, _after_flag(case))
    reason = (
        f"The classifier answers to the disease and also to where an image comes from: {share} of its response is owed "
        f"to the origin. {_because(case)}"
    )
    return case.verdict("MIXED", reason, _after_flag(case))


def _is_the_origin(case: _Case) -> bool:
    """Outside crossed designs what is left after erasure may be disease beyond the masks: a second line must agree."""
    return case.design.regime == "crossed" or case.design.mask_is_complete or bool(_second_line(case))


def _second_line(case: _Case) -> list[Finding]:
    inside_healthy = [f for f in case.flagged if f.flag is not None and f.flag.healthy]
    transferred = [f for f in case.flagged if f.code == "U5"]
    return _outside_concerns(case) + inside_healthy + transferred


def _outside_concerns(case: _Case) -> list[Finding]:
    """Return the findings that the label can be read outside the anatomy."""
    return [f for f in case.of("A2") if f.input in _OUTSIDE and f.status == "concern"]


def _because(case: _Case) -> str:
    codes = {finding.code for finding in case.flagged}
    parts = [words for code, words in _FOUND.items() if code in codes]
    parts += [f"{finding.code} found that {finding.reason}" for finding in case.flagged if finding.code not in _FOUND]
    doubt = ""
    if codes == {"U5"} and not _outside_concerns(case):
        doubt = " Disease that looks alike in every patient, such as a diffuse one, could do the same."
    return f"The evidence: {' and '.join(parts)}.{doubt}"


def _after_flag(case: _Case) -> str:
    if case.design.regime == "crossed":
        return "Balance or match the classes within each origin, try the tissue or a harmonised input, and audit again."
    return (
        "Do not publish the accuracy as accuracy for the disease. Test on images of both classes from one site, "
        "try the tissue or a harmonised input, and audit again."
    )


def _reading_pathology(case: _Case) -> Verdict | None:
    """PATHOLOGY: equivalence shown, nothing flagged."""
    high = case.reliance.high
    if case.reliance.source == "U5":  # an edit that misses part of a signature underestimates
        return None
    if case.flagged or high is None or high >= case.protocol.verdict.tolerance or _without_power(case):
        return None
    if case.design.regime == "crossed":
        return _crossed_pathology(case)
    outside_asked = any(f.input in _OUTSIDE and f.status in ("clear", "inconclusive") for f in case.of("A2"))
    if not case.design.masks_given or not outside_asked or _outside_concerns(case):
        return None
    reason = (
        f"{'Almost' if case.of('G3') else 'Provisional: almost'} all that separates the classes goes away with the "
        f"marked pathology ({_interval(case.reliance)} is left). {_power(case)}"
    )
    settle = (
        "A signature inside the masks, or one that acts only together with the lesions, remains unexcluded because no "
        "origin holds both classes."
    )
    return case.verdict("PATHOLOGY", reason, settle, provisional=not case.of("G3"))


def _crossed_pathology(case: _Case) -> Verdict | None:
    if not _shown_alike(case):
        return None
    delta = case.protocol.verdict.delta
    reason = (
        f"{'Within' if case.of('G3') else 'Provisional: within'} each class the scores do not differ between "
        f"origins by more than the tolerance (AUC within {delta:g} of one half), and at most "
        f"{100 * (case.reliance.high or 0):.0f} % of the response is owed to the origin. {_power(case)}"
    )
    settle = "Origins that are not in this cohort remain untested."
    return case.verdict("PATHOLOGY", reason, settle, provisional=not case.of("G3"))


def _shown_alike(case: _Case) -> bool | None:
    """Whether the scores of all classes together are shown to be alike between origins (U1); None if not asked."""
    pooled = next((f for f in case.of("U1") if f.class_name is None), None)
    return None if pooled is None else pooled.flag is not None and bool(pooled.flag.equivalent)


def _without_power(case: _Case) -> list[Finding]:
    """Return the spike-in tests that did not pass; where none was asked the claim stays provisional."""
    return [finding for finding in case.of("G3") if finding.status != "clear"]


def _power(case: _Case) -> str:
    if case.of("G3"):
        return "A signature planted in a copy of this cohort was found, and a sham was not."
    return "The power to find a signature on this very cohort has not been tested (G3)."


def _open(case: _Case) -> Verdict:
    """UNDETERMINED: say why, and what would settle it."""
    if case.reliance.low is None:
        return case.verdict("UNDETERMINED", *_no_estimate(case))
    if case.reliance.source == "U5" and not case.flagged:
        return case.verdict("UNDETERMINED", *_not_transferred(case))
    share = _interval(case.reliance)
    if case.flagged and not _is_the_origin(case):
        reason = (
            f"{share} of the class gap lies outside the marked pathology: the dataset, or disease beyond the masks. "
            "Nothing else in this design tells the two apart."
        )
        settle = f"{_BOTH_CLASSES} Or declare the masks complete (`mask_is_complete`) if they are."
        return case.verdict("UNDETERMINED", reason, settle)
    if case.flagged:
        reason = (
            f"The scores depend on the origin, but how much of the response that is cannot be told: {share}. "
            "It may be too little to matter, or not."
        )
        return case.verdict("UNDETERMINED", reason, _more_subjects(case))
    reason = (
        f"No dependence on the origin was shown, but it is not excluded either: {share} of the response may be owed to "
        f"the origin. {_missing(case)}"
    )
    return case.verdict("UNDETERMINED", reason, _more_subjects(case))


def _no_estimate(case: _Case) -> tuple[str, str]:
    if case.design.regime == "crossed":
        reason = "How far the scores depend on the origin could not be estimated. The origins hold too few subjects."
        return reason, _more_subjects(case)
    seen = "U1 finds that sites of one class differ, which is not the signature that separates the classes. "
    known = seen if any(finding.code == "U1" for finding in case.flagged) else ""
    reason = (
        "No origin holds both classes and there is nothing to erase, so disease and origin cannot be told apart, "
        f"whatever the accuracy. {known}{_outside(case)}"
    )
    return reason.strip(), f"{_BOTH_CLASSES} {_MASKS}"


def _not_transferred(case: _Case) -> tuple[str, str]:
    reason = (
        "No origin holds both classes and there is nothing to erase. Imposing the other side's signature moves "
        f"{_interval(case.reliance)} of the class gap, but an edit can miss part of a signature, so little change "
        f"clears nobody. {_outside(case)}"
    )
    return reason.strip(), f"{_BOTH_CLASSES} {_MASKS}"


def _outside(case: _Case) -> str:
    concerns = _outside_concerns(case)
    if not concerns or concerns[0].statistic is None:
        return ""
    return f"The {concerns[0].input} alone predicts the label with an AUC of {concerns[0].statistic:.2f}."


def _missing(case: _Case) -> str:
    if _without_power(case):
        return f"The spike-in test (G3) did not pass: {_without_power(case)[0].reason}."
    if _outside_concerns(case):
        return _outside(case)
    if case.design.regime == "crossed" and _shown_alike(case) is False:
        return "The scores of the origins within a class are not shown to be alike."
    high = case.reliance.high
    if case.design.regime != "crossed" and high is not None and high < case.protocol.verdict.tolerance:
        return "PATHOLOGY also takes that networks without sight of the pathology (A2) fail, which was not asked."
    return f"PATHOLOGY needs an upper bound below {100 * case.protocol.verdict.tolerance:.0f} %."


def _more_subjects(case: _Case) -> str:
    flags = [finding.flag for finding in case.findings if finding.flag is not None]
    numbers = [flag.n_needed for flag in flags] + [flag.reliance.n_needed for flag in flags if flag.reliance]
    needed = [number for number in numbers if number]
    if needed and (case.design.regime == "crossed" or case.reliance.source == "U4"):
        return f"About {int(max(needed))} subjects in all would narrow the interval enough, if the estimate holds."
    return "More subjects in each class and origin would settle it."


def _interval(reliance: Reliance) -> str:
    low, high = 100 * (reliance.low or 0.0), 100 * (reliance.high or 0.0)
    return f"{low:.0f}-{high:.0f} %" if round(low) != round(high) else f"{high:.0f} %"
