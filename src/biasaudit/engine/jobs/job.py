"""What a job is: a pure function of its arguments that writes one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from biasaudit.engine.jobs.json_files import digest

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """A pure function of its arguments that writes one folder.

    Attributes
    ----------
    step : str
        Which function does it (`engine.steps`).
    arguments : mapping
        Plain JSON types; all that the result depends on besides `needs` and the code.
    needs : mapping of role to tuple of keys
        Jobs whose folders are read.
    code : str
        Version of the step's code.
    title : str
        For people; not part of the identity.
    """

    step: str
    arguments: Mapping[str, Any]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code: str = ""
    title: str = ""

    @cached_property
    def key(self) -> str:
        """Identity: 24 hexadecimal digits."""
        return digest([self.step, self.code, self.arguments, {role: list(keys) for role, keys in self.needs.items()}])[
            :24
        ]

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Keys of all jobs that must be finished first."""
        return tuple(key for keys in self.needs.values() for key in keys)
