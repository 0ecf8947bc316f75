"""Which copies are audited next: pure, so that an interrupted calibration goes on as it would have.

First a disease of either look is made stronger or weaker until the network learns it, but not without effort. Then come
rounds of clean copies and planted ones. A planted signature is made stronger, and more useful to the network, until it
takes it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biasaudit.calibration.own.copies import FAMILIES, STRONGEST, Copy, Look

__all__ = ["LEARNED", "Outcome", "chosen_diseases", "next_round"]

LEARNED = (0.88, 0.99)
"""AUC of the target on a clean copy between which a disease is about as hard as real ones are."""

LOOKS: tuple[Look, ...] = ("focal", "diffuse")
_START, _STEP, _TRIES, _HALVED = 0.5, 2.0, 6, 2
_CLEAN_A_ROUND, _TRACKS = 4, 2
_RUNGS = ((2.0, 0.8), (4.0, 0.95))
"""Strength of a signature, and how class and site go together where a design leaves that open."""
_TAKEN_UP = 0.5


@dataclass(frozen=True)
class Outcome:
    """What the audit of a copy came to, in the first arm.

    Attributes
    ----------
    auc : float
        Of the target; nan if it could not be had.
    reliance : float
        R*; nan where undefined.
    """

    auc: float
    reliance: float


def next_round(done: Mapping[str, Outcome], kinds: Sequence[str]) -> list[Copy]:
    """Return copies that may be audited at the same time, given all that were; none if no disease can be planted.

    Parameters
    ----------
    done : mapping of name to Outcome
    kinds : sequence of str
        Kinds of signature in the order in which they are planted.
    """
    searching = [copy for look in LOOKS if (copy := _next_disease(look, done)) is not None]
    if searching:
        return searching
    diseases = chosen_diseases(done)
    if not diseases:
        return []
    number = sum(name.startswith("clean-") for name in done)
    first, *others = (_clean(number + k, diseases) for k in range(_CLEAN_A_ROUND))
    planted = (_next_planted(track, done, kinds, diseases) for track in range(_TRACKS))
    return [first, *planted, *others]  # a budget that ends within a round has bought some of either


def chosen_diseases(done: Mapping[str, Outcome]) -> dict[Look, float]:
    """Strength of every disease that the network learns: about as hard as wanted, else the hardest that is learned."""
    found: dict[Look, float] = {}
    for look in LOOKS:
        learned = {strength: auc for strength, auc in _tried(look, done) if auc >= LEARNED[0]}
        fitting = [strength for strength, auc in learned.items() if auc <= LEARNED[1]]
        if learned:
            found[look] = min(fitting or learned)
    return found


def _tried(look: Look, done: Mapping[str, Outcome]) -> list[tuple[float, float]]:
    """Strengths of a disease and AUCs, in the order in which they were tried."""
    found: list[tuple[float, float]] = []
    while len(found) < _TRIES:
        strength = _next_strength(found)
        outcome = None if strength is None else done.get(_disease_name(look, len(found)))
        if strength is None or outcome is None:
            break
        found.append((strength, outcome.auc if np.isfinite(outcome.auc) else 0.5))
    return found


def _next_disease(look: Look, done: Mapping[str, Outcome]) -> Copy | None:
    tried = _tried(look, done)
    strength = _next_strength(tried) if len(tried) < _TRIES else None
    return None if strength is None else Copy(_disease_name(look, len(tried)), "disease", look, strength)


def _next_strength(tried: Sequence[tuple[float, float]]) -> float | None:
    """Double what is too hard and halve what is too easy, until one fits or either side is known."""
    low, high = LEARNED
    hard = [strength for strength, auc in tried if auc < low]
    easy = [strength for strength, auc in tried if auc > high]
    if len(hard) + len(easy) < len(tried) or (hard and easy) or len(easy) > _HALVED:
        return None
    if not tried:
        return _START
    return max(hard) * _STEP if hard else min(easy) / _STEP


def _disease_name(look: Look, number: int) -> str:
    return f"disease-{look}-{number + 1}"


def _clean(number: int, diseases: Mapping[Look, float]) -> Copy:
    looks, families = list(diseases), list(FAMILIES)
    turn, place = divmod(number, len(families))
    look = looks[(turn + place) % len(looks)]
    return Copy(f"clean-{number + 1:02d}", "clean", look, diseases[look], families[place])


def _next_planted(
    track: int, done: Mapping[str, Outcome], kinds: Sequence[str], diseases: Mapping[Look, float]
) -> Copy:
    """Return the first planted copy of a track that was not audited; tracks take turns with the kinds."""
    for turn, kind in enumerate(_endless(kinds[track::_TRACKS] or kinds)):
        looks = list(diseases)
        look = looks[(turn + track) % len(looks)]
        for rung, (strongest, confounding) in enumerate(_RUNGS):
            name = f"planted-{track + 1}-{turn + 1:02d}-{kind}-{rung + 1}"
            outcome = done.get(name)
            if outcome is None:
                strength = min(strongest, STRONGEST.get(kind, strongest))
                return Copy(name, "planted", look, diseases[look], "plain", kind, strength, confounding)
            if outcome.reliance >= _TAKEN_UP:
                break
    raise AssertionError("kinds never end")


def _endless(kinds: Sequence[str]) -> Iterator[str]:
    while True:
        yield from kinds
