"""List the images and cells of a folder or table, before a protocol says what they mean."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from biasaudit.cohort.images.formats import read_geometry
from biasaudit.cohort.images.geometry import orientation, spacing_of
from biasaudit.drafting.measures import Measures
from biasaudit.errors import DataError, Fault
from biasaudit.records import FloatArray

__all__ = ["DatasetCounts", "Geometry", "Profile", "geometry_of", "missing_files"]

_WORKERS = 4
_DECIMALS = 2


@dataclass(frozen=True)
class DatasetCounts:
    """Numbers of participants, subjects and images of one dataset or table.

    Attributes
    ----------
    name : str
    participants : int
        Rows of participants.tsv (subjects of a table); 0 where there is none.
    subjects, images : int
        With images of the chosen kind; a subject may have several.
    without_images, without_row : tuple of str
        Participants that have none, and subjects with images that participants.tsv does not name.
    """

    name: str
    participants: int
    subjects: int
    images: int
    without_images: tuple[str, ...] = ()
    without_row: tuple[str, ...] = ()


@dataclass(frozen=True)
class Geometry:
    """Grids of the images, from their headers alone.

    Attributes
    ----------
    shapes, spacings, orientations : mapping of text to number of images
        ``91 x 109 x 91``, ``2 x 2 x 2``, ``RAS``; the last two are empty for pictures.
    grids : int
        Distinct pairs of shape and affine.
    faults : tuple of Fault
        Headers that cannot be read.
    """

    shapes: Mapping[str, int]
    spacings: Mapping[str, int]
    orientations: Mapping[str, int]
    grids: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Profile:
    """Images, the cells that describe them, and the settings with which a reader lists them.

    Attributes
    ----------
    reader : str
        ``bids`` or ``table``.
    source : tuple of str
        Absolute paths of the datasets, or of the table.
    datasets : tuple of DatasetCounts
    frame : DataFrame
        One row per image: what participants.tsv and sidecars, or the table, say; text, empty where missing.
    subject, dataset, image : tuple of str
        One per row; `image` is the first channel's absolute path.
    marked, tissue, brain : tuple of bool
        One per row: whether it has a pathology mask, tissue probability maps, a brain mask.
    settings : mapping
        Keys of the protocol's cohort section that find these images.
    choices : mapping of key to text
        What else was there to choose from, for comments.
    dimensions : int
        2 or 3.
    measures : Measures
        Of a table without images: its columns of numbers, proposed and left out.
    notes : tuple of str
    faults : tuple of Fault
        What the reader would refuse.
    """

    reader: str
    source: tuple[str, ...]
    datasets: tuple[DatasetCounts, ...]
    frame: pd.DataFrame
    subject: tuple[str, ...]
    dataset: tuple[str, ...]
    image: tuple[str, ...]
    marked: tuple[bool, ...]
    tissue: tuple[bool, ...]
    brain: tuple[bool, ...]
    settings: Mapping[str, object]
    choices: Mapping[str, str] = field(default_factory=dict)
    dimensions: int = 3
    measures: Measures = field(default_factory=Measures)
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    def column(self, name: str) -> list[str]:
        """Cells of one column, or the dataset of every image where the table has no such column."""
        return list(self.frame[name]) if name in self.frame else list(self.dataset)


def geometry_of(paths: Sequence[str]) -> Geometry:
    """Read the headers of some images.

    Parameters
    ----------
    paths : sequence of str
        Files that exist.
    """
    with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as workers:
        read = list(workers.map(_header, paths))
    faults = tuple(fault for result in read if isinstance(result, DataError) for fault in result.faults)
    headers = [result for result in read if not isinstance(result, DataError)]
    volumes = [(shape, affine) for shape, affine in headers if affine is not None]
    return Geometry(
        shapes=Counter(_by(shape) for shape, _ in headers),
        spacings=Counter(_by(spacing_of(affine)) for _, affine in volumes),
        orientations=Counter(orientation(affine) for _, affine in volumes),
        grids=len({(shape, None if a is None else tuple(np.round(a, _DECIMALS).ravel())) for shape, a in headers}),
        faults=faults,
    )


def missing_files(paths: Iterable[str]) -> list[str]:
    """List the paths that lead to no file: typing errors, or links whose content was not fetched."""
    return [path for path in paths if not os.path.exists(path)]


def _header(path: str) -> tuple[tuple[int, ...], FloatArray | None] | DataError:
    try:
        return read_geometry(path)
    except DataError as error:
        return error


def _by(numbers: Iterable[float]) -> str:
    return " x ".join(f"{round(float(number), _DECIMALS):g}" for number in numbers)
