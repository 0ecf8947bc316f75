"""The schema of ``audit.json``: kept equal to the published file, and true of what is written."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from jsonschema import Draft202012Validator
from published_schema import check_audit, closed_schema, faults
from run_folders import write_run

from biasaudit.run_folder import schema
from biasaudit.run_folder.contract import SCHEMA_VERSION
from biasaudit.run_folder.schema import AUDIT_SCHEMA, audit_schema, schema_text

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT.parent / "shared" / "examples" / "audit.json"


@pytest.fixture
def audit(tmp_path: Path) -> dict[str, Any]:
    return json.loads((write_run(tmp_path / "run", "nested", ("intensity", "tissue"), n=24) / "audit.json").read_text())


def test_the_published_file_is_the_one_that_is_made():
    published = ROOT / "docs" / AUDIT_SCHEMA
    assert published.read_text(encoding="utf-8") == schema_text(), (
        f"the records of audit.json have changed: write schema_text() of {schema.__name__} to {published}"
    )


def test_it_is_a_schema_and_names_its_version():
    Draft202012Validator.check_schema(audit_schema())
    assert audit_schema()["$id"].endswith(SCHEMA_VERSION)


def test_a_run_is_of_it(tmp_path):
    check_audit(write_run(tmp_path / "run", "nested", ("intensity", "tissue"), n=24))


@pytest.mark.skipif(not EXAMPLE.is_file(), reason="the example of the contract lies outside of the repository")
def test_the_example_of_the_contract_is_of_it():
    assert faults(json.loads(EXAMPLE.read_text(encoding="utf-8"))) == []


def test_what_the_contract_does_not_allow_is_found(audit):
    broken = copy.deepcopy(audit)
    broken["schema_version"] = "2.0"
    broken["arms"][0]["verdict"] = "ORIGN"
    broken["arms"][1]["findings"][0]["status"] = "fine"
    broken["arms"][1]["reliance"]["low"] = "0.1"
    del broken["design"]
    places = {fault.partition(":")[0] for fault in faults(broken)}
    assert places == {
        "$",
        "$.schema_version",
        "$.arms[0].verdict",
        "$.arms[1].findings[0].status",
        "$.arms[1].reliance.low",
    }


def test_fields_may_be_added_but_a_run_adds_none_that_is_not_published(audit, tmp_path):
    audit["arms"][0]["target"]["kappa"] = 0.8
    assert faults(audit) == []
    assert [fault.partition(":")[0] for fault in faults(audit, closed_schema())] == ["$.arms[0].target"]
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    with pytest.raises(AssertionError, match="kappa"):
        check_audit(tmp_path)


class Part(TypedDict, total=False):
    """All of it
    may be absent: `size`.
    """

    size: int


class Whole(TypedDict):
    """It has a part."""

    part: Part
    word: Literal["a", "b"] | None
    more: NotRequired[dict[str, list[float | None]]]


def test_absent_keys_are_those_that_the_records_allow():
    assert schema._object(Part) == {
        "type": "object",
        "description": "All of it may be absent: size.",
        "properties": {"size": {"type": "integer"}},
    }
    assert schema._object(Whole)["required"] == ["part", "word"]


def test_annotations_become_types():
    assert schema._object(Whole)["properties"] == {
        "part": {"$ref": "#/$defs/Part"},
        "word": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
        "more": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": ["number", "null"]}},
        },
    }
    assert schema._value(Any) == {}


def test_a_type_that_no_schema_is_known_for_is_an_error():
    with pytest.raises(TypeError, match="no JSON schema"):
        schema._value(bytes)
