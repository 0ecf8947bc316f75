"""Colours of the figures by name: literal in a file, a variable of the style sheet in a page that may be dark."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CLASS_INKS", "DEPTH_INKS", "INKS", "ORIGIN_INKS", "literal", "variable"]

INKS: Mapping[str, str] = {
    "ink": "#1f2933",
    "soft": "#46535f",
    "line": "#86909b",
    "guide": "#b8c0c8",
    "grid": "#e3e7eb",
    "paper": "#ffffff",
    "middle": "#111820",
    "estimate": "#1f3a5f",
    "training": "#94700f",
    "truth": "#b3261e",
    "sensitivity": "#94611a",
    "left": "#b3261e",
    "closed": "#1b7a3d",
    "null": "#5f7186",
    "class-1": "#14808a",
    "class-2": "#7a3fa6",
    "class-3": "#8a6d14",
    "class-4": "#3f5fa7",
    "origin-1": "#1f3a60",
    "origin-2": "#b8630f",
    "origin-3": "#457544",
    "origin-4": "#a3476b",
    "origin-5": "#5f7187",
    "origin-6": "#8f7412",
    "origin-7": "#2a7f8b",
    "origin-8": "#7d5a3c",
    "others": "#7f8994",
    "depth-1": "#5b93bd",
    "depth-2": "#3f78ab",
    "depth-3": "#2a5a8a",
    "depth-4": "#14385f",
}
"""Name of an ink to its colour on white; ``templates/figures.css`` has the same, and those on a dark page."""

CLASS_INKS, ORIGIN_INKS, DEPTH_INKS = (
    tuple(name for name in INKS if name.startswith(f"{kind}-")) for kind in ("class", "origin", "depth")
)
_NAMES: dict[str, str] = {}
for _name, _colour in INKS.items():
    _NAMES.setdefault(_colour, _name)


def literal(colour: str) -> str:
    """Colour as it is drawn on white, ``#rrggbb``; refuses one that is no ink.

    Raises
    ------
    ValueError
        The colour has no name, so a dark page could not show another in its place.
    """
    if colour not in _NAMES:
        raise ValueError(f"{colour} is no ink of the figures; give it a name in INKS and in figures.css")
    return colour


def variable(colour: str) -> str:
    """Colour as a page shows it: a variable of its style sheet, the colour on white where there is none.

    Raises
    ------
    ValueError
        The colour has no name.
    """
    return f"var(--f-{_NAMES[literal(colour)]},{colour})"
