"""Arguments of the steps between the files and the inputs of the networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from biasaudit.engine.jobs.job import Arguments, Component, Role
from biasaudit.protocol import FieldSettings
from biasaudit.records import Grid, Sample

__all__ = [
    "INPUTS",
    "READ",
    "BlankSurveyArguments",
    "HarmoniseArguments",
    "OwnInput",
    "ReadArguments",
    "RepresentArguments",
    "SurveyArguments",
    "representation_component",
]

READ = Role("read")
"""Images on the common grid: every block, in cohort order."""

INPUTS = Role("inputs")
"""Network inputs: every block, in cohort order."""


@dataclass(frozen=True)
class OwnInput:
    """A function of the user's that makes the network input.

    Attributes
    ----------
    function : str
        ``/folder/own.py:function`` or ``package.module:function``.
    code : str
        Hash of the module that holds it.
    channels : int
        Channels that it returned for the first image.
    """

    function: str
    code: str
    channels: int


def representation_component(name: str, own: OwnInput | None) -> tuple[Component, ...]:
    """Name the registered representation that a step uses; the user's own function is none."""
    return () if own is not None or ":" in name else (Component("representation", name),)


@dataclass(frozen=True)
class ReadArguments(Arguments):
    """Put one block of images on the common grid.

    Attributes
    ----------
    reader : str
        Registered name.
    foreground : str
        How the foreground is found where no mask is given; see the protocol.
    grid : Grid
    channels : int
        Channels of an image.
    samples : tuple of Sample
        The block, reduced to what the pixels depend on.
    hashes : mapping of path to str
        SHA-256 of every file that is read.
    field : FieldSettings or None
        Where the disease can be, if that is declared.
    """

    step: ClassVar[str] = "read"
    reads_files: ClassVar[bool] = True
    reader: str
    foreground: str
    grid: Grid
    channels: int
    samples: tuple[Sample, ...]
    hashes: Mapping[str, str]
    field: FieldSettings | None = None

    @property
    def components(self) -> tuple[Component, ...]:
        """The reader."""
        return (Component("reader", self.reader),)


@dataclass(frozen=True)
class SurveyArguments(Arguments):
    """Look at what the images hold.

    Attributes
    ----------
    subjects : tuple of str
        Subject of every image.
    """

    step: ClassVar[str] = "survey"
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class BlankSurveyArguments(Arguments):
    """Say in the form of a survey that there was nothing to look at.

    Attributes
    ----------
    images : int
        Rows of the cohort.
    """

    step: ClassVar[str] = "blank_survey"
    images: int


@dataclass(frozen=True)
class RepresentArguments(Arguments):
    """Turn one block of images into network inputs.

    Attributes
    ----------
    representation : str
        Registered name.
    own : OwnInput or None
        The user's function that goes before the name.
    grid : Grid
    channels : int
        Channels that the input is made from: of the image, or of the user's maps.
    rows : tuple of int
        Cohort rows of the block.
    mask_donors : tuple of tuple of int, or None
        For every row of the block the cohort rows whose masks are erased from it together; None where nothing is
        erased.
    """

    step: ClassVar[str] = "represent"
    representation: str
    grid: Grid
    channels: int
    rows: tuple[int, ...]
    mask_donors: tuple[tuple[int, ...], ...] | None = None
    own: OwnInput | None = None

    @property
    def components(self) -> tuple[Component, ...]:
        """The representation."""
        return representation_component(self.representation, self.own)


@dataclass(frozen=True)
class HarmoniseArguments(Arguments):
    """Remove the origin from the inputs of the cohort, learnt from the training rows of one fold.

    Attributes
    ----------
    representation : str
        Registered name of one that harmonises.
    training : tuple of int
        Cohort rows that it is learnt from.
    origin : tuple of str
        Origin of every row of the cohort.
    kept : tuple of tuples of float
        Covariates that are kept: for every row of the cohort one number per column.
    """

    step: ClassVar[str] = "harmonise"
    representation: str
    training: tuple[int, ...]
    origin: tuple[str, ...]
    kept: tuple[tuple[float, ...], ...]

    @property
    def components(self) -> tuple[Component, ...]:
        """The representation."""
        return (Component("representation", self.representation),)
