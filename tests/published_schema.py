"""Hold an ``audit.json`` against its published schema."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from biasaudit.run_folder.schema import audit_schema


def closed_schema() -> dict:
    """The published schema without further properties: what a run writes and the schema does not name is a fault."""
    schema = audit_schema()
    for record in (schema, *schema["$defs"].values()):
        record["additionalProperties"] = False
    return schema


def faults(audit: object, schema: dict | None = None) -> list[str]:
    validator = Draft202012Validator(audit_schema() if schema is None else schema)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(audit)]


def check_audit(folder: Path) -> None:
    """Assert that a run wrote what the schema says, and nothing that the schema does not name."""
    audit = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    found = faults(audit, closed_schema())
    assert not found, f"{folder}/audit.json is not of the published schema: {found}"
