"""The second paragraph of the methods: what was tested and how reliance was estimated, by check."""

from __future__ import annotations

from collections.abc import Mapping

from biasaudit.report.passages import Passage, Settings
from biasaudit.report.words import count
from biasaudit.run_folder.reading import RunRecords

__all__ = ["tests"]

_INPUTS = {
    "background": "the background alone",
    "erased": "the image with the marked pathology erased",
    "shuffled": "the intensities in random order",
    "silhouette": "the outline of the brain",
}

_ALWAYS: Mapping[str, Passage] = {
    "D2": Passage(
        "Whether headers, sidecars and covariates predict the class or the origin was tested by cross-validated "
        "classifiers."
    ),
    "D3": Passage("Images of different subjects were searched for duplicates and near-duplicates."),
    "A3": Passage(
        "Whether measures of image quality predict the class or the origin was tested by cross-validated classifiers."
    ),
    "D4": Passage("Covariates were compared between the origins of a class by standardised differences."),
    "A1": Passage(
        "Whether the origin can be read from the images was asked of control classifiers that were trained to tell "
        "origins apart inside one class."
    ),
    "U2": Passage(
        "Whether training had made the origin easier to read in the hidden layers was tested against the untrained "
        "network."
    ),
    "U3": Passage(
        "Hidden features were compared between the origins of a class by kernel two-sample permutation tests.",
        ("gretton2012",),
    ),
    "U5": Passage(
        "The signature of one origin was imposed on images of another, and the change of the logit was compared with "
        "that of sham edits."
    ),
    "U10": Passage(
        "Networks retrained without one origin were compared, on it, with others trained on as many subjects."
    ),
    "U11": Passage(
        "Networks were retrained at several associations of class and origin and tested on balanced subjects."
    ),
    "U13": Passage(
        "What lies outside the declared disease field was exchanged between the classes, with an exchange inside a "
        "class as a sham; the share of the difference between the classes that moved is a lower bound of reliance."
    ),
    "U14": Passage(
        "The declared disease field was blanked; the share of the difference between the classes that was left is a "
        "lower bound of reliance."
    ),
    "G2": Passage(
        "Attribution maps were tested by random weights, by deletion and insertion of their most relevant voxels, and "
        "by agreement between networks; maps that fail are withheld.",
        ("adebayo2018",),
    ),
    "G3": Passage(
        "Power was tested on this cohort: a synthetic signature was planted by the label in a copy, another at random, "
        "and the network was retrained on each, where need be with some labels turned, until it used one."
    ),
}
_ORDER = (
    "D2",
    "D3",
    "A3",
    "D4",
    "A1",
    "A2",
    "U1",
    "U2",
    "U3",
    "U4",
    "U5",
    "P1",
    "U13",
    "U14",
    "U10",
    "U11",
    "G2",
    "G3",
)


def tests(records: RunRecords, settings: Settings, asked: set[str]) -> tuple[Passage, ...]:
    """Write one passage for every check that was asked and that a verdict or its reader rests on.

    Parameters
    ----------
    records : RunRecords
    settings : Settings
    asked : set of str
        Codes of the checks that gave an answer.
    """
    filled = {
        **_ALWAYS,
        "A2": Passage(
            f"To see whether the class can be predicted without the marked pathology, or without its place, networks "
            f"were trained anew on reduced inputs ({_reduced_inputs(records)})."
        ),
        "U1": _score_dependence(records, settings),
        "U4": _erasure(settings),
        "P1": Passage(
            f"Images of cells of class and origin that the design lacks ({_probes(records)}) were scored by the "
            "networks of all folds and trained on by none; reliance is the share of the difference between the classes "
            "by which they score as their source and not as their class, with Student's interval."
        ),
    }
    shares = {"U1": _share_of_scores(records, settings)}
    return tuple(
        passage
        for code in _ORDER
        if code in asked
        for passage in (filled[code], shares.get(code, Passage("")))
        if passage.text
    )


def _score_dependence(records: RunRecords, settings: Settings) -> Passage:
    covariates = settings.at("cohort", "covariates")
    held = f", with {', '.join(covariates)} held fixed" if isinstance(covariates, list) and covariates else ""
    return Passage(
        "Dependence of held-out logits on the origin given the class was tested by "
        f"{settings.at('statistics', 'n_permutations')} permutations of the origin inside classes{held}, with "
        "p = (b + 1)/(m + 1).",
        ("phipson2010",),
    )


def _share_of_scores(records: RunRecords, settings: Settings) -> Passage:
    """Say how reliance was estimated where it is from the scores of a crossed design."""
    if not any((arm.get("reliance") or {}).get("from") == "U1" for arm in records.audit["arms"]):
        return Passage("")
    return Passage(
        "Reliance was estimated as site / (site + pathology), where site is the difference of scores between origins "
        "inside a class, less its sampling variance, and pathology that between the classes inside an origin, with "
        f"{_interval(settings)}."
    )


def _erasure(settings: Settings) -> Passage:
    return Passage(
        f"Reliance on the signature was estimated by matched erasure: {_erased(settings)}, and the difference between "
        f"the classes that was left was divided by the original one, with {_interval(settings)} from "
        f"{settings.at('statistics', 'n_bootstraps')} bootstrap samples of subjects."
    )


def _interval(settings: Settings) -> str:
    level = settings.claim_level
    return "an interval" if level is None else f"a {level:g} % interval"


def _erased(settings: Settings) -> str:
    if settings.at("cohort", "mask_in") == "all":
        return (
            "of every subject its own lesion and a mask exchanged from each other class were in-painted from their "
            "surroundings, so that the holes are alike in all classes"
        )
    return (
        "the marked pathology of patients was in-painted from its surroundings, the same masks were exchanged onto "
        "healthy subjects as a sham"
    )


def _probes(records: RunRecords) -> str:
    asked = records.findings[records.findings["code"] == "P1"]
    return count(int(asked["n"].max()), "probe") if "n" in asked and asked["n"].notna().any() else "probes"


def _reduced_inputs(records: RunRecords) -> str:
    findings = records.findings
    asked = findings[(findings["code"] == "A2") & (findings["status"] != "not_applicable")]
    names = dict.fromkeys(asked["input"].dropna()) if "input" in asked else {}
    return ", ".join(_INPUTS.get(str(name), str(name)) for name in names) or "not recorded"
