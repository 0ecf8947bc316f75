"""Short names for the folders that hold an audit's input, so that nothing that is written tells where they lie.

One file of a run folder, `PLACES`, says which folder each name stands for. Without it the report, the tables and the
predictions of a run still work; whatever reads the images of the audit does not.
"""

from __future__ import annotations

import errno
import html
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from biasaudit.protocol.protocol import Protocol
from biasaudit.protocol.section import Section
from biasaudit.regular_files import read_json_file, real_path
from biasaudit.vocabulary import PLACES

__all__ = [
    "PLACES",
    "PRIVATE",
    "Places",
    "paths_of",
    "private_folder",
    "private_places",
    "roots_of",
    "stored_record",
    "write_private",
]

# A folder begins where no longer path or coded picture goes on, and ends where its name does.
_START = r"(?<![\w./\\+-])"
_END = r"(?=[/\\\s\"'`<>|:;,)\]&]|\.?(?:\s|$))"
PRIVATE = "private"
"""Key of `PLACES` in a pseudonymised run: the name of the private file that holds them."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Places:
    """Folders by the short name that stands for each.

    Attributes
    ----------
    folders : mapping of str to str
        Short name -> absolute folder.
    files : mapping of str to str
        Absolute path -> what is written in its place; of files whose own names must not be shown.
    """

    folders: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def around(cls, paths: Iterable[str], roots: Sequence[str] = ()) -> Places:
        """Name the folders that hold some files.

        Parameters
        ----------
        paths : iterable of str
            Absolute paths.
        roots : sequence of str
            Folders that are named as they are; others are the ones that files lie in, or the folder above all of them.
        """
        inside = list(dict.fromkeys(roots))
        parents = {os.path.dirname(path) for path in paths if os.path.isabs(path)} - {os.sep}
        others = _outermost(parent for parent in parents if not _is_below(parent, inside))
        return cls(_named(inside, others))

    def shown(self, text: str) -> str:
        """Put short names in the place of folders, wherever they stand in a text; the root alone has none."""
        if not any(spelling in text for spelling in self._beginnings):
            return text
        return self._pattern.sub(lambda found: self._spellings[found[0]], text)

    def absolute(self, path: str) -> str:
        """Return the path that something shown stands for; other paths as they are."""
        if path in self._shown_files:
            return self._shown_files[path]
        name, slash, rest = path.partition("/")
        folder = self.folders.get(name)
        return path if folder is None else f"{folder}{slash}{rest}"

    def absolute_code(self, value: Any) -> Any:
        """Make the files of the user's functions absolute in something read from JSON: ``data/own.py:function``."""
        if isinstance(value, Mapping):
            return {key: self.absolute_code(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.absolute_code(each) for each in value]
        file, colon, function = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        return f"{self.absolute(file)}:{function}" if colon and file.endswith(".py") else value

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"folders": dict(self.folders), "files": dict(self.files)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Places:
        """Inverse of `to_dict`.

        Raises
        ------
        TypeError, ValueError, LookupError
            If it is none.
        """
        parts = {name: {str(key): str(value) for key, value in record[name].items()} for name in ("folders", "files")}
        return cls(**parts)

    @classmethod
    def read(cls, folder: Path) -> Places:
        """Read the places of a run folder; none where it has none, or they are damaged."""
        record = stored_record(folder / PLACES)
        if PRIVATE in record:
            record = stored_record(private_places(str(record[PRIVATE])))
        try:
            return cls.from_dict(record)
        except (TypeError, ValueError, LookupError, AttributeError):
            return cls()

    @classmethod
    def of_run_above(cls, path: Path) -> Places:
        """Read the places of the run folder that a file lies in; none where it lies in none."""
        return next((cls.read(folder) for folder in real_path(path).parents if (folder / PLACES).exists()), cls())

    @cached_property
    def _shown_files(self) -> dict[str, str]:
        return {shown: path for path, shown in self.files.items()}

    @cached_property
    def _beginnings(self) -> set[str]:
        """How everything begins that is to be hidden: folders, and files that lie in none of them."""
        loose = (path for path in self.files if os.path.dirname(path) == os.sep)
        shown = {*self.folders.values(), *loose} - {os.sep}
        return {spelling for path in shown for spelling in _spellings(path)}

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """Every way to write a path -> what is written in its place."""
        # A slash also stands in tags, quotients and dates.
        folders = {folder: name for name, folder in self.folders.items() if folder != os.sep}
        known = {**folders, **self.files}
        return {spelling: shown for path, shown in known.items() for spelling in _spellings(path)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._spellings, key=len, reverse=True)
        return re.compile(_START + "(?:" + "|".join(map(re.escape, longest_first)) + ")" + _END)


def private_folder() -> Path:
    """Return the folder of the user's own that holds what tells pseudonyms and names apart: never in a run folder."""
    given = os.environ.get("BIASAUDIT_PRIVATE")
    return Path(given) if given else Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "biasaudit"


def private_places(name: str) -> Path:
    """Return the file that keeps the places of a pseudonymised run."""
    return private_folder() / "runs" / f"{Path(name).name}.json"


def write_private(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file that its owner alone can read; whoever reads it meanwhile finds all of it or none.

    Parameters
    ----------
    path : Path
        In the private folder.
    text : str
    new : bool
        Leave one alone that is there.

    Raises
    ------
    FileExistsError
        One is there, and it should be new.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        if new:
            _link_once(temporary, path)
        else:
            os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _link_once(temporary: str, path: Path) -> None:
    try:
        os.link(temporary, path)
    except OSError:  # it is there, or the file system has no hard links
        if path.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(path)) from None
        os.replace(temporary, path)


def stored_record(path: Path) -> Mapping[str, Any]:
    """Read `PLACES`, of a run or private, as it is stored; nothing where it is missing or damaged."""
    try:
        record = read_json_file(path)
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def paths_of(section: Section) -> list[str]:
    """List all paths that a part of a protocol names, those of the user's own functions included."""
    values = [getattr(section, name) for name in type(section).model_fields]
    return [path for value in values for path in _paths(value)]


def roots_of(protocol: Protocol) -> list[str]:
    """List the folders that a protocol names as the roots of datasets."""
    parts = (protocol.cohort, getattr(protocol.cohort, "probes", None))
    return [str(root) for part in parts for root in getattr(part, "roots", ())]


def _paths(value: Any) -> list[str]:
    if isinstance(value, Section):
        return paths_of(value)
    if isinstance(value, list | tuple):
        return [path for each in value for path in _paths(each)]
    if isinstance(value, Path):
        return [str(value)]
    file, colon, _ = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    return [file] if colon and file.endswith(".py") and os.path.isabs(file) else []


def _outermost(folders: Iterable[str]) -> list[str]:
    """Leave out folders that lie in others, and put one folder in the place of several that lie side by side."""
    found: list[str] = []
    for folder in sorted(set(folders)):
        if not _is_below(folder, found):
            found.append(folder)
    above = os.path.commonpath(found) if found else ""
    return [above] if len(found) > 1 and above.count(os.sep) > 1 else found


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _named(roots: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Name datasets by their folder and all other folders ``data``, so that the place of a study changes no name."""
    named: dict[str, str] = {}
    wanted = [(_UNSAFE.sub("-", os.path.basename(root)).strip("-.") or "data", root) for root in roots]
    for name, folder in [*wanted, *(("data", folder) for folder in others)]:
        unique = (
            name if name not in named else next(f"{name}-{n}" for n in range(2, 10**6) if f"{name}-{n}" not in named)
        )
        named[unique] = folder
    return named


def _spellings(path: str) -> set[str]:
    """Write a path as it stands in plain text, JSON, YAML in single quotes, and HTML as several libraries write it."""
    coded = html.escape(path)
    numbered = coded.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    plain = {path, json.dumps(path)[1:-1], json.dumps(path, ensure_ascii=False)[1:-1], path.replace("'", "''")}
    return {*plain, coded, numbered, html.escape(path, quote=False)}
