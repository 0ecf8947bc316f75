"""Arguments of the steps that make attribution maps and put them to the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from biasaudit.engine.jobs.job import Arguments, Component, Role
from biasaudit.records import Grid

__all__ = ["MAPS", "Atlas", "AttributeArguments", "FaithfulnessArguments", "MapSettings", "Supervoxels"]

MAPS = Role("maps")
"""Attribution maps."""


@dataclass(frozen=True)
class Atlas:
    """Regions of an image file.

    Attributes
    ----------
    path : str
    sha256 : str
        Of the file.
    grid : Grid
        That it is resampled to.
    """

    path: str
    sha256: str
    grid: Grid


@dataclass(frozen=True)
class Supervoxels:
    """Regions that follow the mean image.

    Attributes
    ----------
    side : int
        Of a region, about, in voxels.
    """

    side: int


@dataclass(frozen=True)
class MapSettings:
    """Settings of the attribution maps.

    Attributes
    ----------
    method : str
        Registered name of the attribution method.
    steps, max_steps : int
        To begin with, and at most.
    completeness : float
        Largest relative error that is accepted before the steps are doubled.
    patch, stride : int
        Voxels, of methods that hide parts of the image.
    baseline : tuple of tuples of int
        Healthy training rows, one tuple per origin.
    baseline_kind : str
        ``origin_balanced``, ``blurred`` or ``zero``.
    references : tuple of int or None
        Rows that images are compared with one by one, where the method does.
    regions : Atlas or None
        Where the method hides regions; None makes supervoxels.
    arguments : mapping
        Of a method of Captum.
    """

    method: str
    steps: int
    max_steps: int
    completeness: float
    patch: int
    stride: int
    baseline: tuple[tuple[int, ...], ...]
    baseline_kind: str
    references: tuple[int, ...] | None = None
    regions: Atlas | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AttributeArguments(Arguments):
    """Make attribution maps of held-out rows.

    Attributes
    ----------
    rows : tuple of int
        Held-out cohort rows.
    variant : str
        Version of the inputs.
    settings : MapSettings
    outputs : tuple of int or None
        For every row the class whose margin over the mean of the others is explained; None for a single logit.
    """

    step: ClassVar[str] = "attribute"
    rows: tuple[int, ...]
    variant: str
    settings: MapSettings
    outputs: tuple[int, ...] | None = None

    @property
    def components(self) -> tuple[Component, ...]:
        """The attribution method."""
        return (Component("attribution", self.settings.method),)


@dataclass(frozen=True)
class FaithfulnessArguments(Arguments):
    """Put some attribution maps to the test.

    Attributes
    ----------
    rows : tuple of int
        Cohort rows that have a map.
    variant : str
        Version of the inputs.
    settings : MapSettings
        As the maps were made.
    places : tuple of int
        Which of the rows are tested.
    share : float
        Of the foreground that is deleted.
    seed : int
    """

    step: ClassVar[str] = "faithfulness"
    rows: tuple[int, ...]
    variant: str
    settings: MapSettings
    places: tuple[int, ...]
    share: float
    seed: int

    @property
    def components(self) -> tuple[Component, ...]:
        """The attribution method."""
        return (Component("attribution", self.settings.method),)
