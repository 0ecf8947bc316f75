"""The script that draws volumes: niivue, as the installed nilearn carries it; never copied into this package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["KNOWN", "Niivue", "niivue"]

KNOWN = frozenset({"0.68.1"})
"""Versions that the page was tried with: its calls are those of this version, and others may need other ones."""

_PLACE = "_assets/js/niivue.umd.js"  # no public name of nilearn, so it may move
_VERSION = re.compile(r'\bversion:"(\d+\.\d+\.\d+[^"]*)"')
_ENDS_A_SCRIPT = ("</script", "<!--", "\r", "\0")
"""What would end the script within a page, or change on the way into one, so that its hash is another."""


@dataclass(frozen=True)
class Niivue:
    """A script and its version."""

    version: str
    script: str


def niivue(package: str = "nilearn") -> Niivue | None:
    """Read the script from the installed package, which is looked up and not imported.

    Parameters
    ----------
    package : str

    Returns
    -------
    Niivue or None
        None where the package does not hold it, or in a version that is not known to work.
    """
    spec = find_spec(package)
    path = Path(spec.origin).parent / _PLACE if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        return None
    script = path.read_bytes().decode("utf-8")
    version = _VERSION.search(script)
    if version is None or version[1] not in KNOWN or any(end in script for end in _ENDS_A_SCRIPT):
        return None
    return Niivue(version[1], script)
