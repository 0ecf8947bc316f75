"""Files that a table names and that are not there: few one by one, many in one line that says where they are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from unicodedata import normalize

from biasaudit.errors import Fault

__all__ = ["absent_files", "missing_file_faults"]

_FEW = 3
_NEAR_FOLDERS = 200
_CHANGES: Mapping[str, Callable[[str], str]] = {
    "with .gz at their end": lambda path: f"{path}.gz",
    "without .gz": lambda path: path.removesuffix(".gz"),
    "with a suffix in lower case": lambda path: _with_suffix(path, str.lower),
    "with a suffix in upper case": lambda path: _with_suffix(path, str.upper),
    "with names in another form of Unicode (NFC)": lambda path: normalize("NFC", path),
    "with names in another form of Unicode (NFD)": lambda path: normalize("NFD", path),
}
_DRIVE = re.compile(r"^[A-Za-z]:/|^//")


def absent_files(named: Mapping[str, str]) -> dict[str, str]:
    """Keep the paths at which nothing is.

    Parameters
    ----------
    named : mapping of str to str
        Absolute path -> the place (``table.tsv:12``) that names it first.
    """
    return {path: where for path, where in named.items() if "\0" not in path and not os.path.lexists(path)}


def missing_file_faults(absent: Mapping[str, str]) -> list[Fault]:
    """Make a fault of each file that is not there, or one of all where they are many.

    Parameters
    ----------
    absent : mapping of str to str
        As `absent_files` gives it.
    """
    if len(absent) <= _FEW:
        return [Fault(where, f"{path}: no such file", _nearest(path)) for path, where in absent.items()]
    shown = ", ".join(islice(absent, _FEW))
    message = f"no such file: {len(absent)} of the files that are named, such as {shown}"
    return [Fault(next(iter(absent.values())), message, _remedy_of_many(absent))]


def _nearest(path: str) -> str:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return _elsewhere([path], "") or f"the folder {folder} does not exist either"
    name, there = os.path.basename(path), os.listdir(folder)
    if any(normalize("NFC", other) == normalize("NFC", name) for other in there):
        return "a file of that name is there in another form of Unicode (NFC, NFD): rename it or copy its name"
    close = get_close_matches(name, there, n=1)
    return f"did you mean {close[0]!r}?" if close else "correct the path"


def _remedy_of_many(absent: Mapping[str, str]) -> str:
    table = next(iter(absent.values())).rpartition(":")[0]
    paths = list(absent)
    return (
        _other_suffix(paths)
        or _elsewhere(paths, os.path.dirname(table))
        or f"paths are relative to the table ({table})"
    )


def _other_suffix(paths: Sequence[str]) -> str:
    for words, change in _CHANGES.items():
        others = [change(path) for path in paths]
        if all(other != path and os.path.isfile(other) for other, path in zip(others, paths, strict=True)):
            return f"they exist {words}"
    return ""


def _with_suffix(path: str, change: Callable[[str], str]) -> str:
    folder, name = os.path.split(path)
    stem, dot, suffix = name.partition(".")
    return os.path.join(folder, f"{stem}{dot}{change(suffix)}")


def _elsewhere(paths: Sequence[str], folder: str) -> str:
    """Name the folder that all the paths exist relative to."""
    if not folder:
        return ""
    relative = [os.path.relpath(path, folder) for path in paths]
    if any(_DRIVE.match(path) for path in relative):
        return "they begin with a drive of another computer: write paths relative to the table"
    for base in _near(folder):
        if all(os.path.isfile(os.path.join(base, path)) for path in relative):
            return f"they exist relative to {base}: move the table there, or write paths relative to the table"
    return ""


def _near(folder: str) -> Iterable[str]:
    """Folders that paths are often meant from: where one works, those above the table and those beside it."""
    yield os.getcwd()
    yield from map(str, islice(Path(folder).parents, 4))
    with os.scandir(folder) as entries:
        yield from (entry.path for entry in islice(entries, _NEAR_FOLDERS) if entry.is_dir())
