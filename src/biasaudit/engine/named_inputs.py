"""Files that a run reads besides images."""

from __future__ import annotations

import os
from collections.abc import Iterable

from biasaudit.engine.user_code.sources import own_sources
from biasaudit.protocol import Protocol
from biasaudit.protocol.places import paths_of, roots_of

__all__ = ["named_inputs"]

_OF_ROOTS = ("participants.tsv", "participants.json")


def named_inputs(protocol: Protocol, others: Iterable[str] = ()) -> list[str]:
    """List the files that a run reads besides images: tables, weights, atlas, own functions and what they import.

    Parameters
    ----------
    protocol : Protocol
    others : iterable of str
        Found while reading, such as sidecars.
    """
    named = [path for path in paths_of(protocol) if os.path.isfile(path)]
    own = (str(file) for path in named if path.endswith(".py") for file in own_sources(f"{path}:_"))
    of_roots = (os.path.join(root, name) for root in roots_of(protocol) for name in _OF_ROOTS)
    return sorted({*named, *own, *others, *(path for path in of_roots if os.path.isfile(path))})
