"""List what cannot be computed whatever the protocol asks: without pixels, without the network, without images."""

from __future__ import annotations

from collections.abc import Iterable

from biasaudit.engine.situation.situation import Situation

__all__ = ["gravest", "without_images", "without_network", "without_pixels"]

_ONLY_FEATURES = "a feature table has no pixels to erase, mask, blur or compare by place"
_ONLY_SCORES = "held-out scores were given in place of the network: this needs the network itself"
_ONLY_TABLE = "the table names no images: this needs networks trained on them"
_FROM_GRAVEST = (_ONLY_FEATURES, _ONLY_SCORES, _ONLY_TABLE)


def without_pixels(situation: Situation) -> str:
    """Say that a feature table has no pixels; empty if there are images."""
    return _ONLY_FEATURES if situation.tabular else ""


def without_network(situation: Situation) -> str:
    """Say that scores were given in place of the network; empty if the network is there or will be trained."""
    return _ONLY_SCORES if situation.scored else ""


def without_images(situation: Situation) -> str:
    """Say that nothing can be trained or measured since there are neither images nor features; empty if there are."""
    return _ONLY_TABLE if situation.scored and not situation.cohort.channels else ""


def gravest(reasons: Iterable[str]) -> str:
    """Return the reason that rules out most; empty if there is none."""
    return min((reason for reason in reasons if reason), key=_FROM_GRAVEST.index, default="")
