"""The sentences of the verdict: why it is what it is, and what would settle it."""

from __future__ import annotations

from typing import NamedTuple

from biasaudit.protocol import TableCohort
from biasaudit.records import Finding, Reliance
from biasaudit.verdict.case import Case
from biasaudit.vocabulary import OF_FIELD

__all__ = [
    "AFTER_NOTHING_LEARNED",
    "Words",
    "after_flag",
    "also_the_origin",
    "chance_weights",
    "cleared_by_erasure",
    "cleared_by_probes",
    "cleared_by_scores",
    "how_much_is_open",
    "incompetent",
    "lost_in_the_audit",
    "mostly_the_origin",
    "neither_shown",
    "no_estimate",
    "nothing_but_the_origin",
    "outside_the_masks",
]


class Words(NamedTuple):
    """Why a verdict is given, and what would settle it or remains unexcluded."""

    reason: str
    settle: str


_FOUND = {
    "U4": "with the lesions erased, the scores still separate the classes (U4)",
    "U5": "the scores follow the signature when it is imposed on images of the other class (U5)",
    "U1": "subjects of one class score differently at different origins (U1)",
    "U13": "the scores move when what lies outside the declared field is taken from the other class (U13)",
    "U14": "with the declared field blanked, the scores still separate the classes (U14)",
}
"""What a check that flags has found; of any other check its own reason is quoted."""

_BOTH_CLASSES = "Images of both classes from the same origin would settle it, even a few dozen."
_MASKS = "Pathology masks for every patient would let the lesions be erased and the rest be measured."


AFTER_NOTHING_LEARNED = (
    "Do not use this network: train it where the classes come from the same origins, or with the classes balanced "
    "within each origin, and audit again."
)


def nothing_but_the_origin(case: Case, competence: Finding) -> str:
    """Say why the verdict is ORIGIN although the target is not shown to tell the classes apart."""
    return (
        f"The scores follow the origin, and are not shown to follow the disease ({_found(competence)}): "
        f"{_interval(case.reliance)} of the response comes from the origin. {_because(case)}"
    )


def incompetent(case: Case, competence: Finding) -> Words:
    """Say that a target is not above chance, and whether its scores follow the origin all the same."""
    reason = f"The classifier is not shown to tell the classes apart ({_found(competence)})."
    if not case.flagged:
        return Words(reason, "First a network that tells the classes apart on held-out subjects; then audit again.")
    codes = " and ".join(case.codes)
    reason += f" Its scores follow the origin all the same ({codes}): what it has learned may be the origin."
    settle = "A target that tells the classes apart where both come from the same origin; then audit again."
    return Words(reason, settle)


def _found(competence: Finding) -> str:
    return competence.reason.removesuffix(": not shown to be above chance.")


def mostly_the_origin(case: Case) -> str:
    """Say why the verdict is ORIGIN."""
    if case.reliance.source in OF_FIELD:
        return f"Most of what separates the classes lies outside the disease field. {_of_field(case)} {_because(case)}"
    return (
        f"The network responds mostly to where {_one(case)} comes from, not to the disease: "
        f"{_interval(case.reliance)} of its response. {_because(case)}"
    )


def also_the_origin(case: Case) -> str:
    """Say why the verdict is MIXED."""
    if case.reliance.source in OF_FIELD:
        return f"Part of what separates the classes lies outside the disease field. {_of_field(case)} {_because(case)}"
    return (
        f"The network responds to the disease and also to where {_one(case)} comes from: {_interval(case.reliance)} "
        f"of its response comes from the origin. {_because(case)}"
    )


def _one(case: Case) -> str:
    """Name what is judged."""
    return "an image" if case.protocol.cohort.has_images else "a subject"


def _of_field(case: Case) -> str:
    return (
        f"{_interval(case.reliance).capitalize()} of the class gap comes from outside the field that you declared: "
        "source, projection or positioning; how much more is not known. That is half of the smaller bound of two edits "
        "of the images (U13, U14), since either can overshoot."
    )


def _because(case: Case) -> str:
    codes = set(case.codes)
    parts = [words for code, words in _FOUND.items() if code in codes]
    parts += [f"{finding.reason} ({finding.code})" for finding in case.flagged if finding.code not in _FOUND]
    doubt = ""
    if codes == {"U5"} and not case.outside_concerns:
        doubt = " Disease that looks alike in every patient, such as a diffuse one, could do the same."
    if codes == {"P1"} and not any(finding.flag and finding.flag.healthy for finding in case.flagged):
        doubt = " Milder disease of these patients could do the same."
    return f"Why: {'; '.join(parts)}.{doubt}"


def after_flag(case: Case) -> str:
    """Say what to do about a network that relies on the origin."""
    then = f"{_other_input(case)} and audit again."
    if case.crossed:
        return f"Balance or match the classes within each origin, {then}"
    people = "images" if case.protocol.cohort.has_images else "subjects"
    return (
        f"Do not publish the accuracy as accuracy for the disease. Test on {people} of both classes from one site, "
        f"{then}"
    )


def _other_input(case: Case) -> str:
    """Say what to train; which other inputs there are depends on the cohort, and a target made elsewhere takes one."""
    cohort = case.protocol.cohort
    if case.protocol.target.weights or (isinstance(cohort, TableCohort) and cohort.scored):
        return "train anew"
    return "try an input that carries less of the signature (`--with-remedies` tries those that this cohort can have),"


def cleared_by_probes(case: Case) -> Words:
    """Say that images of the missing cell score as their class does."""
    probes = next(f for f in case.of("P1") if f.flag and f.flag.reliance and f.flag.reliance.estimate is not None)
    reason = (
        f"{probes.n} images of {probes.class_name} subjects from the other class's source, never trained on, score as "
        f"{probes.class_name} subjects do: at most {_percent(case.reliance.high)} of the response comes from the "
        "origin, and no other check found one that counts."
    )
    settle = (
        "Not excluded: a signature that acts only together with the disease, and sources that no probe came from "
        f"(probes: {probes.details.get('origins', '')})."
    )
    return Words(reason, settle)


def cleared_by_erasure(case: Case) -> Words:
    """Say that the class gap goes away with the marked pathology."""
    reason = (
        f"{'Almost' if case.of('G3') else 'Provisional: almost'} all that separates the classes goes away with the "
        f"marked pathology ({_interval(case.reliance)} is left). {_power(case)}"
    )
    settle = (
        "Not excluded, since no origin holds both classes: a signature inside the masks, or one that acts only with "
        "the lesions."
    )
    return Words(reason, settle)


def cleared_by_scores(case: Case) -> Words:
    """Say that scores do not differ between origins inside the classes."""
    delta = case.protocol.verdict.delta
    reason = (
        f"{'Within' if case.of('G3') else 'Provisional: within'} each class the scores do not differ between "
        f"origins by more than the tolerance (AUC within {delta:g} of one half), and at most "
        f"{_percent(case.reliance.high)} of the response comes from the origin. {_power(case)}"
    )
    return Words(reason, "Origins that are not in this cohort were not tested.")


def _power(case: Case) -> str:
    if case.of("G3"):
        return "A signature planted in a copy of this cohort was found, and a sham was not."
    return "The power to find a signature on this very cohort has not been tested (G3)."


def no_estimate(case: Case) -> Words:
    """Say why no share of the response can be given at all."""
    if case.crossed:
        reason = "How far the scores depend on the origin could not be estimated. The origins hold too few subjects."
        return Words(reason, _more_subjects(case))
    flagged = {finding.code for finding in case.flagged}
    seen = "Sites of one class score differently (U1), which need not be what separates the classes. "
    asked = any(finding.status != "not_applicable" for finding in case.of("P1"))
    probes = "the probes do not tell" if asked else "no probes were given"
    reason = (
        f"No origin holds both classes, {probes} and there is nothing to erase, so disease and origin cannot be told "
        f"apart, whatever the accuracy. {seen if 'U1' in flagged else ''}{_outside(case)}"
    )
    masks = f" {_MASKS}" if case.protocol.cohort.has_images else ""
    return Words(reason.strip(), f"{_bring(case)}{masks}")


def outside_the_masks(case: Case) -> Words:
    """Say that what is left after erasure may be the origin or disease beyond the masks."""
    reason = (
        f"{_interval(case.reliance)} of the class gap lies outside the marked pathology: the dataset, or disease "
        "beyond the masks. Nothing else in this design tells the two apart."
    )
    return Words(reason, f"{_bring(case)} Or declare the masks complete (`mask_is_complete`) if they are.")


def how_much_is_open(case: Case) -> Words:
    """Say that a dependence is flagged whose size is open."""
    reason = (
        "The scores depend on the origin, but how much cannot be told: "
        f"{_interval(case.reliance)} of the response. It may be too little to matter, or not."
    )
    return Words(reason, _more_subjects(case))


def lost_in_the_audit(case: Case) -> Words:
    """Say that what would flag alone does not beside all other tests of the audit."""
    codes = " and ".join(dict.fromkeys(finding.code for finding in case.doubted))
    reason = (
        f"{codes} would count as a concern alone, but not among the {case.tests} tests of the whole audit: "
        f"{_interval(case.reliance)} of the response may come from the origin."
    )
    settle = "An audit of this input and origin factor alone, decided on before its result is known, would settle it."
    return Words(reason, settle)


def chance_weights(case: Case) -> Words:
    """Say that origins differ, but not as the share of patients there would have taught."""
    reason = (
        f"Scores differ between origins within a class ({_interval(case.reliance)} of the response), but not as the "
        "labels would have taught: origins with more patients do not score higher than the others. The scores follow "
        "the origins as much as those of any network fitted to so few subjects would; use of them is not shown."
    )
    return Words(
        reason,
        "More subjects make such chance differences smaller, and so does a harmonised input. Until then one threshold "
        "does not fit every origin.",
    )


def neither_shown(case: Case) -> Words:
    """Say that neither a dependence nor its absence is shown."""
    reason = (
        f"No dependence on the origin was shown, but it is not excluded either: {_interval(case.reliance)} of the "
        f"response may come from the origin. {_missing(case)}"
    )
    return Words(reason, _more_subjects(case))


def _outside(case: Case) -> str:
    concerns = case.outside_concerns
    if not concerns or concerns[0].statistic is None:
        return ""
    return f"The {concerns[0].input} alone predicts the label with an AUC of {concerns[0].statistic:.2f}."


def _missing(case: Case) -> str:
    tolerance = case.protocol.verdict.tolerance
    if case.reliance.source == "P1":
        return f"PATHOLOGY needs an upper bound below {_percent(tolerance)}."
    if case.without_power:
        return f"The spike-in test (G3) did not pass: {case.without_power[0].reason}."
    if case.outside_concerns:
        return _outside(case)
    if case.crossed and case.shown_alike is False:
        return "The scores of the origins within a class are not shown to be alike."
    high = case.reliance.high
    if not case.crossed and case.protocol.cohort.mask_in == "all":
        return "With lesions in both classes, erasing them cannot show that there is no bias; probes can."
    if not case.crossed and high is not None and high < tolerance:
        return "For PATHOLOGY, networks that do not see the pathology (A2) must also fail, which was not asked."
    return f"PATHOLOGY needs an upper bound below {_percent(tolerance)}."


def _bring(case: Case) -> str:
    """Say which images would settle it, and how many where the check of probes counts them (P1)."""
    if not case.protocol.cohort.has_images:
        return _BOTH_CLASSES.replace("Images", "Subjects")
    open_questions = (finding for finding in case.of("P1") if finding.status in ("not_applicable", "inconclusive"))
    return next((finding.remedy for finding in open_questions if finding.remedy), _BOTH_CLASSES)


def _more_subjects(case: Case) -> str:
    if case.reliance.source == "P1":
        return _bring(case)
    needed, there = _needed(case)
    if needed > there and (case.crossed or case.reliance.source == "U4"):
        return f"About {needed} subjects in all would narrow the interval enough, if the estimate holds."
    high = case.reliance.high
    if needed and not case.flagged and high is not None and high < case.protocol.verdict.tolerance:
        return f"The intervals are narrow enough, so more subjects alone will not settle it. {_beside_subjects(case)}"
    return "More subjects in each class and origin would settle it."


def _needed(case: Case) -> tuple[int, int]:
    """Subjects that the tests of all classes together ask for, 0 where none tells, and those that they had."""
    asked = [f for f in case.findings if f.flag is not None and f.class_name is None]
    numbers = [f.flag.n_needed for f in asked if f.flag]
    numbers += [f.flag.reliance.n_needed for f in asked if f.flag and f.flag.reliance]
    return int(max((number or 0 for number in numbers), default=0)), max((f.n or 0 for f in asked), default=0)


def _beside_subjects(case: Case) -> str:
    """Say what would settle what is open although every interval is narrow enough."""
    if case.without_power:
        return (
            "A planted signature that the network uses and the audit finds (G3) would (other plants: `spike_in.kinds`)."
        )
    if case.outside_concerns:
        return f"An input without the {case.outside_concerns[0].input} would."
    return "Classes balanced or matched within each origin would."


def _interval(reliance: Reliance) -> str:
    """Show the share: ``60-80 %``, ``80 %``, or ``at least 60 %`` of a lower bound."""
    if reliance.kind == "bound":
        return f"at least {_percent(reliance.low)}"
    low, high = 100 * (reliance.low or 0.0), 100 * (reliance.high or 0.0)
    return f"{low:.0f}-{high:.0f} %" if round(low) != round(high) else f"{high:.0f} %"


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f} %"
