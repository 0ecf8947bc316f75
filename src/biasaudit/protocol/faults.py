"""Turn validation errors into faults of a protocol: the key, its line, and the key that was probably meant."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from biasaudit.errors import Fault
from biasaudit.protocol.cohort import CohortSettings
from biasaudit.protocol.protocol import Protocol
from biasaudit.protocol.reader_settings import registered_settings, settings_of
from biasaudit.protocol.section import shortened

__all__ = ["fault_of", "line_of"]


def fault_of(detail: Any, document: CommentedMap, path: Path) -> Fault:
    """Turn one error of pydantic into a fault of the file: its line, what is wrong, what was probably meant.

    Parameters
    ----------
    detail : dict
        One of `ValidationError.errors()`.
    document : CommentedMap
        The protocol as YAML, which knows the line of every key.
    path : Path
        The file.
    """
    keys = _existing_prefix(detail["loc"], document)
    message, remedy = _explain(detail, document)
    key = ".".join(str(key) for key in keys) or "protocol"
    return Fault(f"{path}:{line_of(document, keys)}", f"{key}: {message}", remedy)


def line_of(document: CommentedMap, keys: Sequence[Any]) -> int:
    """Find the line, counted from 1, of a nested key, or of the innermost section that is there."""
    node: Any = document
    line = 0
    for key in keys:
        try:
            line = node.lc.key(key)[0] if isinstance(node, CommentedMap) else node.lc.item(key)[0]
            node = node[key]
        except (KeyError, AttributeError, IndexError, TypeError):
            break
    return line + 1


def _existing_prefix(location: Sequence[Any], document: CommentedMap) -> list[Any]:
    """Drop from the location the names that pydantic adds for union members."""
    node: Any = document
    keys: list[Any] = []
    for position, key in enumerate(location):
        present = (isinstance(node, Mapping) and key in node) or (
            isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node)
        )
        if present:
            node = node[key]
            keys.append(key)
        elif position == len(location) - 1 and isinstance(node, Mapping):
            keys.append(key)
    return keys


def _explain(detail: Any, document: CommentedMap) -> tuple[str, str]:
    """Say what is wrong, and what to do where that can be told."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        return "no such field", _did_you_mean(str(detail["loc"][-1]), _section_at(detail["loc"][:-1], document))
    if kind == "missing":
        return "required but missing", ""
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return message, ""
    return f"{message[0].lower()}{message[1:]}, not {shortened(detail['input'])}", ""


def _did_you_mean(word: str, section: type[BaseModel]) -> str:
    """Say which key of the section was probably meant, or in which other section the word is a key."""
    close = difflib.get_close_matches(word, list(section.model_fields), n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    elsewhere = [name for name in _all_fields(Protocol) if name.split(".")[-1] == word]
    if elsewhere:
        return f"it belongs at {elsewhere[0]}"
    return f"known here: {', '.join(sorted(section.model_fields))}"


def _section_at(location: Sequence[Any], document: CommentedMap) -> type[BaseModel]:
    """Class of the section to which a location leads; places in lists and names of union members lead nowhere."""
    section: type[BaseModel] = Protocol
    node: Any = document
    for key in location:
        node = node.get(key) if isinstance(node, Mapping) and key in node else node
        field = section.model_fields.get(key) if isinstance(key, str) else None
        inside = _sections_in(field.annotation) if field is not None else []
        if inside == [CohortSettings]:
            inside = [settings_of(node["reader"])]
        section = inside[0] if inside else section
    return section


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for argument in typing.get_args(annotation) for section in _sections_in(argument)]


def _all_fields(section: type[BaseModel], prefix: str = "") -> list[str]:
    """Every key of a section and of the sections in it, those of every reader included: ``folds.n``."""
    names = []
    for name, field in section.model_fields.items():
        names.append(prefix + name)
        inside = _sections_in(field.annotation)
        if inside == [CohortSettings]:  # inside a cohort, that of another is the same once more
            inside = [] if prefix else list(registered_settings().values())
        for each in inside:
            names.extend(_all_fields(each, f"{prefix}{name}."))
    return names
