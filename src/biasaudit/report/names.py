"""Names that users gave, as a figure can hold them: on one line, as wide as there is room, in their own direction."""

from __future__ import annotations

import unicodedata

from biasaudit.report.marks import shortened
from biasaudit.report.svg import text_width

__all__ = ["fitted", "whole"]

_LONGEST = 300
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_ISOLATE, _POP = "\u2068", "\u2069"


def whole(name: object) -> str:
    """Give a name for the title of a mark: up to 300 letters."""
    return _isolated(shortened(name, _LONGEST))


def fitted(name: object, width: float) -> str:
    """Give a name for a place of so many pixels, its end cut off where it is longer."""
    text = shortened(name, _LONGEST)
    if text_width(text) <= width:
        return _isolated(text)
    while text and text_width(text) + text_width("…") > width:
        text = text[:-1]
    return _isolated(f"{text}…")


def _isolated(text: str) -> str:
    """Keep a name that is read from the right from turning round the numbers that stand beside it."""
    turns = any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text)
    return f"{_ISOLATE}{text}{_POP}" if turns else text
