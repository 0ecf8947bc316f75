"""Faults of many files that are of one kind, in one line with how many there are and the first of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from biasaudit.errors import Fault

__all__ = ["few_files", "one_line_each"]

_SHOWN = 3


def few_files(paths: Sequence[str]) -> str:
    """List the first three of some files by their names, and say how many more there are."""
    listed = ", ".join(os.path.basename(path) for path in paths[:_SHOWN])
    return f"{listed} and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else listed


def one_line_each(faults: Iterable[Fault], paths: Iterable[str]) -> list[Fault]:
    """Gather faults whose message is a path, a colon, and the same words; more than three of a kind become one.

    Parameters
    ----------
    faults : iterable of Fault
    paths : iterable of str
        Files that a message may begin with.
    """
    known = set(paths)
    kinds: dict[tuple[str, ...], list[tuple[str, Fault]]] = {}
    for number, fault in enumerate(faults):
        path, colon, words = fault.message.partition(": ")
        own = colon and path in known
        kinds.setdefault((words, fault.remedy) if own else ("", str(number)), []).append((path if own else "", fault))
    return [fault for (words, _), found in kinds.items() for fault in _gathered(words, found)]


def _gathered(words: str, found: Sequence[tuple[str, Fault]]) -> list[Fault]:
    if len(found) <= _SHOWN:
        return [fault for _, fault in found]
    path, first = found[0]
    message = f"{path}: {words} ({len(found)} files: {few_files([path for path, _ in found])})"
    return [Fault(first.where, message, first.remedy)]
