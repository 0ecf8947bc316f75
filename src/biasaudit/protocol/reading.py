"""Read and write protocols: YAML text, absolute paths, the line of every fault, the JSON schema."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from biasaudit.errors import Fault, ProtocolError
from biasaudit.protocol.code import code_faults
from biasaudit.protocol.faults import fault_of, line_of
from biasaudit.protocol.places import Places
from biasaudit.protocol.protocol import Protocol
from biasaudit.protocol.section import Section
from biasaudit.protocol.target import TargetSettings
from biasaudit.protocol.yaml_text import if_table, parse_yaml, plain, protocol_text
from biasaudit.regular_files import is_of_windows, place_of_fault, real_path

__all__ = ["dump_protocol", "json_schema", "load_protocol", "parse_protocol", "with_lines"]

_UNBROKEN = 1_000_000
"""Columns of a line: a path that is broken at its spaces is not found again by who looks for it."""

AnySection = TypeVar("AnySection", bound=Section)


def load_protocol(path: Path, *, stored: bool = False) -> Protocol:
    """Read and validate a protocol; paths in it become absolute.

    Parameters
    ----------
    path : Path
        YAML file.
    stored : bool
        It is that of a run, which names code where it was; whether that may run is asked later.

    Raises
    ------
    ProtocolError
        Every fault at once, each with its line.
    """
    try:
        text = protocol_text(path)
    except UnicodeDecodeError as error:
        line, message = place_of_fault(error)
        raise ProtocolError([Fault(f"{path}:{line}", message, "save the protocol as UTF-8")]) from None
    except OSError as error:
        reasons: dict[type[Exception], str] = {
            FileNotFoundError: "no such file",
            IsADirectoryError: "a folder, not a file",
        }
        reason = reasons.get(type(error), f"cannot be read ({error.strerror or error})")
        raise ProtocolError([Fault(str(path), reason, "give the path of a protocol.yaml")]) from None
    return parse_protocol(text, path, stored=stored)


def parse_protocol(text: str, path: Path, *, stored: bool = False) -> Protocol:
    """Validate the text of a protocol; relative paths are taken from the folder of `path`.

    Parameters
    ----------
    text : str
    path : Path
    stored : bool
        As of `load_protocol`.

    Raises
    ------
    ProtocolError
        Every fault at once, each with its line.
    """
    document = parse_yaml(text, path)
    if document is None:
        remedy = "`biasaudit init` drafts a protocol of a table or folder"
        raise ProtocolError([Fault(f"{path}:1", "empty, expected keys and values, such as `cohort:`", remedy)])
    if not isinstance(document, CommentedMap):
        raise ProtocolError([Fault(f"{path}:1", "expected keys and values, such as `cohort:`", if_table(path))])
    try:
        protocol = Protocol.model_validate(plain(document, path))
    except ValidationError as error:
        raise ProtocolError([fault_of(detail, document, path) for detail in error.errors()]) from None
    placed = _with_absolute_paths(protocol, _Folder(path.parent))
    if not stored:
        _require_allowed(_named_code(protocol, placed, path.parent), placed, document, path)
    return placed


def _named_code(protocol: Protocol, placed: Protocol, folder: Path) -> list[tuple[str, str]]:
    """Return the functions of a protocol as it names them; where a short name led elsewhere, as they were found."""
    pairs = zip(protocol.code, placed.code, strict=True)
    return [(key, name if _is_at(name, found, folder) else found) for (key, name), (_, found) in pairs]


def _is_at(name: str, found: str, folder: Path) -> bool:
    return real_path(folder / name.rpartition(":")[0]) == Path(found.rpartition(":")[0])


def _require_allowed(named: Sequence[tuple[str, str]], protocol: Protocol, document: CommentedMap, path: Path) -> None:
    """Refuse functions of packages and files that the protocol does not allow."""
    found = code_faults(named, protocol.allow_code, path.parent)
    faults = [Fault(f"{path}:{_line_of_key(document, key)}", f"{key}: {message}") for key, message in found]
    if faults:
        raise ProtocolError(faults)


def _line_of_key(document: CommentedMap, key: str) -> int:
    return line_of(document, [int(part) if part.isdecimal() else part for part in key.split(".")])


def with_lines(faults: Iterable[Fault], path: Path) -> list[Fault]:
    """Give faults that were found after a protocol was read the line of the key that they name.

    Parameters
    ----------
    faults : iterable of Fault
        Those whose place is ``protocol`` or a key such as ``arms.1`` are changed.
    path : Path
        The protocol. One that cannot be read has no lines, and the faults say so themselves.
    """
    try:
        document = parse_yaml(protocol_text(path), path)
    except (OSError, UnicodeDecodeError, ProtocolError):
        return list(faults)
    return [_with_line(fault, document, path) for fault in faults]


def _with_line(fault: Fault, document: CommentedMap, path: Path) -> Fault:
    place, message = fault.where, fault.message
    if place == "protocol":
        place, _, message = message.partition(": ")
    keys: list[Any] = [int(key) if key.isdecimal() else key for key in place.split(".")]
    if keys[0] not in Protocol.model_fields:
        return replace(fault, where=str(path)) if fault.where == "protocol" else fault
    return Fault(f"{path}:{line_of(document, keys)}", f"{place}: {message}", fault.remedy)


def dump_protocol(protocol: Protocol) -> str:
    """YAML text of a resolved protocol, with its schema line for editors."""
    stream = StringIO()
    yaml = YAML()
    yaml.width = _UNBROKEN
    yaml.dump(protocol.model_dump(mode="json"), stream)
    return "# yaml-language-server: $schema=protocol.schema.json\n" + stream.getvalue()


def json_schema() -> str:
    """JSON schema of a protocol, for editors."""
    schema = Protocol.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2) + "\n"


class _Folder:
    """The folder that relative paths of a protocol start from; that of a run has short names for others."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._places = folder, Places.read(folder)

    def absolute(self, path: Path) -> Path:
        """Make a path absolute."""
        named = Path(self._places.absolute(path.as_posix()))
        found = named if named.is_absolute() else real_path(self._folder / named)
        if not is_of_windows(str(path)) or os.path.exists(found):
            return found
        # As Windows writes it, and there is no file of that name.
        return self.absolute(Path(str(path).replace("\\", "/")))


def _with_absolute_paths(protocol: Protocol, folder: _Folder) -> Protocol:
    """Make all paths of a protocol absolute, those of the user's own functions included."""
    placed = _placed(protocol, folder)
    arms = [
        arm.model_copy(update={"representation": _with_absolute_file(arm.representation, folder)})
        for arm in placed.arms
    ]
    return placed.model_copy(update={"arms": arms, "target": _with_absolute_code(placed.target, folder)})


def _placed(section: AnySection, folder: _Folder) -> AnySection:
    """Make all paths of a section, and of the sections inside it, absolute."""
    return section.model_copy(
        update={name: _placed_value(getattr(section, name), folder) for name in type(section).model_fields}
    )


def _placed_value(value: Any, folder: _Folder) -> Any:
    if isinstance(value, Section):
        return _placed(value, folder)
    if isinstance(value, list):
        return [_placed_value(each, folder) for each in value]
    return folder.absolute(value) if isinstance(value, Path) else value


def _with_absolute_code(target: TargetSettings, folder: _Folder) -> TargetSettings:
    """Return the target with absolute paths of the files that its functions lie in."""
    training = target.training
    functions: dict[str, Any] = {
        name: _with_absolute_file(getattr(training, name), folder) for name in ("loss", "optimiser")
    }
    functions["augment"] = (
        _with_absolute_file(training.augment, folder)
        if isinstance(training.augment, str)
        else [_with_absolute_file(name, folder) for name in training.augment]
    )
    functions["fit"] = training.fit and _with_absolute_file(training.fit, folder)
    network = _with_absolute_file(target.network, folder)
    return target.model_copy(update={"network": network, "training": training.model_copy(update=functions)})


def _with_absolute_file(name: str, folder: _Folder) -> str:
    """Import string with the absolute path of the file it names; other names as they are."""
    file, colon, function = name.rpartition(":")
    return f"{folder.absolute(Path(file))}:{function}" if colon and file.endswith(".py") else name
