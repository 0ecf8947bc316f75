"""Plain words: what a verdict, a status or a regime means to a reader who knows nothing of the tool."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biasaudit.records import (
    VERDICT_ORDER,
    EstimateRecord,
    Regime,
    Status,
    VerdictWord,
    equation_text,
    probability_text,
)

__all__ = [
    "BEYOND_FIELD",
    "GLOSSARY",
    "NOTHING",
    "QUANTITIES",
    "REGIMES",
    "REGIME_TITLES",
    "STATUSES",
    "VERDICTS",
    "Quantity",
    "StatusWords",
    "VerdictWords",
    "count",
    "equation",
    "finite",
    "interval",
    "leveled",
    "measured",
    "number",
    "percent",
    "probability",
    "reliance_words",
    "signed",
    "worst",
]

NOTHING = "–"
_SPACE = "\u202f"  # narrow no-break space, so that a figure never parts from its sign


@dataclass(frozen=True)
class VerdictWords:
    """A verdict for a reader in a hurry.

    Attributes
    ----------
    headline : str
        What was found.
    do_not : str
        What not to do with the network; ``{auc}`` stands for its AUC.
    """

    headline: str
    do_not: str


@dataclass(frozen=True)
class StatusWords:
    """A status of a finding in words, and its place when findings are sorted by urgency."""

    word: str
    meaning: str
    rank: int


@dataclass(frozen=True)
class Quantity:
    """A number that arms are compared on."""

    title: str
    meaning: str
    is_share: bool = False
    is_bounded: bool = True


VERDICTS: Mapping[VerdictWord, VerdictWords] = {
    "ORIGIN": VerdictWords(
        "Most of what separates the classes in this network's scores is where the image comes from.",
        "Report {auc} as diagnostic performance: most of it may be the source of the images.",
    ),
    "MIXED": VerdictWords(
        "This network uses the disease and also where the image comes from.",
        "Count on {auc} elsewhere: expect it to fall on images from other sources.",
    ),
    "PATHOLOGY": VerdictWords(
        "This network reads the disease: no reliance that matters on the recorded origins was found.",
        "Take this result to origins that the audit has not seen: test there first.",
    ),
    "UNDETERMINED": VerdictWords(
        "This audit cannot tell whether the network reads the disease or where the image comes from.",
        "Take {auc} as evidence that the disease is recognised: what the network uses is not known.",
    ),
}
"""In no order; `worst` knows the order."""

BEYOND_FIELD = "This network uses what lies outside the disease field."


STATUSES: Mapping[Status, StatusWords] = {
    "error": StatusWords("Error", "the computation failed; rerun to resume", 0),
    "concern": StatusWords("Concern", "asked, and something was found", 1),
    "inconclusive": StatusWords("Inconclusive", "asked, but this cohort cannot tell", 2),
    "clear": StatusWords("Clear", "asked with enough power, and nothing was found", 3),
    "not_applicable": StatusWords("Not applicable", "this design or input does not allow the question", 4),
}

REGIMES: Mapping[Regime, str] = {
    "crossed": "At least one origin holds both classes. The network's answers can be compared between origins inside "
    "one class and between classes inside one origin: the strongest design.",
    "nested": "No origin holds both classes, but a class spans several origins. Differences between the origins of one "
    "class can be seen; the difference between the two datasets coincides with the disease, and labels alone cannot "
    "separate them.",
    "aliased": "One origin per class: knowing where an image comes from is knowing its class. Labels alone cannot tell "
    "whether a network reads one or the other; edited images and reduced inputs still can.",
    "single": "All images come from one origin: there is no second origin to compare with.",
}

REGIME_TITLES: Mapping[Regime, str] = {
    "crossed": "at least one holds both classes (crossed design)",
    "nested": "each holds one class only (nested design)",
    "aliased": "one for each class (aliased design)",
    "single": "only one (single design)",
}
"""What follows the name of a factor in a heading."""

QUANTITIES: Mapping[str, Quantity] = {
    "auc": Quantity("AUC of the target", "how well held-out subjects are told apart; says nothing about why"),
    "reliance": Quantity("Reliance on the signature", "share of the response owed to the origin; 0 % is best", True),
    "truth": Quantity("Planted truth", "the true reliance, known because the cohort is simulated", True),
    "lesion_gain": Quantity(
        "Attention on lesions (× chance)",
        "relevance in the mask over its share of the volume; 1 is chance",
        False,
        False,
    ),
    "origin_auc": Quantity("AUC of the origin", "how well the origin can be read inside one class; 0.5 is chance"),
}


GLOSSARY: Mapping[str, str] = {
    "origin": "where an image comes from: dataset, site, scanner, vendor. An origin factor is one of these.",
    "signature": "whatever in an image tells its origin and is not the disease: contrast, noise, field of view.",
    "reliance": "share of the network's response that comes from the origin: 0 % is only the disease, 100 % only the "
    "origin.",
    "input, arm": "what the network is shown (intensities, tissue maps); each input goes through the whole audit. The "
    "primary one is that of the headline.",
    "logit": "the network's score before it is turned into a probability; above 0 speaks for the pathology class.",
    "probes": "a few new images of a combination that the cohort lacks, such as healthy subjects of the patients' "
    "site; they are scored and never trained on.",
    "planted truth": "the true reliance, which is known only where images are simulated.",
    "flag": "a concern that the verdict counts.",
}
"""Words that the summary uses, for who reads nothing but the page."""


def worst(words: Sequence[VerdictWord]) -> VerdictWord:
    """Return the worst of several verdict words (PATHOLOGY < UNDETERMINED < MIXED < ORIGIN)."""
    return max(words, key=VERDICT_ORDER.index)


def finite(value: Any) -> float | None:
    """Return the value as a float, or None where there is no finite number."""
    if value is None or isinstance(value, bool | str) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def number(value: Any, digits: int = 2) -> str:
    """Format a number with a fixed count of digits; a dash where there is none."""
    known = finite(value)
    if known is None:
        return NOTHING
    text = f"{known:.{digits}f}" if abs(known) < 1000 else f"{known:.3g}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def measured(value: Any) -> str:
    """Format a number with about three digits, and a whole number as it is."""
    known = finite(value)
    if known is None:
        return NOTHING
    if isinstance(value, int) or known == 0 or abs(known) >= 1000:
        return f"{known:.0f}".replace("-", "−")
    digits = 0 if abs(known) >= 100 else 1 if abs(known) >= 10 else 2 if abs(known) >= 1 else 3
    return (f"{known:.{digits}f}" if abs(known) >= 0.01 else f"{known:.2g}").replace("-", "−")


def signed(value: float) -> str:
    """Format a number with its sign: one digit, two below one so that a small number keeps its sign; zero has none."""
    text = f"{value:+.1f}" if abs(value) >= 1 else f"{value:+.2f}"
    return text.replace("-", "−") if float(text) else text[1:]


def percent(value: Any) -> str:
    """Format a share of one as a whole percentage."""
    known = finite(value)
    return NOTHING if known is None else f"{round(100 * known)}{_SPACE}%".replace("-", "−")


def probability(value: Any) -> str:
    """Format a p-value, as the sentences of the checks do; a dash where there is none."""
    known = finite(value)
    return NOTHING if known is None else probability_text(known)


def equation(value: Any) -> str:
    """Write a p-value as an equation, ``p = 0.02``, or as what it is below; empty where there is none."""
    known = finite(value)
    return "" if known is None else equation_text(known)


def interval(low: Any, high: Any, is_share: bool = False) -> str:
    """Format an interval as ``0.84 to 1.00``; empty where there is none, open where one bound is missing."""
    below, above = finite(low), finite(high)
    form = percent if is_share else number
    if below is None and above is None:
        return ""
    if below is None:
        return f"up to {form(above)}"
    return f"from {form(below)}" if above is None else f"{form(below)} to {form(above)}"


def leveled(between: str, level: Any) -> str:
    """Say the level of an interval before its ends; the ends alone where it was not recorded.

    Examples
    --------
    >>> leveled("0.84 to 1.00", 0.95)
    '95 % interval 0.84 to 1.00'
    """
    known = finite(level)
    return between if known is None or not between else f"{100 * known:.3g} % interval {between}"


def count(amount: int, noun: str) -> str:
    """Format a count with its noun in the right number."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def reliance_words(reliance: EstimateRecord) -> str:
    """Show the share of the response that is owed to the origin; of a lower bound that its upper end is unknown.

    Examples
    --------
    >>> reliance_words({"estimate": None, "low": 0.44, "high": None}).replace("\u202f", " ")
    'at least 44 %, upper end unknown'
    """
    known = finite(reliance.get("estimate"))
    if known is None and finite(reliance.get("low")) is not None:
        return f"at least {percent(reliance.get('low'))}, upper end unknown"
    if known is None:
        return ""
    between = leveled(interval(reliance.get("low"), reliance.get("high"), is_share=True), reliance.get("level"))
    return f"{percent(known)} ({between})" if between else percent(known)
