"""Measured error rates of a verdict in plain words, each with one dot for every cohort that was counted."""

from __future__ import annotations

from dataclasses import dataclass

from biasaudit.report.words import finite, percent
from biasaudit.run_folder.contract import ErrorRatesRecord

__all__ = ["RateView", "RatesView", "rates_view"]

_MOST_DOTS = 60
_FEW = 10
_NOTE = (
    "Without bias: a true reliance of at most 5 %; with bias: of 30 % or more. Bounds of true rates hold with a "
    "probability of 97.5 % each."
)


@dataclass(frozen=True)
class RateView:
    """One rate: a sentence, and how many of how many dots are filled; no dots where they would be too many."""

    name: str
    words: str
    bound: str
    filled: int
    dots: int
    is_error: bool


@dataclass(frozen=True)
class RatesView:
    """What was measured, on what, why that may not hold here, and what counts as bias."""

    lead: str
    rates: tuple[RateView, ...]
    text: str
    note: str = ""


def rates_view(rates: ErrorRatesRecord) -> RatesView:
    """Put the error rates of an arm into words.

    Parameters
    ----------
    rates : ErrorRatesRecord
        As ``audit.json`` holds them; empty where nothing was measured.
    """
    shown = tuple(rate for rate in (_false_alarms(rates), _found(rates), _missed(rates), _open(rates)) if rate)
    text = str(rates.get("text") or "Error rates of this verdict have not been measured.")
    return RatesView(_lead(rates) if shown else "", shown, text, _NOTE if shown else "")


def _lead(rates: ErrorRatesRecord) -> str:
    """Say on what they were measured, and whether that is like this audit."""
    if rates.get("own"):
        return "How often such a verdict is wrong, measured on copies of these very images with this network:"
    if rates.get("within_calibration", True):
        cell = f" ({rates['cell']})" if rates.get("cell") else ""
        return f"How often such a verdict is wrong, measured on {_cohorts(rates)} like this one{cell}:"
    reasons = ", ".join(rates.get("outside") or ())
    why = f" ({reasons})" if reasons else ""
    return f"How often such a verdict is wrong was not measured for audits like this one{why}. The nearest that were:"


def _cohorts(rates: ErrorRatesRecord) -> str:
    if rates.get("own"):
        return "copies"
    return "cohorts of real pictures" if rates.get("pictures") else "simulated cohorts"


def _false_alarms(rates: ErrorRatesRecord) -> RateView | None:
    return _rate(rates, "false_flag", "False alarms", f"{_cohorts(rates)} without bias", is_error=True)


def _missed(rates: ErrorRatesRecord) -> RateView | None:
    return _rate(rates, "false_clear", "Missed bias (called PATHOLOGY)", f"{_cohorts(rates)} with bias", is_error=True)


def _open(rates: ErrorRatesRecord) -> RateView | None:
    return _rate(rates, "undetermined", "Left open (UNDETERMINED)", f"{_cohorts(rates)} in all", is_error=False)


def _found(rates: ErrorRatesRecord) -> RateView | None:
    """Say how much planted bias was found; only copies of one's own images tell."""
    share, n, low = finite(rates.get("found")), rates.get("found_n") or 0, finite(rates.get("found_low"))
    if share is None or not n:
        return None
    bound = "" if low is None else f"true rate above {percent(low)}"
    words = f"{round(share * n)} of {n} copies with strong bias (reliance of one half or more)"
    return RateView("Bias found", words, _bounds(bound, n), round(share * n), _dots(n), is_error=False)


def _rate(rates: ErrorRatesRecord, key: str, name: str, of: str, *, is_error: bool) -> RateView | None:
    share, n = finite(rates.get(key)), int(finite(rates.get(f"{key}_n")) or 0)
    if share is None or not n:
        return None
    high, events = finite(rates.get(f"{key}_high")), round(share * n)
    bound = "" if high is None else f"true rate below {percent(high)}"
    words = f"{events} of {n} {of}"
    return RateView(name, words, _bounds(bound, n), events, _dots(n), is_error)


def _bounds(bound: str, n: int) -> str:
    few = "few cohorts" if n < _FEW else ""
    return "; ".join(part for part in (bound, few) if part)


def _dots(n: int) -> int:
    return n if n <= _MOST_DOTS else 0
