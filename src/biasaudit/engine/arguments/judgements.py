"""Arguments of the step that asks one check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from biasaudit.engine.arguments.maps import Atlas, Supervoxels
from biasaudit.engine.jobs.job import Arguments, Component

__all__ = ["JudgeArguments"]


@dataclass(frozen=True)
class JudgeArguments(Arguments):
    """Ask one check about one arm, origin factor and contrast.

    Attributes
    ----------
    arm, factor, code : str
        The arm, the origin factor, and the code of the check.
    protocol : mapping
        The protocol as JSON.
    table : mapping
        Columns of the cohort, one value per row.
    classes : tuple of str
        Names of the negative and of the positive side.
    map_rows : tuple of tuples of int
        Rows with attribution maps, per fold.
    origins : mapping of class to tuple of str
        Origins that were told apart inside the class.
    masks_given : bool
        Whether every subject of the positive side has a pathology mask.
    skipped : mapping of input to reason
        Reduced inputs that were not asked.
    spacing : tuple of float
        Voxel size of the grid, mm per axis.
    contrast : mapping or None
        With more than two classes, what judging one against the rest takes.
    withheld : str
        Why the check cannot be asked; empty if it can.
    regions : Atlas, Supervoxels or None
        Where maps are summed up by region.
    retraining : mapping or None
        Which networks were trained for the check alone, and on what.
    retraining_skipped : str
        Why none were; empty if some were, or none asked for.
    """

    step: ClassVar[str] = "judge"
    arm: str
    factor: str
    code: str
    protocol: Mapping[str, Any]
    table: Mapping[str, Any]
    classes: tuple[str, str]
    map_rows: tuple[tuple[int, ...], ...]
    origins: Mapping[str, tuple[str, ...]]
    masks_given: bool
    skipped: Mapping[str, str]
    spacing: tuple[float, ...]
    contrast: Mapping[str, Any] | None = None
    withheld: str = ""
    regions: Atlas | Supervoxels | None = None
    retraining: Mapping[str, Any] | None = None
    retraining_skipped: str = ""

    @property
    def components(self) -> tuple[Component, ...]:
        """The check."""
        return (Component("check", self.code),)
