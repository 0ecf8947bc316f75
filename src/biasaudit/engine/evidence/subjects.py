"""Rows of evidence: images in cohort order, those that a network held out, and one for each subject at one origin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.records import ArmEvidence, BoolArray, FloatArray

__all__ = ["Group", "Kept", "Rows", "Units", "units_of"]

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Rows:
    """The images that a judgement is about, in cohort order.

    Attributes
    ----------
    contrast : Contrast
    label : str (n,)
        Class of every image.
    origin : str (n,)
    """

    contrast: Contrast
    label: npt.NDArray[np.str_]
    origin: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.label)

    def of_class(self, class_name: str, origins: tuple[str, ...]) -> BoolArray:
        """Whether an image is of a class and comes from one of some origins, (n,)."""
        return np.asarray((self.label == class_name) & np.isin(self.origin, origins))


@dataclass(frozen=True)
class Kept:
    """Some rows of the evidence, bool (n,)."""

    rows: BoolArray

    def take(self, values: np.ndarray) -> np.ndarray:
        """Return the kept rows of an array (n, ...)."""
        return values[self.rows]

    def among(self, places: Places) -> BoolArray:
        """Whether some rows, given by their places, are kept."""
        return self.rows[places]

    def places(self, places: Places) -> Places:
        """Return where kept rows, given by their places, lie among the kept."""
        return np.asarray((np.cumsum(self.rows) - 1)[places])


@dataclass(frozen=True)
class Units:
    """The subjects at one origin in one class, and which of them every image shows.

    Attributes
    ----------
    of_row : int (n,)
    first : int (units,)
        The first image of each.
    """

    of_row: Places
    first: Places

    def take_first(self, values: np.ndarray) -> np.ndarray:
        """Return what an array (n, ...) holds of the first image of each unit."""
        return values[self.first]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Average an array (n, ...) over the images of each unit."""
        return np.stack([values[self.of_row == unit].mean(0) for unit in range(len(self.first))])

    def group(self, places: Places) -> Group:
        """Group some rows, given by their places, by their unit."""
        return Group(self.of_row[places])


@dataclass(frozen=True)
class Group:
    """Rows of a part of the evidence, grouped by unit.

    Attributes
    ----------
    unit_of : int (m,)
    """

    unit_of: Places

    @cached_property
    def units(self) -> Places:
        """Units that occur, ascending."""
        return np.unique(self.unit_of)

    @property
    def first(self) -> Places:
        """First row of each unit."""
        return np.unique(self.unit_of, return_index=True)[1]

    def mean(self, values: FloatArray) -> FloatArray:
        """Average (m, ...) over the rows of each unit."""
        return np.stack([values[self.unit_of == unit].mean(0) for unit in self.units])


def units_of(evidence: ArmEvidence) -> Units | None:
    """Find subjects with several images at one origin in one class; None if there are none."""
    classes = evidence.positive if evidence.label is None else evidence.label
    keys = list(zip(evidence.subject.tolist(), evidence.origin.tolist(), classes.tolist(), strict=True))
    place = {unit: index for index, unit in enumerate(dict.fromkeys(keys))}
    if len(place) == len(keys):
        return None
    of_row = np.array([place[key] for key in keys])
    return Units(of_row, np.unique(of_row, return_index=True)[1])
