"""List what code will be run before any of it is, and refuse what a run folder names beside what the run ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.jobs.packages import installed_versions
from biasaudit.engine.user_code.network_description import BUILDER, CLASS_ODDS
from biasaudit.engine.user_code.sources import code_hash, file_hash, is_own, own_sources
from biasaudit.errors import DataError, Fault
from biasaudit.protocol import Protocol
from biasaudit.protocol.places import Places
from biasaudit.regular_files import read_json_file

__all__ = ["CODE", "code_lines", "record_code", "require_recorded"]

CODE = "code.json"
"""Hash of the code of every function that a run was made with, by its key."""

_MOST = 16_000_000
_SHOWN = 12


def code_lines(code: Iterable[tuple[str, str]]) -> list[str]:
    """Say what code is run: one line per file or package, with its hash or version.

    Parameters
    ----------
    code : iterable of (key, import string)
    """
    return [f"runs code of: {each}" for each in dict.fromkeys(_shown(name) for _, name in code)]


def record_code(out: Path, protocol: Protocol) -> None:
    """Write the hashes of the code that a run is made with into its folder."""
    write_json(out / CODE, {key: code_hash(name) for key, name in protocol.code})


def require_recorded(run: Path, protocol: Protocol, *, trust: bool) -> None:
    """Refuse code that a run folder names and that is not what the run was made with.

    Parameters
    ----------
    run : Path
    protocol : Protocol
        Of the run.
    trust : bool
        The user says that all of it may run.

    Raises
    ------
    DataError
        All such code in one line.
    """
    known = {} if trust else _recorded(run)
    strange = [] if trust else [*_strange_code(protocol, known), *_strange_models(run, protocol, known)]
    if strange:
        message = f"it would run code that is not what its audit ran: {'; '.join(dict.fromkeys(strange))}"
        raise DataError([Fault(str(run), message, "look at it, and give --trust if you trust it")])


def _recorded(run: Path) -> Mapping[str, Any]:
    path = run / CODE
    try:
        known = read_json_file(path, _MOST) if path.exists() else {}
    except (OSError, ValueError):
        known = None
    if not isinstance(known, dict):
        raise DataError([Fault(str(path), "not a readable JSON file", "rerun the audit")])
    return known


def _strange_code(protocol: Protocol, known: Mapping[str, Any]) -> Iterator[str]:
    for key, name in protocol.code:
        if not known.get(key):
            yield f"{_shown(name)} for {key}, which is not recorded"
        elif known[key] != code_hash(name):
            yield f"{_shown(name)} for {key}, which has changed since"


def _strange_models(run: Path, protocol: Protocol, known: Mapping[str, Any]) -> Iterator[str]:
    """Yield what stored networks are made by, where it is neither built in nor the network of the protocol."""
    stored = [path for path in (run / "models").glob("*.json") if path.name != "index.json"]
    places = Places.read(run)
    for path in sorted([*stored, *(run / "jobs").glob("*/model.json")]):
        factory = str(places.absolute_code(_factory(path)))
        same_file = is_own(factory) and code_hash(factory) == known.get("target.network")
        if ":" in factory and not factory.startswith("monai:") and factory != protocol.target.network and not same_file:
            yield f"{factory} for {path.relative_to(run)}"


def _factory(path: Path) -> str:
    """Import string of what makes a stored network in the end."""
    try:
        description = read_json_file(path, _MOST)
        while description["network"] == CLASS_ODDS:
            description = description["network_arguments"]
        if description["network"] == BUILDER:
            return str(description["network_arguments"]["factory"])
        return str(description["network"])
    except (OSError, ValueError, LookupError, TypeError):
        raise DataError([Fault(str(path), "no description of a network", "run the audit again")]) from None


def _shown(name: str) -> str:
    if not is_own(name):
        return f"package {_versioned(name.split(':')[0].split('.')[0])} ({name})"
    file = Path(name.rpartition(":")[0])
    more = len(own_sources(name)) - 1
    others = f" and {more} file{'s' if more > 1 else ''} that it imports" if more > 0 else ""
    return f"{file.name} (sha256 {file_hash(file)[:_SHOWN]}){others}"


def _versioned(package: str) -> str:
    return " ".join([package, *(version for _, version in installed_versions([package])[:1])])
