"""Plain words: what a verdict, a status or a regime means to a reader who knows nothing of the tool."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biasaudit.records import VERDICT_ORDER, EstimateRecord, Regime, Status, VerdictWord, probability_text

__all__ = [
    "BEYOND_FIELD",
    "NOTHING",
    "QUANTITIES",
    "REGIMES",
    "STATUSES",
    "VERDICTS",
    "Quantity",
    "StatusWords",
    "VerdictWords",
    "count",
    "finite",
    "interval",
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
    action : str
        What to do about it.
    """

    headline: str
    action: str


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
        "This network mostly recognises where an image comes from, not the disease.",
        "Do not read its accuracy as diagnostic performance. Break the link between class and origin (both classes "
        "from the same origins, or an input that no longer carries the signature), retrain, and audit again.",
    ),
    "MIXED": VerdictWords(
        "This network uses the disease and also where an image comes from.",
        "Expect its accuracy to fall on images from elsewhere. Weaken the link between class and origin, retrain, and "
        "audit again before relying on it.",
    ),
    "PATHOLOGY": VerdictWords(
        "This network reads the pathology.",
        "Report its accuracy together with this verdict and with what the verdict leaves open; still test it on "
        "origins it has never seen before use.",
    ),
    "UNDETERMINED": VerdictWords(
        "This audit cannot tell what the network reads.",
        "Treat its accuracy as unproven: high accuracy is no evidence here. Add the data that would settle it, then "
        "audit again.",
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

QUANTITIES: Mapping[str, Quantity] = {
    "auc": Quantity("AUC of the target", "how well held-out subjects are told apart; says nothing about why"),
    "reliance": Quantity("Reliance on the signature", "share of the response owed to the origin; 0 % is best", True),
    "truth": Quantity("Planted truth", "the true reliance, known because the cohort is simulated", True),
    "lesion_gain": Quantity(
        "Lesion gain", "relevance in the pathology mask over its share of the volume; 1 is chance", False, False
    ),
    "origin_auc": Quantity("AUC of the origin", "how well the origin can be read inside one class; 0.5 is chance"),
}


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


def interval(low: Any, high: Any, is_share: bool = False) -> str:
    """Format an interval as ``0.84 to 1.00``; empty where there is none, open where one bound is missing."""
    below, above = finite(low), finite(high)
    form = percent if is_share else number
    if below is None and above is None:
        return ""
    if below is None:
        return f"up to {form(above)}"
    return f"from {form(below)}" if above is None else f"{form(below)} to {form(above)}"


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
    between = interval(reliance.get("low"), reliance.get("high"), is_share=True)
    return f"{percent(known)} ({between})" if between else percent(known)
