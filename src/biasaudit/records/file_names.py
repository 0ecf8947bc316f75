"""Parts of file names made from what a user calls things, which may be of any length and hold any character."""

from __future__ import annotations

import hashlib

__all__ = ["LONGEST_LABEL", "file_label"]

LONGEST_LABEL = 30
"""Bytes of one of several labels in a name."""

_HASH = 12


def file_label(text: str, longest: int, *, kept: str = "") -> str:
    """Turn a text into a part of a file name.

    Parameters
    ----------
    text : str
        A class, an origin, a subject.
    longest : int
        Bytes that it may take; file systems end at 255 for the whole name.
    kept : str
        Characters that stay besides letters and digits.

    Returns
    -------
    str
        Letters and digits; what was cut, or nothing but other characters, is told apart by a hash at its end.
    """
    label = "".join(character for character in text if character.isalnum() or character in kept)
    if label and len(label.encode()) <= longest:
        return label
    start = label.encode()[: longest - _HASH].decode(errors="ignore")
    return start + hashlib.sha256(text.encode()).hexdigest()[:_HASH]
