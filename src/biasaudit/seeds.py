"""Randomness named by words.

Every random stream is derived from a master seed and words that say what it is for, so that two steps never share
a stream, adding a step never moves another one, and the result does not depend on which worker runs it. The idea
is DomainBed's ``lib/misc.py`` (Gulrajani & Lopez-Paz, 2021).
"""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["generator", "seed"]


def seed(master: int, *words: object) -> int:
    """Derive a seed from a master seed and words.

    Parameters
    ----------
    master : int
        The protocol's seed.
    *words : object
        What the stream is for; compared by their text.

    Returns
    -------
    int
        In [0, 2**63).

    Examples
    --------
    >>> seed(1, "train", "target", 0) == seed(1, "train", "target", 0)
    True
    >>> seed(1, "train", "target", 0) == seed(1, "train", "target", 1)
    False
    """
    text = "\x1f".join([str(master), *(str(word) for word in words)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(master: int, *words: object) -> np.random.Generator:
    """Return a NumPy generator for the stream that the words name."""
    return np.random.default_rng(seed(master, *words))
