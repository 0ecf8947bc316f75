"""What is wrong with a protocol: the key, its line, and the key that was probably meant."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from biasaudit.errors import Fault
from biasaudit.protocol.protocol import Protocol
from biasaudit.protocol.section import shortened

__all__ = ["fault_of", "line_of"]


def fault_of(detail: Any, document: CommentedMap, path: Path) -> Fault:
    """Say one error of pydantic as a fault of the file: where, what, and what was probably meant.

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
    message, remedy = _explain(detail)
    shown = ".".join(str(key) for key in keys) or "protocol"
    return Fault(f"{path}:{line_of(document, keys)}", f"{shown}: {message}", remedy)


def line_of(document: CommentedMap, keys: Sequence[Any]) -> int:
    """Line, counted from 1, on which the innermost of nested keys that the document has is written."""
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
    if location[:1] == ("cohort",):
        # The reader's name comes second; it may also be a key of the section (`table`, `phantom`).
        location = (*location[:1], *location[2:])
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


def _explain(detail: Any) -> tuple[str, str]:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return "no such field", _did_you_mean(str(detail["loc"][-1]), detail["loc"])
    if kind == "missing":
        return "required but missing", ""
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return "`reader` must be table, bids or phantom", ""
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return message, ""
    return f"{message[0].lower()}{message[1:]}, not {shortened(detail['input'])}", ""


def _did_you_mean(word: str, location: Sequence[Any]) -> str:
    known = list(_fields_at(Protocol, location[:-1]))
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    elsewhere = [name for name in _all_fields(Protocol) if name.split(".")[-1] == word]
    if elsewhere:
        return f"it belongs at {elsewhere[0]}"
    return f"known here: {', '.join(sorted(known))}"


def _fields_at(model: type[BaseModel], location: Sequence[Any]) -> Mapping[str, Any]:
    current: type[BaseModel] = model
    for key in location:
        found = [m for m in _section_models(current) if _names_model(current, key, m)]
        if found:
            current = found[0]
    return current.model_fields


def _names_model(parent: type[BaseModel], key: Any, candidate: type[BaseModel]) -> bool:
    """Whether `key` leads from `parent` to `candidate`: a field of that type, or a union tag."""
    if isinstance(key, str) and key in parent.model_fields:
        return candidate in _models_in(parent.model_fields[key].annotation) and key != "cohort"
    reader = candidate.model_fields.get("reader")
    return reader is not None and key in typing.get_args(reader.annotation)


def _section_models(parent: type[BaseModel]) -> list[type[BaseModel]]:
    return [model for field in parent.model_fields.values() for model in _models_in(field.annotation)]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]


def _all_fields(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        for section in _models_in(field.annotation):
            names.extend(_all_fields(section, f"{prefix}{name}."))
    return names
