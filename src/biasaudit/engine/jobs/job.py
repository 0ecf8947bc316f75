"""Define a job: a pure function of its arguments that writes one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from biasaudit.engine.jobs.json_files import digest

__all__ = ["Arguments", "Component", "Folders", "Job", "Role"]


@dataclass(frozen=True, order=True)
class Component:
    """A registered component that a job uses: its kind and its name."""

    kind: str
    name: str


@dataclass(frozen=True, order=True)
class Role:
    """The purpose for which a job reads the result of another one.

    Attributes
    ----------
    name : str
        ``inputs``, ``models`` ...
    which : str
        Which one, where a job reads several of that name: a class, a level, a fold; else empty.
    """

    name: str
    which: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.which}" if self.which else self.name


class Folders(Mapping[Role, tuple[Path, ...]]):
    """Folders of the finished jobs that a step reads, by role."""

    def __init__(self, folders: Mapping[Role, tuple[Path, ...]]) -> None:
        self._folders = dict(folders)

    def __getitem__(self, role: Role) -> tuple[Path, ...]:
        return self._folders[role]

    def __iter__(self) -> Iterator[Role]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)

    def only(self, role: Role) -> Path:
        """Return the one folder of a role.

        Raises
        ------
        ValueError
            If there are several.
        """
        (folder,) = self[role]
        return folder

    def of(self, name: str) -> dict[str, tuple[Path, ...]]:
        """Return the folders of all roles of one name, by which one they are."""
        return {role.which: folders for role, folders in self.items() if role.name == name}


@dataclass(frozen=True)
class Arguments:
    """Arguments of a step: with its code and the results that it reads they fix its result; one subclass per step.

    Fields hold plain types, paths, and records of these: they are hashed as JSON.
    """

    step: ClassVar[str]
    """Registered name of the step, or ``module:function``."""

    reads_files: ClassVar[bool] = False
    """Whether it reads files of the user's, which only the machine that was started is sure to have."""

    @property
    def components(self) -> tuple[Component, ...]:
        """Components that the step looks up by name; of a kind that is not named here all count as used."""
        return ()


@dataclass(frozen=True)
class Job:
    """A pure function of its arguments that writes one folder.

    Attributes
    ----------
    arguments : Arguments
        Says which step it is, and all that the result depends on besides `needs` and the code.
    needs : mapping of Role to tuple of keys
        Jobs whose folders are read.
    code : str
        Version of the step's code (`code_version`).
    title : str
        For people; not part of the identity.
    """

    arguments: Any
    needs: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    code: str = ""
    title: str = ""

    @property
    def step(self) -> str:
        """Name of the step that does it."""
        return str(self.arguments.step)

    @cached_property
    def key(self) -> str:
        """Identity: 24 hexadecimal digits."""
        needs = {str(role): list(keys) for role, keys in self.needs.items()}
        return digest([self.step, self.code, self.arguments, needs])[:24]

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Keys of all jobs that must be finished first."""
        return tuple(key for keys in self.needs.values() for key in keys)
