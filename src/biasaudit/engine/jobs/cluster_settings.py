"""The settings of a queue that workers are asked of: one YAML file for all kinds of queue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator
from ruamel.yaml.comments import CommentedMap

from biasaudit.errors import Fault, ProtocolError, suggestion
from biasaudit.protocol.faults import line_of
from biasaudit.protocol.section import Section
from biasaudit.protocol.yaml_text import parse_yaml, plain, protocol_text

__all__ = ["ClusterSettings", "JobCount", "load_cluster"]

_EXAMPLE = "an example is in docs/cluster.md"
System = Literal["slurm", "sge", "pbs", "lsf", "moab"]


def _size(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", text):
        raise ValueError("expected a size such as 8GB")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("expected one line")
    return text


Size = Annotated[str, AfterValidator(_size)]
Line = Annotated[str, AfterValidator(_one_line)]


class JobCount(Section):
    """How many jobs of the queue there are at a time."""

    min: int = Field(default=0, ge=0)
    max: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> JobCount:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self


class ClusterSettings(Section):
    """What is asked of a queue."""

    system: System
    queue: Line | None = None
    account: Line | None = None
    cores: int = Field(default=1, ge=1)
    memory: Size
    walltime: Line | None = None
    jobs: JobCount = JobCount()
    gpu: Line | None = None
    prologue: tuple[Line, ...] = ()
    directives: tuple[Line, ...] = ()
    worker_arguments: tuple[Line, ...] = ()
    interface: Line | None = None
    local_directory: Line | None = None
    logs: Line | None = None
    python: Line | None = None

    @model_validator(mode="after")
    def _one_worker_a_device(self) -> ClusterSettings:
        if self.gpu and self.cores != 1:
            raise ValueError(f"gpu: a job with a device runs one worker; expected cores 1, not {self.cores}")
        return self


def load_cluster(path: Path) -> ClusterSettings:
    """Read the settings of a queue.

    Raises
    ------
    ProtocolError
        Every fault at once, each with its line.
    """
    try:
        text = protocol_text(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProtocolError([Fault(str(path), f"cannot be read ({reason})", _EXAMPLE)]) from None
    document = parse_yaml(text, path)
    if not isinstance(document, CommentedMap):
        raise ProtocolError([Fault(f"{path}:1", "expected keys and values, such as `system: slurm`", _EXAMPLE)])
    try:
        return ClusterSettings.model_validate(plain(document, path))
    except ValidationError as error:
        raise ProtocolError([_fault(detail, document, path) for detail in error.errors()]) from None


def _fault(detail: Mapping[str, Any], document: CommentedMap, path: Path) -> Fault:
    *outer, last = detail["loc"] or ("",)
    where = f"{path}:{line_of(document, detail['loc'])}"
    if detail["type"] == "extra_forbidden":
        known = JobCount.model_fields if outer else ClusterSettings.model_fields
        return Fault(where, f"{last}: no such key", suggestion(str(last), known))
    if detail["type"] == "missing":
        return Fault(where, f"{last}: required", _EXAMPLE)
    key = ".".join(map(str, detail["loc"]))
    named = f"{key}: {detail['input']!r}: " if key else ""
    return Fault(where, f"{named}{detail['msg'].removeprefix('Value error, ')}", _EXAMPLE)
