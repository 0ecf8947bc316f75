"""Which code a protocol may name: files below its own folder, and packages and folders that it allows by name."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from biasaudit.protocol.section import Names
from biasaudit.regular_files import real_path

__all__ = ["IMPORT", "NEVER_RUN", "AllowedCode", "code_faults", "is_file"]

IMPORT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""An import string: ``package.module:function``."""
_PACKAGE = re.compile(r"[A-Za-z_]\w*")
NEVER_RUN = frozenset(sys.stdlib_module_names) | {"biasaudit", "pip", "setuptools"}
"""Top-level packages that are never run by name: they make no networks, and some of them run anything."""


def is_file(name: str) -> bool:
    """Whether an import string names a file: ``own.py:function``."""
    file, colon, _ = name.rpartition(":")
    return bool(colon) and file.endswith(".py")


def _allowed(entries: list[str]) -> list[str]:
    for entry in entries:
        if entry in NEVER_RUN:
            raise ValueError(f"{entry} makes no networks, and runs anything; put a function of your own in a file")
        if not (_is_path(entry) or _PACKAGE.fullmatch(entry)):
            raise ValueError(f"{entry!r} is neither a package, such as torchvision, nor a path, such as ../code")
    return entries


AllowedCode = Annotated[Names, AfterValidator(_allowed)]
"""Packages, and files or folders (with a slash, or ending in .py; relative to the protocol)."""


def code_faults(named: Sequence[tuple[str, str]], allowed: Sequence[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Yield key and message for what a protocol names and may not run.

    Parameters
    ----------
    named : sequence of (key, import string)
    allowed : sequence of str
        The protocol's `allow_code`.
    folder : Path
        Of the protocol.
    """
    for key, name in named:
        fault = _file_fault(name, allowed, folder) if is_file(name) else _module_fault(name, allowed, folder)
        if fault:
            yield key, fault


def _file_fault(name: str, allowed: Sequence[str], folder: Path) -> str:
    named = Path(os.path.normpath(folder.absolute() / name.rpartition(":")[0]))
    file = real_path(named)
    places = [folder, *(folder / entry for entry in allowed if _is_path(entry))]
    # A link that lies in the folder is as good as the file.
    if named.is_relative_to(folder.absolute()) or any(file.is_relative_to(real_path(place)) for place in places):
        return ""
    return f"{file} lies outside of the folder of the protocol; put it there, or name its folder in `allow_code`"


def _module_fault(name: str, allowed: Sequence[str], folder: Path) -> str:
    top = re.split("[.:]", name)[0]
    if not IMPORT.fullmatch(name):
        return f"{name!r} is no import string, such as own.py:function or package.module:function"
    if top in NEVER_RUN:
        return f"{name} is never run: {top} makes no networks; put a function of your own in a file, own.py:function"
    beside = os.path.isfile(folder / f"{top}.py") or os.path.isdir(folder / top)
    installed = _places(top)
    if top in allowed or (beside and all(place.is_relative_to(real_path(folder)) for place in installed)):
        return ""
    if not installed:
        where = "neither installed nor beside the protocol"
        return f"cannot import {name.partition(':')[0]!r} for {name!r}: {top!r} is {where}; put it there, or install it"
    return f"{name} would run the package {top!r}; if you trust it, say so at the top level: `allow_code: [{top}]`"


def _places(top: str) -> list[Path]:
    """Where Python would take a top-level module from; nothing is imported."""
    known = sys.modules.get(top)
    specification = known.__spec__ if known is not None else importlib.util.find_spec(top)
    if specification is None:
        return []
    return [real_path(place) for place in specification.submodule_search_locations or [specification.origin or "/"]]


def _is_path(entry: str) -> bool:
    return "/" in entry or os.sep in entry or entry.endswith(".py") or entry in (".", "..")
