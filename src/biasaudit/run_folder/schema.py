"""The JSON schema of ``audit.json``, made from the records that the engine writes and the report reads."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, is_typeddict

from biasaudit import records
from biasaudit.run_folder.contract import AUDIT, SCHEMA_VERSION, AuditRecord

__all__ = ["AUDIT_SCHEMA", "audit_schema", "schema_text"]

AUDIT_SCHEMA = "audit.schema.json"

_ALWAYS = ("schema_version", "biasaudit", "cohort", "design", "arms", "comparisons")
"""What every file of this format has, also that of a version which knew nothing of the rest."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}

Schema = dict[str, Any]


def audit_schema() -> Schema:
    """Return the schema of ``audit.json``.

    Fields may be added within one major version, so that further properties are allowed everywhere, and only those are
    required that a file of this format has had from the beginning.

    Returns
    -------
    dict
        JSON schema, draft 2020-12. `$id` names the version of the format.
    """
    reached = {_name(record): _object(record) for record in _reached(AuditRecord)}
    root = reached.pop(_name(AuditRecord))
    version = {"type": "string", "pattern": rf"^{SCHEMA_VERSION.partition('.')[0]}\."}
    return {
        "$schema": _DIALECT,
        "$id": f"urn:biasaudit:audit:{SCHEMA_VERSION}",
        "title": f"{AUDIT} of biasaudit, version {SCHEMA_VERSION}",
        **root,
        "properties": {**root["properties"], "schema_version": version},
        "required": list(_ALWAYS),
        "$defs": dict(sorted(reached.items())),
    }


def schema_text() -> str:
    """Return the schema as the file that lies in run folders and in the documentation."""
    return json.dumps(audit_schema(), indent=2, ensure_ascii=False) + "\n"


def _hints(record: type) -> dict[str, Any]:
    # The contract imports its neighbours for type checkers only, so that readers need not wait for numpy.
    return typing.get_type_hints(record, localns=vars(records), include_extras=True)


def _reached(record: type) -> Iterator[type]:
    """Go over a record and all that it holds, each once."""
    seen, waiting = set(), [record]
    while waiting:
        own = waiting.pop()
        if own not in seen:
            seen.add(own)
            waiting += [part for hint in _hints(own).values() for part in _records_in(hint)]
            yield own


def _records_in(annotation: Any) -> Iterator[type]:
    if is_typeddict(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _records_in(argument)


def _object(record: type) -> Schema:
    hints = _hints(record)
    optional: frozenset[str] = record.__optional_keys__  # type: ignore[attr-defined]
    required = [name for name, hint in hints.items() if name not in optional and get_origin(hint) is not NotRequired]
    schema: Schema = {
        "type": "object",
        "description": _description(record),
        "properties": {name: _value(hint) for name, hint in hints.items()},
    }
    return {**schema, "required": required} if required else schema


def _value(annotation: Any) -> Schema:
    """Translate one annotation; raises TypeError for what no record holds today."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is NotRequired:
        return _value(arguments[0])
    if is_typeddict(annotation):
        return {"$ref": f"#/$defs/{_name(annotation)}"}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return _one_of([_value(argument) for argument in arguments])
    if origin is list:
        return {"type": "array", "items": _value(arguments[0])}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _value(arguments[1])}
    if annotation is Any:
        return {}
    if annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    raise TypeError(f"{annotation}: no JSON schema for this type; add it to {__name__}")


def _one_of(schemas: list[Schema]) -> Schema:
    """Join alternatives: plain types into one list, others side by side."""
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _name(record: type) -> str:
    return record.__name__.removesuffix("Record")


def _description(record: type) -> str:
    """Return the record's docstring on one line, without the marks of code."""
    return re.sub(r"\s+", " ", (record.__doc__ or "").replace("`", "")).strip()
