"""Every key of the protocol refuses what makes no sense: no number, endless or huge ones, nothing, the same twice."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from biasaudit.errors import ProtocolError
from biasaudit.protocol import BidsCohort, PhantomCohort, Protocol, Section, TableCohort, parse_protocol

BASES: Mapping[type[BaseModel], dict[str, Any]] = {
    TableCohort: {"reader": "table", "table": "t.tsv", "label": {"positive": "ms"}, "origins": ["site"]},
    BidsCohort: {"reader": "bids", "roots": ["one"], "label": {"positive": "ms"}},
    PhantomCohort: {"reader": "phantom"},
}
NAN, INF = float("nan"), float("inf")
NUMBERS = {"nan": NAN, "inf": INF, "minus inf": -INF, "huge": 1e300, "minus huge": -1e300, "large": 10**30}
TEXTS = {"empty": "", "NUL": "a\0b", "bell": "a\ab", "surrogate": "a\udc80", "novel": "x" * 10_001}
LISTS = {"twice": ["a", "a"], "twice a number": [1, 1], "of nothing": [""], "of NUL": ["a\0b"]}
BAD: Mapping[str, Any] = {**NUMBERS, **TEXTS, **LISTS}
NEEDED = {"one": {"probes": {"where": "a"}, "field": {"atlas": "a.nii", "labels": [1]}}}
SANE: Mapping[tuple[str, str], str] = {
    ("cohort.table", "empty"): "the folder of the protocol, which is refused as no regular file",
    ("cohort.predictions", "empty"): "the same",
    ("cohort.probes.table", "empty"): "the same",
    ("cohort.probes.table", "of nothing"): "the same",
    ("cohort.probes.roots", "empty"): "the folder of the protocol may be a dataset",
    ("cohort.probes.roots", "of nothing"): "the same",
    ("cohort.roots", "empty"): "the same",
    ("cohort.roots", "of nothing"): "the same",
    ("cohort.field.mask", "empty"): "a folder, refused when it is opened",
    ("cohort.field.atlas", "empty"): "the same",
    ("grid.reference", "empty"): "the same",
    ("grid.shape", "twice a number"): "a picture of one pixel",
    ("attribution.atlas", "empty"): "the same",
    ("target.weights", "empty"): "the same",
    ("target.weights", "of nothing"): "the same",
    ("target.training_subjects", "empty"): "the same",
}


def keys_of(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inside = [own for own in sections_in(field.annotation) if own.__name__ != "CohortSettings"]
        yield from (key for own in inside for key in keys_of(own, f"{prefix}{name}."))
        if not inside and (prefix or name != "cohort"):
            yield f"{prefix}{name}"


def sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [own for argument in typing.get_args(annotation) for own in sections_in(argument)]


def with_value(cohort: type[BaseModel], key: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"cohort": {**BASES[cohort]}}
    node = document
    *sections, last = key.split(".")
    for name in sections:
        if name == "arms":
            node["arms"] = [{"name": "a", "representation": "intensity"}]
            node = node["arms"][0]
            continue
        before = node.get(name, {})
        node[name] = {**(before if isinstance(before, dict) else {})}
        node = node[name]
    node[last] = value
    return document


def places() -> Iterator[tuple[type[BaseModel], str]]:
    for key in keys_of(Protocol):
        yield TableCohort, key
    for cohort in BASES:
        for key in keys_of(cohort, "cohort."):
            yield cohort, key


def refused(document: Mapping[str, Any]) -> list[str]:
    stream = StringIO()
    YAML().dump(document, stream)
    try:
        parse_protocol(stream.getvalue(), Path("/study/protocol.yaml"))
    except ProtocolError as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.mark.parametrize(("cohort", "key"), list(places()), ids=lambda own: getattr(own, "__name__", own))
def test_nonsense_is_refused_in_a_line(cohort: type[BaseModel], key: str) -> None:
    accepted = []
    for name, value in BAD.items():
        said = refused(with_value(cohort, key, value))
        assert all("\n" not in line and line.startswith("/study/protocol.yaml:") for line in said), said
        if not said and (key, name) not in SANE:
            accepted.append(name)
    assert not accepted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("checks: []", "checks: list should have at least 1 item"),
        ("arms: []", "arms: list should have at least 1 item"),
        ("checks: [D1, D1]", "'D1' is named twice"),
        ("arms: [{name: .., representation: intensity}]", "arms.0.name: string should match pattern"),
        ("arms: [{name: a, representation: tissue}, {name: A, representation: maps}]", "two arms are called"),
        ("grid: {spacing: 0.0001}", "grid.spacing: input should be greater than or equal to 0.001, not 0.0001"),
        ("grid: {spacing: 1.0e+9}", "grid.spacing: input should be less than or equal to 50"),
        ("grid: {shape: [0, 5]}", "grid.shape.0: input should be greater than or equal to 1"),
        ("grid: {shape: [-5, 5]}", "grid.shape.0"),
        ("target: {network_arguments: {a: [.inf]}}", "target.network_arguments: expected finite numbers"),
        ("target: {weights: [a.pt, a.pt]}", "'a.pt' is named twice"),
        ("target: {weights: []}", "target.weights: value should have at least 1 item"),
        ('name: "two\\nlines"', "name: string should match pattern"),
    ],
)
def test_kinds_of_nonsense(text: str, said: str) -> None:
    table = "cohort: {reader: table, table: t.tsv, label: {positive: ms}, origins: [site]}\n"
    with pytest.raises(ProtocolError) as caught:
        parse_protocol(table + text + "\n", Path("/study/protocol.yaml"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"origins": ["label"]}, "the column 'label' is both the label and an origin"),
        ({"origins": ["site", "site"]}, "cohort.origins: 'site' is named twice"),
        ({"covariates": ["site"]}, "the column 'site' is both an origin and a covariate"),
        ({"covariates": ["label"]}, "the column 'label' is both the label and a covariate"),
        ({"origins": ["subject"]}, "the column 'subject' is both an origin and the subject"),
        ({"score": "site"}, "the column 'site' is both an origin and a score"),
        ({"image": "site"}, "the column 'site' is both an origin and an image"),
    ],
)
def test_one_column_has_one_role(changed: dict[str, Any], said: str) -> None:
    (line,) = refused({"cohort": {**BASES[TableCohort], **changed}})
    assert said in line


def test_a_dataset_may_be_one_class() -> None:
    assert not refused({"cohort": {**BASES[BidsCohort], "label": {"column": "dataset", "positive": "ms"}}})
