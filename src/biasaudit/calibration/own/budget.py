"""How much a calibration on one's own images may cost: so many trainings, or so many minutes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from biasaudit.errors import UsageError

__all__ = ["FEWEST_COPIES", "USUAL_COPIES", "Budget", "budget_of", "require_budget"]

USUAL_COPIES = 34
"""Copies that are audited where no budget is given: about 20 clean, 10 planted, and those that try out the diseases."""

FEWEST_COPIES = 12
"""Copies below which no rate says anything: of none in six the upper bound is 39 %."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_WRITTEN = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(trainings?|s|seconds?|m|min|minutes?|h|hours?)?\s*")


@dataclass(frozen=True)
class Budget:
    """At most so many copies are audited, and no further ones after so many seconds.

    Attributes
    ----------
    copies : int or None
        None: as many as the time allows.
    seconds : float or None
        None: as long as it takes.
    """

    copies: int | None
    seconds: float | None = None


def budget_of(text: str | None, trainings: int) -> Budget:
    """Read a budget such as ``90``, ``90 trainings``, ``30min`` or ``2h``.

    Parameters
    ----------
    text : str or None
        None: the usual number of copies.
    trainings : int
        Networks that one copy trains.

    Raises
    ------
    UsageError
        If it is none of these, or too small for any rate.
    """
    if text is None:
        return Budget(USUAL_COPIES)
    number, unit = _read(text)
    if unit in _SECONDS:
        return Budget(None, number * _SECONDS[unit])
    copies = int(number // trainings)
    if copies < FEWEST_COPIES:
        raise UsageError(
            f"--budget {text} pays for {copies or 'no'} {'copy' if copies < 2 else 'copies'} of {trainings} trainings "
            f"each, and a rate takes {FEWEST_COPIES}: give {FEWEST_COPIES * trainings} trainings or more"
        )
    return Budget(copies)


def require_budget(text: str | None) -> None:
    """Refuse what is no budget before anything is read; whether it is enough shows later.

    Raises
    ------
    UsageError
    """
    if text is not None:
        _read(text)


def _read(text: str) -> tuple[float, str]:
    """Return the number and the first letter of the unit."""
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise UsageError(f"--budget {text!r} is none: give trainings (--budget 90) or a time (--budget 30min, 2h)")
    number, unit = float(found[1]), (found[2] or "")[:1]
    if number <= 0:
        raise UsageError(f"--budget {text} is nothing: give trainings (--budget 90) or a time (--budget 30min, 2h)")
    return number, unit
