"""Arguments of the steps that look at the data themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from biasaudit.engine.jobs.job import Arguments

__all__ = [
    "FileHash",
    "ImageSources",
    "LeakageArguments",
    "MetadataArguments",
    "ProbeTwinsArguments",
    "QualityArguments",
]


@dataclass(frozen=True)
class FileHash:
    """A file and the SHA-256 of its content."""

    path: str
    sha256: str


@dataclass(frozen=True)
class ImageSources:
    """The files that say something of one image beside its pixels.

    Attributes
    ----------
    image : FileHash or None
        The image itself, for its header; None for a simulated one.
    sidecars : tuple of FileHash
        JSON sidecars that apply to it, the nearest last.
    companions : mapping of str to bool
        Companion files and whether they are given: ``brain mask`` ...
    origins : mapping of str to str
        Origin factor -> origin.
    colour : str
        ``colour`` or ``grey`` of a picture, as its pixels are; empty for volumes.
    """

    image: FileHash | None
    origins: Mapping[str, str]
    sidecars: tuple[FileHash, ...] = ()
    companions: Mapping[str, bool] = field(default_factory=dict)
    colour: str = ""


@dataclass(frozen=True)
class MetadataArguments(Arguments):
    """Gather what headers and sidecars say.

    Attributes
    ----------
    samples : tuple of ImageSources
        One per row of the cohort.
    """

    step: ClassVar[str] = "metadata"
    samples: tuple[ImageSources, ...]


@dataclass(frozen=True)
class LeakageArguments(Arguments):
    """Look for images of one subject under two names.

    Attributes
    ----------
    hashes : tuple of tuples of str
        For every row of the cohort the SHA-256 of its image files.
    origins : tuple of str
        Origin of every row of the cohort.
    tabular : bool
        Whether the images are rows of features, which are compared as they are.
    """

    step: ClassVar[str] = "leakage"
    hashes: tuple[tuple[str, ...], ...]
    origins: tuple[str, ...]
    tabular: bool


@dataclass(frozen=True)
class ProbeTwinsArguments(Arguments):
    """Look for probes that show a subject of the audit.

    Attributes
    ----------
    origins, probe_origins : tuple of str
        Origin of every row of the cohort, and of every probe.
    height, correlation : float
        From when on two images count as images of one subject; see the protocol.
    """

    step: ClassVar[str] = "probe_twins"
    origins: tuple[str, ...]
    probe_origins: tuple[str, ...]
    height: float
    correlation: float


@dataclass(frozen=True)
class QualityArguments(Arguments):
    """Measure image quality.

    Attributes
    ----------
    spacing : tuple of float
        Voxel size of the grid, mm per axis.
    colours : mapping of name to tuple of float
        Measures of the colour of the files, one number per row of the cohort; empty where all are grey.
    """

    step: ClassVar[str] = "quality"
    spacing: tuple[float, ...]
    colours: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
